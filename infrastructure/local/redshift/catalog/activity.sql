-- What sessions do at this moment. PostgreSQL keeps what it has once shown of it to the end of the transaction; a
-- loader that waits asks again and again in one, so what was kept is forgotten first. Users see what is theirs,
-- superusers see all (DG/c_visibility-of-data).

CREATE OR REPLACE FUNCTION pg_catalog.rs_activity() RETURNS SETOF pg_stat_activity LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
BEGIN
    PERFORM pg_stat_clear_snapshot();
    RETURN QUERY SELECT * FROM pg_stat_activity a
        WHERE a.backend_type = 'client backend' AND a.usename <> 'rdsdb'
          AND (a.usename = session_user OR (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = session_user));
END $$;

CREATE OR REPLACE VIEW pg_catalog.stv_sessions AS
SELECT backend_start::timestamp AS starttime, pid AS process, usename::varchar AS user_name, datname::varchar AS db_name, 0 AS timeout_sec
FROM rs_activity();

CREATE OR REPLACE VIEW pg_catalog.stv_recents AS
SELECT a.usesysid::integer AS userid, (CASE WHEN a.state = 'active' THEN 'Running' ELSE 'Done' END)::varchar AS status,
    a.query_start::timestamp AS starttime, (extract(epoch FROM clock_timestamp() - a.query_start) * 1000000)::bigint AS duration,
    a.usename::varchar AS user_name, a.datname::varchar AS db_name, a.query::varchar AS query, a.pid AS pid
FROM rs_activity() a;

-- the open sessions only: application_name is where a session says what it is
CREATE OR REPLACE VIEW pg_catalog.sys_connection_log AS
SELECT 'initiating session'::varchar AS event, a.backend_start::timestamp AS record_time, '127.0.0.1'::varchar AS remote_host, a.pid AS session_id,
    a.datname::varchar AS database_name, a.usename::varchar AS user_name, a.application_name::varchar AS application_name
FROM rs_activity() a;
CREATE OR REPLACE VIEW pg_catalog.stl_connection_log AS
SELECT event, record_time AS recordtime, remote_host AS remotehost, session_id AS pid, database_name AS dbname, user_name AS username, application_name
FROM pg_catalog.sys_connection_log;

CREATE OR REPLACE VIEW pg_catalog.svv_transactions AS
SELECT a.usename::varchar AS txn_owner, a.datname::varchar AS txn_db, coalesce(a.backend_xid::text, l.virtualtransaction)::varchar AS xid,
    l.pid AS pid, a.xact_start::timestamp AS txn_start, l.mode::varchar AS lock_mode, l.locktype::varchar AS lockable_object_type,
    l.relation::bigint AS relation, l.granted AS granted
FROM pg_locks l JOIN rs_activity() a ON a.pid = l.pid
WHERE l.locktype IN ('relation', 'transactionid');

CREATE OR REPLACE VIEW pg_catalog.stv_locks AS
SELECT l.relation::bigint AS table_id, a.xact_start::timestamp AS last_update, a.usename::varchar AS lock_owner, l.pid AS lock_owner_pid, l.mode::varchar AS lock_status
FROM pg_locks l JOIN rs_activity() a ON a.pid = l.pid WHERE l.locktype = 'relation';

GRANT SELECT ON pg_catalog.stv_sessions, pg_catalog.stv_recents, pg_catalog.svv_transactions, pg_catalog.stv_locks TO PUBLIC;
-- these are for superusers and for those whom one has granted it (DG/SYS_CONNECTION_LOG)
REVOKE SELECT ON pg_catalog.sys_connection_log, pg_catalog.stl_connection_log FROM PUBLIC;
