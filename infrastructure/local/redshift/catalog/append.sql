-- ALTER TABLE APPEND moves the rows of one table to the end of another (DG/r_ALTER_TABLE_APPEND).

-- the columns of a permanent table with all that has to be equal for a column to move; an identity never moves
CREATE OR REPLACE FUNCTION pg_catalog.rs_movable(target regclass) RETURNS TABLE (called name, traits text) LANGUAGE sql STABLE AS $$
SELECT a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, r.encoding, r.distkey, r.sortkey)
FROM pg_catalog.pg_attribute a JOIN pg_catalog.rs_attributes r ON r.relation = a.attrelid AND r.column_name = a.attname
WHERE a.attrelid = target AND a.attidentity <> 'a' $$;

CREATE OR REPLACE FUNCTION pg_catalog.rs_append(target regclass, source regclass, mode text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    differing name;
    extra_source name;
    extra_target name;
    common text;
BEGIN
    IF EXISTS (SELECT 1 FROM pg_catalog.pg_class WHERE oid IN (target, source) AND (relkind <> 'r' OR relpersistence <> 'p')) THEN
        RAISE EXCEPTION 'ALTER TABLE APPEND needs two permanent tables' USING ERRCODE = '0A000';
    ELSIF (SELECT count(DISTINCT (diststyle, sortstyle)) FROM pg_catalog.rs_tables WHERE relation IN (target, source)) > 1 THEN
        RAISE EXCEPTION 'ALTER TABLE APPEND: % and % differ in distribution or sort style', source, target USING ERRCODE = '0A000';
    END IF;
    SELECT min(t.called) FILTER (WHERE s.traits <> t.traits), min(s.called) FILTER (WHERE t.called IS NULL),
        min(t.called) FILTER (WHERE s.called IS NULL), string_agg(quote_ident(t.called), ', ') FILTER (WHERE s.called IS NOT NULL)
    INTO differing, extra_source, extra_target, common
    FROM rs_movable(target) t FULL JOIN rs_movable(source) s ON s.called = t.called;
    IF differing IS NOT NULL THEN
        RAISE EXCEPTION 'ALTER TABLE APPEND: column "%" differs in its attributes', differing USING ERRCODE = '42804';
    ELSIF extra_source IS NOT NULL AND mode <> 'ignoreextra' THEN
        RAISE EXCEPTION 'ALTER TABLE APPEND: column "%" is only in the source table; use IGNOREEXTRA', extra_source USING ERRCODE = '42804';
    ELSIF extra_target IS NOT NULL AND mode <> 'filltarget' THEN
        RAISE EXCEPTION 'ALTER TABLE APPEND: column "%" is only in the target table; use FILLTARGET', extra_target USING ERRCODE = '42804';
    END IF;
    EXECUTE format('INSERT INTO %s (%s) SELECT %s FROM %s', target, common, common, source);
    EXECUTE format('DELETE FROM %s', source);
END $$;
