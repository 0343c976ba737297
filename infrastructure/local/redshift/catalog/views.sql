-- Redshift's system views as loaders and clients read them, on top of PostgreSQL's catalog.

-- how the catalog shows the default of an IDENTITY column
CREATE OR REPLACE FUNCTION pg_catalog.rs_identity(col pg_catalog.pg_attribute) RETURNS text LANGUAGE sql STABLE AS $$
SELECT format('%s(%s, %s, ''%s,%s''::text)', CASE col.attidentity WHEN 'd' THEN 'default_identity' ELSE '"identity"' END,
    col.attrelid::bigint, col.attnum - 1, q.seqstart, q.seqincrement)
FROM pg_catalog.pg_sequence q WHERE q.seqrelid = (SELECT d.objid FROM pg_catalog.pg_depend d
    WHERE d.refobjid = col.attrelid AND d.refobjsubid = col.attnum AND d.deptype = 'i' AND d.classid = 'pg_class'::regclass)
$$;

CREATE OR REPLACE VIEW pg_catalog.svv_tables AS
SELECT current_database()::varchar AS table_catalog, n.nspname::varchar AS table_schema, c.relname::varchar AS table_name,
    (CASE WHEN c.relkind IN ('v', 'm') THEN 'VIEW' WHEN c.relpersistence = 't' THEN 'LOCAL TEMPORARY' ELSE 'BASE TABLE' END)::varchar AS table_type,
    obj_description(c.oid, 'pg_class')::varchar AS remarks
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm') AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT');

CREATE OR REPLACE VIEW pg_catalog.svv_columns AS
SELECT current_database()::varchar AS table_catalog, n.nspname::varchar AS table_schema, c.relname::varchar AS table_name,
    a.attname::varchar AS column_name, a.attnum::integer AS ordinal_position, coalesce(pg_get_expr(d.adbin, d.adrelid), CASE WHEN a.attidentity <> '' THEN rs_identity(a) END)::varchar AS column_default,
    (CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END)::varchar AS is_nullable,
    (CASE a.atttypid WHEN 'text'::regtype THEN 'character varying' ELSE format_type(a.atttypid, NULL) END)::varchar AS data_type,
    (CASE WHEN a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype) AND a.atttypmod > 4 THEN a.atttypmod - 4
        -- what a function or an expression of a view made
        WHEN a.atttypid IN ('varchar'::regtype, 'text'::regtype) AND a.attrelid >= 16384 THEN 65535 END)::integer AS character_maximum_length,
    (CASE WHEN a.atttypid = 'numeric'::regtype AND a.atttypmod > 4 THEN ((a.atttypmod - 4) >> 16) & 65535 END)::integer AS numeric_precision,
    (CASE WHEN a.atttypid = 'numeric'::regtype AND a.atttypmod > 4 THEN (a.atttypmod - 4) & 2047 END)::integer AS numeric_scale,
    col_description(c.oid, a.attnum)::varchar AS remarks
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped
  AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT');

CREATE OR REPLACE VIEW pg_catalog.pg_table_def AS
SELECT n.nspname AS schemaname, c.relname AS tablename, a.attname AS "column", format_type(a.atttypid, a.atttypmod)::varchar AS type,
    l.encoding AS encoding, l.distkey AS distkey, l.sortkey AS sortkey, a.attnotnull AS "notnull"
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.rs_attributes l ON l.relation = a.attrelid AND l.column_name = a.attname
WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname = ANY (current_schemas(true));

-- whether a materialized view is stale is not known here, and no answer is better than a wrong one
CREATE OR REPLACE VIEW pg_catalog.stv_mv_info AS
SELECT current_database()::varchar AS db_name, schemaname::varchar AS schema, matviewname::varchar AS name, NULL::bigint AS updated_upto_xid,
    NULL::varchar AS is_stale, matviewowner::varchar AS owner_user_name, 1 AS state, 'f'::varchar AS autorewrite, 'f'::varchar AS autorefresh
FROM pg_matviews;

CREATE OR REPLACE VIEW pg_catalog.svv_all_schemas AS
SELECT current_database()::varchar AS database_name, n.nspname::varchar AS schema_name, n.nspowner::integer AS schema_owner,
    'local'::varchar AS schema_type, array_to_string(n.nspacl, ',')::varchar AS schema_acl, NULL::varchar AS source_database, NULL::varchar AS schema_option
FROM pg_namespace n WHERE has_schema_privilege(n.oid, 'USAGE') AND n.nspname !~ '^pg_(toast|temp)';
CREATE OR REPLACE VIEW pg_catalog.svv_redshift_schemas AS SELECT * FROM pg_catalog.svv_all_schemas;

CREATE OR REPLACE VIEW pg_catalog.svv_all_tables AS
SELECT table_catalog AS database_name, table_schema AS schema_name, table_name,
    (CASE table_type WHEN 'BASE TABLE' THEN 'TABLE' ELSE table_type END)::varchar AS table_type, NULL::varchar AS table_acl, remarks
FROM pg_catalog.svv_tables;
CREATE OR REPLACE VIEW pg_catalog.svv_redshift_tables AS SELECT * FROM pg_catalog.svv_all_tables;

CREATE OR REPLACE VIEW pg_catalog.svv_all_columns AS
SELECT table_catalog AS database_name, table_schema AS schema_name, table_name, column_name, ordinal_position, column_default, is_nullable, data_type,
    character_maximum_length, numeric_precision, numeric_scale, remarks
FROM pg_catalog.svv_columns;
CREATE OR REPLACE VIEW pg_catalog.svv_redshift_columns AS SELECT * FROM pg_catalog.svv_all_columns;

CREATE OR REPLACE VIEW pg_catalog.svv_redshift_functions AS
SELECT current_database()::varchar AS database_name, n.nspname::varchar AS schema_name, p.proname::varchar AS function_name,
    (CASE p.prokind WHEN 'a' THEN 'AGGREGATE FUNCTION' ELSE 'REGULAR FUNCTION' END)::varchar AS function_type,
    pg_get_function_identity_arguments(p.oid)::varchar AS argument_type, format_type(p.prorettype, NULL)::varchar AS result_type
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prokind IN ('f', 'a') AND p.proname NOT LIKE 'rs\_%';
GRANT SELECT ON pg_catalog.svv_redshift_functions TO PUBLIC;

-- there are no late-binding views and no external schemas here
CREATE OR REPLACE FUNCTION pg_catalog.pg_get_late_binding_view_cols() RETURNS SETOF record LANGUAGE sql STABLE AS
$$SELECT NULL::name, NULL::name, NULL::name, NULL::varchar, NULL::integer WHERE false$$;
CREATE OR REPLACE VIEW pg_catalog.svv_external_schemas AS
SELECT 0::oid AS esoid, 0::smallint AS eskind, NULL::name AS schemaname, 0 AS esowner, NULL::varchar AS databasename, NULL::varchar AS esoptions WHERE false;
CREATE OR REPLACE VIEW pg_catalog.svv_external_tables AS
SELECT NULL::varchar AS redshift_database_name, NULL::varchar AS schemaname, NULL::varchar AS tablename, NULL::varchar AS tabletype, NULL::varchar AS location WHERE false;
CREATE OR REPLACE VIEW pg_catalog.svv_external_columns AS
SELECT NULL::varchar AS redshift_database_name, NULL::varchar AS schemaname, NULL::varchar AS tablename, NULL::varchar AS columnname, NULL::varchar AS external_type,
    0 AS columnnum, 0 AS part_key, NULL::varchar AS is_nullable WHERE false;

GRANT SELECT ON pg_catalog.svv_all_schemas, pg_catalog.svv_redshift_schemas, pg_catalog.svv_all_tables, pg_catalog.svv_redshift_tables,
    pg_catalog.svv_all_columns, pg_catalog.svv_redshift_columns, pg_catalog.svv_external_schemas, pg_catalog.svv_external_tables,
    pg_catalog.svv_external_columns TO PUBLIC;
GRANT SELECT ON pg_catalog.svv_tables,
    pg_catalog.svv_columns, pg_catalog.pg_table_def, pg_catalog.stv_mv_info TO PUBLIC;
