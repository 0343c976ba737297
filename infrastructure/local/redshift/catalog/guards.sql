-- Lengths in bytes, ownership of materialized views, and what every user may do in schema public.

CREATE OR REPLACE FUNCTION pg_catalog.rs_guard_bytes(target text) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
    relation regclass := target::regclass;
    col record;
BEGIN
    -- what CREATE TABLE AS takes from functions whose length is not known
    FOR col IN
        SELECT a.attname FROM pg_attribute a
        WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid IN ('text'::regtype, 'varchar'::regtype)
          AND a.atttypmod = -1
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE varchar(65535)', relation, col.attname);
    END LOOP;
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
    FOR col IN
        SELECT a.attname, a.attnum, (a.atttypmod - 4) & 2047 AS scale FROM pg_attribute a
        WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = 'numeric'::regtype
          AND ((a.atttypmod - 4) >> 16) & 65535 = 19
          AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conrelid = relation AND c.conkey = ARRAY[a.attnum] AND c.conname LIKE 'decimal_width_%')
    LOOP
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I CHECK (abs(%I) <= %s)', relation, 'decimal_width_' || col.attnum, col.attname,
            rs_most_of_19(col.scale));
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

ALTER SCHEMA public OWNER TO rdsdb;
GRANT CREATE, USAGE ON SCHEMA public TO PUBLIC;

-- one cursor at a time (DG/declare)
CREATE OR REPLACE FUNCTION pg_catalog.rs_require_no_cursor() RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
    open_one text := (SELECT name FROM pg_catalog.pg_cursors WHERE statement LIKE 'DECLARE %' LIMIT 1);
BEGIN
    IF open_one IS NOT NULL THEN
        RAISE EXCEPTION 'cursor "%" is open: a session has one cursor at a time', open_one USING ERRCODE = '0A000';
    END IF;
END $body$;
