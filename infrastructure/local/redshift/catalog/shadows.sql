-- PostgreSQL's catalog as Redshift's clients find it: with the columns that Redshift has besides, without what Redshift
-- has not. dialect/leader.py sends queries here.

CREATE OR REPLACE FUNCTION pg_catalog.rs_encodings() RETURNS text[] LANGUAGE sql IMMUTABLE AS
$$SELECT ARRAY['none', 'bytedict', 'delta', 'delta32k', 'mostly8', 'mostly16', 'mostly32', 'lzo', 'text255', 'text32k',
    'runlength', 'zstd', 'az64']$$;
CREATE OR REPLACE FUNCTION pg_catalog.format_encoding(encoding integer) RETURNS varchar LANGUAGE sql IMMUTABLE AS
$$SELECT (rs_encodings())[encoding + 1]::varchar$$;

-- no sequences behind IDENTITY, and a materialized view is a view (dbt and others look for it in pg_views)
CREATE OR REPLACE VIEW pg_catalog.rs_pg_class AS
SELECT c.oid, c.relname, c.relnamespace, c.reltype, c.relowner, c.relam, c.relfilenode, c.reltablespace, c.relpages, c.reltuples, c.reltoastrelid,
    c.relhasindex, c.relisshared, (CASE c.relkind WHEN 'm' THEN 'v' ELSE c.relkind END)::"char" AS relkind, c.relnatts, 0::smallint AS relexternid,
    0::smallint AS relisreplicated, false AS relispinned,
    (SELECT CASE t.diststyle WHEN 'EVEN' THEN 0 WHEN 'KEY' THEN 1 WHEN 'ALL' THEN 8 ELSE 10 END
        FROM pg_catalog.rs_tables t WHERE t.relation = c.oid)::smallint AS reldiststyle,
    0 AS relprojbaseid, c.relchecks, 0::smallint AS reltriggers, 0::smallint AS relukeys, 0::smallint AS relfkeys, 0::smallint AS relrefs,
    false AS relhasoids, EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p') AS relhaspkey,
    c.relhasrules, c.relhassubclass, c.relacl,
    -- PostgreSQL's, which its own clients read
    EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND c.oid IN (k.conrelid, k.confrelid)) AS relhastriggers, c.relpersistence, c.reloptions, c.reloftype, c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.relispartition,
    c.relpartbound, c.relispopulated
FROM pg_class c WHERE c.relkind <> 'S' AND c.relnamespace <> 'pg_toast'::regnamespace;

-- a string without a length is what a function or an expression of a view made: to clients the longest VARCHAR
CREATE OR REPLACE VIEW pg_catalog.rs_pg_attribute AS
SELECT a.attrelid, a.attname, s.kind AS atttypid, a.attstattarget, a.attlen, a.attnum, a.attndims, -1 AS attcacheoff,
    (CASE WHEN s.kind = 1043 AND a.atttypmod = -1 AND a.attrelid >= 16384 THEN 65535 + 4 ELSE a.atttypmod END) AS atttypmod,
    a.attbyval, a.attstorage, a.attalign, a.attnotnull, a.atthasdef OR a.attidentity <> '' AS atthasdef, a.attisdropped, a.attislocal, a.attinhcount,
    coalesce((SELECT array_position(rs_encodings(), l.encoding::text) - 1 FROM pg_catalog.rs_attributes l
        WHERE l.relation = a.attrelid AND l.column_name = a.attname), 0)::smallint AS attencodingtype,
    rs_option(a.attfdwoptions, 'distkey') IS NOT NULL AS attisdistkey,
    coalesce(rs_option(a.attfdwoptions, 'sortkey')::integer, 0) AS attsortkeyord,
    0::smallint AS attispreloaded, 0 AS attencodeval,
    a.attcollation, a.attidentity, a.attgenerated, a.attacl, a.attoptions, a.attcompression
FROM pg_attribute a CROSS JOIN LATERAL (SELECT (CASE WHEN a.atttypid = 25 AND a.attrelid >= 16384 THEN 1043 ELSE a.atttypid END)::oid AS kind) s;

-- a declared key is shown as the one that it would be
CREATE OR REPLACE VIEW pg_catalog.rs_pg_index AS
SELECT i.indexrelid, i.indrelid, i.indkey, i.indclass, i.indnatts,
    i.indisunique OR EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u')) AS indisunique,
    i.indisprimary, i.indisclustered, i.indexprs, i.indpred, true AS indisvalid, true AS indisready, true AS indislive, true AS indimmediate,
    false AS indisreplident, i.indcollation, i.indoption, i.indnkeyatts, i.indcheckxmin, i.indisexclusion
FROM pg_index i;

CREATE OR REPLACE VIEW pg_catalog.rs_pg_database AS SELECT * FROM pg_database WHERE datname <> 'postgres';

CREATE OR REPLACE VIEW pg_catalog.rs_pg_views AS
SELECT schemaname, viewname, viewowner, definition FROM pg_views
UNION ALL
SELECT schemaname, matviewname, matviewowner, 'create materialized view ' || quote_ident(matviewname) || ' as' || definition FROM pg_matviews;

CREATE OR REPLACE VIEW pg_catalog.rs_information_columns AS
SELECT c.table_catalog, c.table_schema, c.table_name, c.column_name, c.ordinal_position, c.column_default, c.is_nullable, c.data_type,
    c.character_maximum_length, NULL::integer AS character_octet_length, coalesce(c.numeric_precision, t.bits) AS numeric_precision,
    (CASE WHEN t.bits IS NOT NULL THEN 2 WHEN c.data_type = 'numeric' THEN 10 END) AS numeric_precision_radix,
    (CASE WHEN t.bits IS NOT NULL AND c.data_type LIKE '%int%' THEN 0 ELSE c.numeric_scale END) AS numeric_scale,
    (CASE WHEN c.data_type LIKE 'time%' THEN 6 WHEN c.data_type = 'date' THEN 0 END) AS datetime_precision,
    NULL::varchar AS interval_type, NULL::varchar AS interval_precision,
    NULL::varchar AS character_set_catalog, NULL::varchar AS character_set_schema, NULL::varchar AS character_set_name,
    NULL::varchar AS collation_catalog, NULL::varchar AS collation_schema, NULL::varchar AS collation_name,
    NULL::varchar AS domain_catalog, NULL::varchar AS domain_schema, NULL::varchar AS domain_name,
    c.table_catalog AS udt_catalog, 'pg_catalog'::varchar AS udt_schema, coalesce(t.short, c.data_type)::varchar AS udt_name,
    NULL::varchar AS scope_catalog, NULL::varchar AS scope_schema, NULL::varchar AS scope_name, NULL::integer AS maximum_cardinality,
    c.ordinal_position::varchar AS dtd_identifier, 'NO'::varchar AS is_self_referencing
FROM pg_catalog.svv_columns c LEFT JOIN (VALUES ('smallint', 'int2', 16), ('integer', 'int4', 32), ('bigint', 'int8', 64), ('real', 'float4', 24),
    ('double precision', 'float8', 53), ('boolean', 'bool', NULL), ('character varying', 'varchar', NULL), ('character', 'bpchar', NULL),
    ('timestamp without time zone', 'timestamp', NULL), ('timestamp with time zone', 'timestamptz', NULL),
    ('time without time zone', 'time', NULL), ('time with time zone', 'timetz', NULL)) t (data_type, short, bits) ON t.data_type = c.data_type;

CREATE OR REPLACE VIEW pg_catalog.rs_information_tables AS
SELECT table_catalog, table_schema, table_name, table_type, NULL::varchar AS self_referencing_column_name, NULL::varchar AS reference_generation,
    NULL::varchar AS user_defined_type_catalog, NULL::varchar AS user_defined_type_schema, NULL::varchar AS user_defined_type_name
FROM pg_catalog.svv_tables;
CREATE OR REPLACE VIEW pg_catalog.rs_information_views AS
SELECT current_database()::varchar AS table_catalog, schemaname::varchar AS table_schema, viewname::varchar AS table_name, definition::varchar AS view_definition,
    'NONE'::varchar AS check_option, 'NO'::varchar AS is_updatable, 'NO'::varchar AS is_insertable_into
FROM pg_catalog.rs_pg_views v WHERE has_table_privilege(format('%I.%I', v.schemaname, v.viewname), 'SELECT');

-- functions: the ones of the users' own, of which there are none, and those that are built in
CREATE OR REPLACE VIEW pg_catalog.pg_proc_info AS
SELECT p.oid AS prooid, p.proname, p.pronamespace, p.proowner, p.prolang, p.prosecdef, p.proisstrict, p.proretset, p.provolatile, p.pronargs,
    p.prorettype, p.proargtypes, p.proargnames, p.prosrc, p.probin, p.proacl, p.prokind, p.proargmodes, p.proallargtypes
FROM pg_proc p WHERE p.proname NOT LIKE 'rs\_%';
GRANT SELECT ON pg_catalog.pg_proc_info TO PUBLIC;

CREATE OR REPLACE VIEW pg_catalog.rs_pg_attrdef AS
SELECT d.oid, d.adrelid, d.adnum, d.adbin, pg_get_expr(d.adbin, d.adrelid) AS adsrc FROM pg_attrdef d
UNION ALL
SELECT NULL, a.attrelid, a.attnum, NULL, rs_identity(a) FROM pg_attribute a WHERE a.attidentity <> '' AND NOT a.attisdropped;

-- a key's definition without the words that keep it from being enforced here
CREATE OR REPLACE FUNCTION pg_catalog.rs_get_constraintdef(con oid, pretty boolean DEFAULT false) RETURNS varchar LANGUAGE sql STABLE AS
$$SELECT regexp_replace(pg_get_constraintdef(con, pretty), '( DEFERRABLE)?( NOT ENFORCED)?$', '')$$;

-- the keys that were declared: NOT NULL is none here, and CHECKs are what keeps lengths in bytes
CREATE OR REPLACE VIEW pg_catalog.rs_pg_constraint AS
SELECT oid, conname, connamespace, contype, false AS condeferrable, false AS condeferred, true AS convalidated, conrelid, contypid, conindid, confrelid,
    confupdtype, confdeltype, confmatchtype, conislocal, coninhcount, conkey, confkey, NULL::text AS conbin, NULL::text AS consrc, conparentid,
    connoinherit
FROM pg_constraint WHERE contype IN ('p', 'u', 'f');
CREATE OR REPLACE VIEW pg_catalog.rs_table_constraints AS
SELECT * FROM information_schema.table_constraints WHERE constraint_type <> 'CHECK';
CREATE OR REPLACE VIEW pg_catalog.rs_check_constraints AS SELECT * FROM information_schema.check_constraints WHERE false;
CREATE OR REPLACE VIEW pg_catalog.rs_constraint_column_usage AS
SELECT u.* FROM information_schema.constraint_column_usage u
WHERE u.constraint_name !~ '^(varchar|char)_bytes_' AND EXISTS (SELECT 1 FROM information_schema.table_constraints t
    WHERE t.constraint_name = u.constraint_name AND t.constraint_schema = u.constraint_schema AND t.constraint_type <> 'CHECK');

CREATE OR REPLACE VIEW pg_catalog.rs_pg_group AS
SELECT g.* FROM pg_group g JOIN pg_catalog.rs_identities i ON i.identity_id = g.grosysid AND i.identity_type = 'group';

GRANT SELECT ON pg_catalog.rs_pg_index, pg_catalog.rs_pg_database, pg_catalog.rs_pg_views, pg_catalog.rs_information_columns, pg_catalog.rs_information_tables,
    pg_catalog.rs_information_views, pg_catalog.rs_pg_class, pg_catalog.rs_pg_attribute, pg_catalog.rs_pg_attrdef, pg_catalog.rs_pg_constraint,
    pg_catalog.rs_table_constraints, pg_catalog.rs_check_constraints, pg_catalog.rs_constraint_column_usage, pg_catalog.rs_pg_group TO PUBLIC;
