-- How a table is laid out: distribution, sort keys and encodings, which here are declared and have no effect.
-- They are kept with the columns themselves, in a field that PostgreSQL uses for foreign tables only: so they are part
-- of the transaction, follow a column that is renamed and go when it goes. What belongs to the whole table is kept
-- with its system column tableoid.

CREATE OR REPLACE FUNCTION pg_catalog.rs_option(options text[], wanted text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$SELECT substr(o, length(wanted) + 2) FROM unnest(options) o WHERE o LIKE wanted || '=%'$$;

CREATE OR REPLACE FUNCTION pg_catalog.rs_with_option(options text[], changed text, value text) RETURNS text[] LANGUAGE sql IMMUTABLE AS
$$SELECT nullif(array(SELECT o FROM unnest(options) o WHERE o NOT LIKE changed || '=%')
    || CASE WHEN value IS NULL THEN '{}'::text[] ELSE ARRAY[changed || '=' || value] END, '{}')$$;

CREATE OR REPLACE FUNCTION pg_catalog.rs_set_option(target regclass, changed_column name, option text, value text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    UPDATE pg_catalog.pg_attribute a SET attfdwoptions = rs_with_option(a.attfdwoptions, option, value)
    WHERE a.attrelid = target AND a.attname = changed_column AND NOT a.attisdropped
      AND rs_option(a.attfdwoptions, option) IS DISTINCT FROM value;
    IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_attribute a WHERE a.attrelid = target AND a.attname = changed_column) THEN
        RAISE EXCEPTION 'column "%" does not exist', changed_column USING ERRCODE = '42703';
    END IF;
END $$;

-- a SUPER column is no distribution key and no sort key (DG/limitations-super)
CREATE OR REPLACE FUNCTION pg_catalog.rs_require_key_type(target regclass, key name) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT format_type(atttypid, NULL) FROM pg_catalog.pg_attribute WHERE attrelid = target AND attname = key) = 'super' THEN
        RAISE EXCEPTION 'column "%" of type super cannot be a distribution or sort key', key USING ERRCODE = '0A000';
    END IF;
END $$;

-- DISTSTYLE, with its key if there is one
CREATE OR REPLACE FUNCTION pg_catalog.rs_distribute(target regclass, style text, key name) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    col name;
BEGIN
    FOR col IN SELECT attname FROM pg_catalog.pg_attribute
        WHERE attrelid = target AND rs_option(attfdwoptions, 'distkey') IS NOT NULL LOOP
        PERFORM rs_set_option(target, col, 'distkey', NULL);
    END LOOP;
    IF key IS NOT NULL THEN
        PERFORM rs_require_key_type(target, key);
        PERFORM rs_set_option(target, key, 'distkey', '1');
    END IF;
    PERFORM rs_set_option(target, 'tableoid', 'diststyle', style);
END $$;

-- the sort key: an interleaved one has alternating signs, as the catalog shows it
CREATE OR REPLACE FUNCTION pg_catalog.rs_sort(target regclass, style text, keys name[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    col name;
BEGIN
    FOR col IN SELECT attname FROM pg_catalog.pg_attribute
        WHERE attrelid = target AND rs_option(attfdwoptions, 'sortkey') IS NOT NULL LOOP
        PERFORM rs_set_option(target, col, 'sortkey', NULL);
    END LOOP;
    FOR i IN 1..coalesce(array_length(keys, 1), 0) LOOP
        PERFORM rs_require_key_type(target, keys[i]);
        PERFORM rs_set_option(target, keys[i], 'sortkey', (CASE WHEN style = 'INTERLEAVED' AND i % 2 = 0 THEN -i ELSE i END)::text);
    END LOOP;
    PERFORM rs_set_option(target, 'tableoid', 'sortstyle', style);
END $$;

-- which encodings a type may have: Compression encodings (DG/c_Compression_encodings)
CREATE OR REPLACE FUNCTION pg_catalog.rs_encode(target regclass, changed_column name, encoding text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    kind text := (SELECT format_type(atttypid, NULL) FROM pg_catalog.pg_attribute WHERE attrelid = target AND attname = changed_column);
    kinds text := (CASE encoding
        WHEN 'az64' THEN '^(smallint|integer|bigint|numeric|date|time)'
        WHEN 'bytedict' THEN '^(smallint|integer|bigint|numeric|real|double|character|date|time)'
        WHEN 'delta' THEN '^(smallint|integer|bigint|numeric|date|time)'
        WHEN 'delta32k' THEN '^(integer|bigint|numeric|date|time)'
        WHEN 'lzo' THEN '^(smallint|integer|bigint|numeric|character|date|time|super)'
        WHEN 'mostly8' THEN '^(smallint|integer|bigint|numeric)'
        WHEN 'mostly16' THEN '^(integer|bigint|numeric)'
        WHEN 'mostly32' THEN '^(bigint|numeric)'
        WHEN 'text255' THEN '^character varying'
        WHEN 'text32k' THEN '^character varying'
        ELSE '' END);
BEGIN
    IF kind !~ kinds THEN
        RAISE EXCEPTION 'invalid encoding type specified for column "%"', changed_column USING ERRCODE = '0A000';
    END IF;
    PERFORM rs_set_option(target, changed_column, 'encoding', encoding);
END $$;

-- LIKE: the layout of the parent, column by column
CREATE OR REPLACE FUNCTION pg_catalog.rs_copy_layout(parent regclass, target regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    col record;
BEGIN
    FOR col IN
        SELECT a.attname, rs_option(a.attfdwoptions, o) AS value, o AS option
        FROM pg_catalog.pg_attribute a, unnest(ARRAY['distkey', 'sortkey', 'encoding', 'diststyle', 'sortstyle']) o
        WHERE a.attrelid = parent AND rs_option(a.attfdwoptions, o) IS NOT NULL
    LOOP
        PERFORM rs_set_option(target, col.attname, col.option, col.value);
    END LOOP;
END $$;

-- DROP COLUMN: not the last one, the distribution key or a part of the sort key; a part of a declared key only by CASCADE
CREATE OR REPLACE FUNCTION pg_catalog.rs_require_no_key(target regclass, dropped name, with_keys boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    col pg_catalog.pg_attribute := (SELECT a FROM pg_catalog.pg_attribute a WHERE a.attrelid = target AND a.attname = dropped);
BEGIN
    IF (SELECT count(*) FROM pg_catalog.pg_attribute WHERE attrelid = target AND attnum > 0 AND NOT attisdropped) = 1 THEN
        RAISE EXCEPTION 'cannot drop "%": it is the last column of its table', dropped USING ERRCODE = '0A000';
    ELSIF rs_option(col.attfdwoptions, 'distkey') IS NOT NULL THEN
        RAISE EXCEPTION 'cannot drop distkey column "%"', dropped USING ERRCODE = '0A000';
    ELSIF rs_option(col.attfdwoptions, 'sortkey') IS NOT NULL THEN
        RAISE EXCEPTION 'cannot drop sortkey column "%"', dropped USING ERRCODE = '0A000';
    ELSIF NOT with_keys AND EXISTS (SELECT 1 FROM pg_catalog.pg_index i WHERE i.indrelid = target AND col.attnum = ANY (i.indkey)) THEN
        RAISE EXCEPTION 'cannot drop column "%" because a key depends on it', dropped USING ERRCODE = '2BP01';
    END IF;
END $$;

-- ALTER COLUMN TYPE: not with one of these encodings, not with a default (DG/r_ALTER_TABLE)
CREATE OR REPLACE FUNCTION pg_catalog.rs_require_resizable(target regclass, changed_column name) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    col record;
BEGIN
    SELECT a.atthasdef, rs_option(a.attfdwoptions, 'encoding') AS encoding, a.atttypid INTO col
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = target AND a.attname = changed_column;
    IF col.atttypid <> 'varchar'::regtype THEN
        RAISE EXCEPTION 'ALTER COLUMN TYPE of column "%" is not supported: it is not a VARCHAR', changed_column USING ERRCODE = '0A000';
    ELSIF EXISTS (SELECT 1 FROM pg_catalog.pg_index i, pg_catalog.pg_attribute a WHERE i.indrelid = target AND a.attrelid = target
            AND a.attname = changed_column AND a.attnum = ANY (i.indkey)) THEN
        RAISE EXCEPTION 'cannot alter type of column "%" because it is part of a key', changed_column USING ERRCODE = '0A000';
    ELSIF col.atthasdef THEN
        RAISE EXCEPTION 'cannot alter type of column "%" because it has a default value', changed_column USING ERRCODE = '0A000';
    ELSIF col.encoding IN ('bytedict', 'runlength', 'text255', 'text32k') THEN
        RAISE EXCEPTION 'cannot alter column "%" with encode type "%"', changed_column, col.encoding USING ERRCODE = '0A000';
    END IF;
END $$;

-- per column: what was declared, or what Redshift assigns by type where nothing was (DG/c_Compression_encodings)
CREATE OR REPLACE VIEW pg_catalog.rs_attributes AS
SELECT a.attrelid AS relation, a.attname AS column_name, rs_option(a.attfdwoptions, 'distkey') IS NOT NULL AS distkey,
    coalesce(rs_option(a.attfdwoptions, 'sortkey')::integer, 0) AS sortkey,
    (CASE WHEN rs_option(a.attfdwoptions, 'encoding') <> 'raw' THEN rs_option(a.attfdwoptions, 'encoding')
        WHEN rs_option(a.attfdwoptions, 'encoding') = 'raw' OR c.relpersistence = 't' THEN 'none'
        WHEN rs_option(a.attfdwoptions, 'sortkey') IS NOT NULL OR a.atttypid IN ('bool'::regtype, 'float4'::regtype, 'float8'::regtype) THEN 'none'
        WHEN a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype, 'text'::regtype) THEN 'lzo'
        WHEN format_type(a.atttypid, NULL) = 'super' THEN 'zstd'
        ELSE 'az64' END)::varchar AS encoding
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relkind IN ('r', 'm') AND a.attnum > 0 AND NOT a.attisdropped;

-- per table: AUTO, EVEN, KEY or ALL; AUTO, COMPOUND, INTERLEAVED or nothing
CREATE OR REPLACE VIEW pg_catalog.rs_tables AS
SELECT a.attrelid AS relation, coalesce(rs_option(a.attfdwoptions, 'diststyle'), 'AUTO')::varchar AS diststyle,
    coalesce(rs_option(a.attfdwoptions, 'sortstyle'), 'AUTO')::varchar AS sortstyle
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relkind IN ('r', 'm') AND a.attname = 'tableoid';

GRANT SELECT ON pg_catalog.rs_attributes, pg_catalog.rs_tables TO PUBLIC;

-- whether CREATE TABLE IF NOT EXISTS made a table: one that was there is left alone
CREATE OR REPLACE FUNCTION pg_catalog.rs_remember_table(target text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('redshift.table', coalesce(to_regclass(target)::oid::text, ''), true);
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_is_new(target text) RETURNS boolean LANGUAGE sql STABLE AS
$$SELECT current_setting('redshift.table') <> to_regclass(target)::oid::text$$;

-- A declared key is shown by pg_index and pg_constraint, as clients look for it there, and is neither filled nor enforced:
-- its index is born as a plain one, is called unique for as long as the constraint is made of it, and is then switched off.
-- Deferrable, because the planner does not reason from such a key.
CREATE OR REPLACE FUNCTION pg_catalog.rs_switch_key(key regclass, alive boolean, called text DEFAULT '') RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    UPDATE pg_catalog.pg_index SET indisunique = alive, indisvalid = alive, indisready = alive WHERE indexrelid = key;
    -- tables of one schema may have keys of one name, which indexes may not
    UPDATE pg_catalog.pg_constraint SET condeferrable = true, conname = coalesce(nullif(called, ''), conname)
    WHERE conindid = key AND contype IN ('p', 'u');
END $$;
-- a table that was renamed took its keys along, with the names that they had
CREATE OR REPLACE FUNCTION pg_catalog.rs_free_name(namespace oid, called text) RETURNS text LANGUAGE sql STABLE AS $$
SELECT called || suffix FROM (SELECT 0 AS n, '' AS suffix UNION ALL SELECT n, n::text FROM generate_series(1, 999) n) s
WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.relnamespace = namespace AND c.relname = called || suffix) ORDER BY n LIMIT 1
$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_declare_key(target text, is_primary boolean, key_columns name[], wanted text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    relation pg_catalog.pg_class := (SELECT c FROM pg_catalog.pg_class c WHERE c.oid = target::regclass);
    called text := rs_free_name(relation.relnamespace, left(coalesce(nullif(wanted, ''), relation.relname || CASE WHEN is_primary THEN '_pkey'
        ELSE '_' || array_to_string(key_columns, '_') || '_key' END), 60));
    listed text := (SELECT string_agg(quote_ident(k), ', ' ORDER BY n) FROM unnest(key_columns) WITH ORDINALITY u (k, n));
    key regclass;
BEGIN
    IF is_primary AND EXISTS (SELECT 1 FROM pg_catalog.pg_constraint WHERE conrelid = target::regclass AND contype = 'p') THEN
        RAISE EXCEPTION 'multiple primary keys for table "%" are not allowed', relation.relname USING ERRCODE = '42P16';
    END IF;
    IF EXISTS (SELECT 1 FROM pg_catalog.pg_constraint WHERE conrelid = target::regclass AND conname = wanted) THEN
        RAISE EXCEPTION 'constraint "%" for relation "%" already exists', wanted, relation.relname USING ERRCODE = '42710';
    END IF;
    EXECUTE format('CREATE INDEX %I ON %s (%s)', called, target, listed);
    key := (relation.relnamespace::regnamespace::text || '.' || quote_ident(called))::regclass;
    PERFORM rs_switch_key(key, true);
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s USING INDEX %I', target, called,
        CASE WHEN is_primary THEN 'PRIMARY KEY' ELSE 'UNIQUE' END, called);
    PERFORM rs_switch_key(key, false, wanted);
END $$;

-- a foreign key needs a declared key of the other table, which is called unique for as long as the constraint is made
CREATE OR REPLACE FUNCTION pg_catalog.rs_declare_foreign_key(target text, key_columns name[], parent text, referenced name[], wanted text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    key regclass;
    -- of several columns the first one names it (DG/r_SHOW_CONSTRAINTS); PostgreSQL takes all
    called text := coalesce(nullif(wanted, ''), (SELECT format('%s_%s_fkey', c.relname, key_columns[1]) FROM pg_catalog.pg_class c
        WHERE c.oid = target::regclass AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint f
            WHERE f.conrelid = c.oid AND f.conname = format('%s_%s_fkey', c.relname, key_columns[1]))));
BEGIN
    -- PostgreSQL has none between a temporary table and a permanent one; it is read and forgotten
    IF (SELECT count(DISTINCT relpersistence = 't') FROM pg_catalog.pg_class WHERE oid IN (target::regclass, parent::regclass)) > 1 THEN
        RETURN;
    END IF;
    FOR key IN SELECT conindid FROM pg_catalog.pg_constraint WHERE conrelid = parent::regclass AND contype IN ('p', 'u') LOOP
        PERFORM rs_switch_key(key, true);
    END LOOP;
    EXECUTE format('ALTER TABLE %s ADD %s FOREIGN KEY (%s) REFERENCES %s %s NOT ENFORCED', target,
        coalesce(format('CONSTRAINT %I', called), ''),
        (SELECT string_agg(quote_ident(k), ', ' ORDER BY n) FROM unnest(key_columns) WITH ORDINALITY u (k, n)), parent,
        coalesce('(' || (SELECT string_agg(quote_ident(k), ', ' ORDER BY n) FROM unnest(referenced) WITH ORDINALITY u (k, n)) || ')', ''));
    FOR key IN SELECT conindid FROM pg_catalog.pg_constraint WHERE conrelid = parent::regclass AND contype IN ('p', 'u') LOOP
        PERFORM rs_switch_key(key, false);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION pg_catalog.rs_require_not_null(target regclass, key_columns name[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    loose name := (SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = target AND attname = ANY (key_columns) AND NOT attnotnull LIMIT 1);
BEGIN
    IF loose IS NOT NULL THEN
        RAISE EXCEPTION 'column "%" is nullable: a primary key needs NOT NULL columns', loose USING ERRCODE = '42P16';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION pg_catalog.rs_refuse_materialized_view(target regclass, what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT relkind = 'm' FROM pg_catalog.pg_class WHERE oid = target) THEN
        RAISE EXCEPTION 'cannot % a materialized view', what USING ERRCODE = '0A000';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION pg_catalog.rs_require_table_owner(target regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT (SELECT pg_has_role(relowner, 'USAGE') FROM pg_catalog.pg_class WHERE oid = target) THEN
        RAISE EXCEPTION 'must be owner of relation %', (SELECT relname FROM pg_catalog.pg_class WHERE oid = target) USING ERRCODE = '42501';
    END IF;
END $$;

-- a materialized view stands on tables and other materialized views, not on views or temporary tables
CREATE OR REPLACE FUNCTION pg_catalog.rs_check_materialized_view(target regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    base record;
BEGIN
    FOR base IN
        SELECT c.relname, c.relkind, c.relpersistence FROM pg_catalog.pg_rewrite r
        JOIN pg_catalog.pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
        JOIN pg_catalog.pg_class c ON c.oid = d.refobjid WHERE r.ev_class = target AND c.oid <> target
    LOOP
        IF base.relkind = 'v' OR base.relpersistence = 't' THEN
            RAISE EXCEPTION 'a materialized view cannot stand on %: it is a view or a temporary table', base.relname USING ERRCODE = '0A000';
        END IF;
    END LOOP;
END $$;

-- CREATE OR REPLACE VIEW may not add columns either (DG/r_CREATE_VIEW)
CREATE OR REPLACE FUNCTION pg_catalog.rs_remember_columns(target text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('redshift.view_columns', coalesce((SELECT relnatts::text FROM pg_catalog.pg_class WHERE oid = to_regclass(target)), ''), true);
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_same_columns(target text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('redshift.view_columns') NOT IN ('', (SELECT relnatts::text FROM pg_catalog.pg_class WHERE oid = target::regclass)) THEN
        RAISE EXCEPTION 'cannot change number of columns in view' USING ERRCODE = '42P16';
    END IF;
END $$;
