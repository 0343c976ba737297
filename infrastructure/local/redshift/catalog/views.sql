-- Redshift's system views as loaders and clients read them, on top of PostgreSQL's catalog.

CREATE OR REPLACE VIEW pg_catalog.stv_sessions AS
SELECT backend_start::timestamp AS starttime, pid AS process, usename::varchar AS user_name, datname::varchar AS db_name, 0 AS timeout_sec
FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename <> 'rdsdb';

CREATE OR REPLACE VIEW pg_catalog.stv_recents AS
SELECT a.usesysid::integer AS userid, (CASE WHEN a.state = 'active' THEN 'Running' ELSE 'Done' END)::varchar AS status,
    a.query_start::timestamp AS starttime, (extract(epoch FROM clock_timestamp() - a.query_start) * 1000000)::bigint AS duration,
    a.usename::varchar AS user_name, a.datname::varchar AS db_name, a.query::varchar AS query, a.pid AS pid
FROM pg_stat_activity a WHERE a.backend_type = 'client backend' AND a.usename <> 'rdsdb';

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
    regexp_replace(format_type(a.atttypid, NULL), '^jsonb$', 'super')::varchar AS data_type,
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

GRANT SELECT ON pg_catalog.stv_sessions, pg_catalog.stv_recents, pg_catalog.svv_transactions, pg_catalog.stv_locks, pg_catalog.svv_tables,
    pg_catalog.svv_columns, pg_catalog.pg_table_def, pg_catalog.stv_mv_info TO PUBLIC;
