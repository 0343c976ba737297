-- Lengths in bytes, ownership of materialized views, and what every user may do in schema public.

CREATE OR REPLACE FUNCTION pg_catalog.rs_guard_bytes(target text) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
    relation regclass := target::regclass;
    col record;
BEGIN
    FOR col IN
        SELECT a.attname, a.attnum, a.atttypid = 'bpchar'::regtype AS fixed, a.atttypmod - 4 AS size
        FROM pg_attribute a
        WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypmod > 4
          AND a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype)
          AND NOT EXISTS (
              SELECT 1 FROM pg_constraint c
              WHERE c.conrelid = relation AND c.contype = 'c' AND c.conkey = ARRAY[a.attnum]
                AND c.conname ~ ('^(varchar|char)_bytes_' || (a.atttypmod - 4) || '_'))
    LOOP
        EXECUTE format(
            'ALTER TABLE %s ADD CONSTRAINT %I CHECK (octet_length(%I) <= %s)',
            relation, (CASE WHEN col.fixed THEN 'char' ELSE 'varchar' END) || '_bytes_' || col.size || '_' || col.attnum,
            col.attname, col.size);
    END LOOP;
END $body$;

CREATE OR REPLACE FUNCTION pg_catalog.rs_unguard_bytes(target text, changed text) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
    relation regclass := target::regclass;
    guard record;
BEGIN
    FOR guard IN
        SELECT c.conname FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum]
        WHERE c.conrelid = relation AND c.contype = 'c' AND a.attname = changed AND c.conname ~ '^(varchar|char)_bytes_'
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', relation, guard.conname);
    END LOOP;
END $body$;

CREATE OR REPLACE FUNCTION pg_catalog.rs_require_owner(target text) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
    relation regclass := target::regclass;
BEGIN
    IF NOT (SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class c WHERE c.oid = relation) THEN
        RAISE EXCEPTION 'must be owner of materialized view %', (SELECT relname FROM pg_class WHERE oid = relation)
            USING ERRCODE = '42501';
    END IF;
END $body$;

GRANT CREATE, USAGE ON SCHEMA public TO PUBLIC;
