-- What MERGE requires of its tables (DG/r_MERGE).
CREATE OR REPLACE FUNCTION pg_catalog.rs_require_source(source text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = source::regclass) <> 'r' THEN
        RAISE EXCEPTION 'MERGE source must be a table, not a view' USING ERRCODE = '0A000';
    END IF;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_require_same_width(target text, source text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    widths bigint[] := ARRAY(SELECT count(*) FROM pg_attribute WHERE attrelid IN (target::regclass, source::regclass)
        AND attnum > 0 AND NOT attisdropped GROUP BY attrelid);
BEGIN
    IF cardinality(widths) = 2 AND widths[1] <> widths[2] THEN
        RAISE EXCEPTION 'MERGE with REMOVE DUPLICATES needs a source with as many columns as the target' USING ERRCODE = '42601';
    END IF;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_refuse_repeated(repeated boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF repeated THEN
        RAISE EXCEPTION 'the local Redshift endpoint does not cover REMOVE DUPLICATES from a source with several rows of one key'
            USING ERRCODE = '0A000';
    END IF;
END $$;
