-- Redshift's system views as loaders and clients read them, on top of PostgreSQL's catalog.

CREATE OR REPLACE VIEW pg_catalog.stv_sessions AS
SELECT backend_start::timestamp AS starttime, pid AS process, usename::varchar AS user_name, datname::varchar AS db_name, 0 AS timeout_sec
FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename <> 'rdsdb';

CREATE OR REPLACE VIEW pg_catalog.stv_recents AS
SELECT a.usesysid::integer AS userid, (CASE WHEN a.state = 'active' THEN 'Running' ELSE 'Done' END)::varchar AS status,
    a.query_start::timestamp AS starttime, (extract(epoch FROM clock_timestamp() - a.query_start) * 1000000)::bigint AS duration,
    a.usename::varchar AS user_name, a.datname::varchar AS db_name, a.query::varchar AS query, a.pid AS pid
FROM pg_stat_activity a WHERE a.backend_type = 'client backend' AND a.usename <> 'rdsdb';

-- the open sessions only: application_name is where a session says what it is
CREATE OR REPLACE VIEW pg_catalog.sys_connection_log AS
SELECT 'initiating session'::varchar AS event, a.backend_start::timestamp AS record_time, '127.0.0.1'::varchar AS remote_host, a.pid AS session_id,
    a.datname::varchar AS database_name, a.usename::varchar AS user_name, a.application_name::varchar AS application_name
FROM pg_stat_activity a WHERE a.backend_type = 'client backend' AND a.usename <> 'rdsdb';
CREATE OR REPLACE VIEW pg_catalog.stl_connection_log AS
SELECT event, record_time AS recordtime, remote_host AS remotehost, session_id AS pid, database_name AS dbname, user_name AS username, application_name
FROM pg_catalog.sys_connection_log;

CREATE OR REPLACE VIEW pg_catalog.svv_transactions AS
SELECT a.usename::varchar AS txn_owner, a.datname::varchar AS txn_db, coalesce(a.backend_xid::text, l.virtualtransaction)::varchar AS xid,
    l.pid AS pid, a.xact_start::timestamp AS txn_start, l.mode::varchar AS lock_mode, l.locktype::varchar AS lockable_object_type,
    l.relation::bigint AS relation, l.granted AS granted
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE a.backend_type = 'client backend' AND a.usename <> 'rdsdb' AND l.locktype IN ('relation', 'transactionid');

CREATE OR REPLACE VIEW pg_catalog.stv_locks AS
SELECT l.relation::bigint AS table_id, a.xact_start::timestamp AS last_update, a.usename::varchar AS lock_owner, l.pid AS lock_owner_pid, l.mode::varchar AS lock_status
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'relation' AND a.usename <> 'rdsdb';

CREATE OR REPLACE VIEW pg_catalog.svv_tables AS
SELECT current_database()::varchar AS table_catalog, n.nspname::varchar AS table_schema, c.relname::varchar AS table_name,
    (CASE WHEN c.relkind IN ('v', 'm') THEN 'VIEW' WHEN c.relpersistence = 't' THEN 'LOCAL TEMPORARY' ELSE 'BASE TABLE' END)::varchar AS table_type,
    obj_description(c.oid, 'pg_class')::varchar AS remarks
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm') AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT');

CREATE OR REPLACE VIEW pg_catalog.svv_columns AS
SELECT current_database()::varchar AS table_catalog, n.nspname::varchar AS table_schema, c.relname::varchar AS table_name,
    a.attname::varchar AS column_name, a.attnum::integer AS ordinal_position, pg_get_expr(d.adbin, d.adrelid)::varchar AS column_default,
    (CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END)::varchar AS is_nullable,
    format_type(a.atttypid, NULL)::varchar AS data_type,
    (CASE WHEN a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype) AND a.atttypmod > 4 THEN a.atttypmod - 4 END)::integer AS character_maximum_length,
    (CASE WHEN a.atttypid = 'numeric'::regtype AND a.atttypmod > 4 THEN ((a.atttypmod - 4) >> 16) & 65535 END)::integer AS numeric_precision,
    (CASE WHEN a.atttypid = 'numeric'::regtype AND a.atttypmod > 4 THEN (a.atttypmod - 4) & 2047 END)::integer AS numeric_scale,
    col_description(c.oid, a.attnum)::varchar AS remarks
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped
  AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT');

CREATE OR REPLACE VIEW pg_catalog.pg_table_def AS
SELECT n.nspname AS schemaname, c.relname AS tablename, a.attname AS "column", format_type(a.atttypid, a.atttypmod)::varchar AS type,
    'none'::varchar AS encoding, false AS distkey, 0 AS sortkey, a.attnotnull AS "notnull"
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname = ANY (current_schemas(true));

CREATE OR REPLACE VIEW pg_catalog.stv_mv_info AS
SELECT current_database()::varchar AS db_name, schemaname::varchar AS schema, matviewname::varchar AS name, matviewowner::varchar AS owner_user_name,
    ispopulated AS updated_upto_xid, false AS is_stale, 1 AS state, 'n'::varchar AS autorefresh, 'n'::varchar AS autorewrite
FROM pg_matviews;

CREATE OR REPLACE VIEW pg_catalog.svv_all_schemas AS
SELECT current_database()::varchar AS database_name, n.nspname::varchar AS schema_name, n.nspowner::integer AS schema_owner,
    'local'::varchar AS schema_type, array_to_string(n.nspacl, ',')::varchar AS schema_acl, NULL::varchar AS source_database, NULL::varchar AS schema_option
FROM pg_namespace n WHERE has_schema_privilege(n.oid, 'USAGE');
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
GRANT SELECT ON pg_catalog.sys_connection_log, pg_catalog.stl_connection_log TO PUBLIC;
GRANT SELECT ON pg_catalog.stv_sessions, pg_catalog.stv_recents, pg_catalog.svv_transactions, pg_catalog.stv_locks, pg_catalog.svv_tables,
    pg_catalog.svv_columns, pg_catalog.pg_table_def, pg_catalog.stv_mv_info TO PUBLIC;
