-- Which statements ran: Redshift's system views over the endpoint's history (history.py). Transactions have no number
-- there. Users see what is theirs, superusers see all.

CREATE OR REPLACE FUNCTION pg_catalog.rs_queries() RETURNS SETOF json
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path TO pg_catalog AS $$
    SELECT line::json FROM string_to_table(pg_read_file('rs_queries.jsonl', true), E'\n') AS lines (line) WHERE line <> ''
$$;

CREATE OR REPLACE FUNCTION pg_catalog.pg_last_query_id() RETURNS integer LANGUAGE sql VOLATILE AS
$$SELECT coalesce(nullif(current_setting('redshift.last_query_id', true), ''), '-1')::integer$$;

CREATE OR REPLACE VIEW pg_catalog.sys_query_history AS
SELECT u.usesysid::integer AS user_id, r.query_id, r.query_label, NULL::bigint AS transaction_id, r.session_id, r.database_name, r.query_type,
    r.status, false AS result_cache_hit, r.start_time, r.end_time, r.elapsed_time, 0::bigint AS queue_time, r.elapsed_time AS execution_time,
    r.error_message, r.returned_rows, 0::bigint AS returned_bytes, left(r.query_text, 4000)::varchar AS query_text,
    version()::varchar AS redshift_version, NULL::varchar AS usage_limit, 'primary'::varchar AS compute_type, 0::bigint AS compile_time,
    0::bigint AS planning_time, 0::bigint AS lock_wait_time
FROM pg_catalog.rs_queries() q CROSS JOIN LATERAL json_to_record(q) AS r (
    query_id bigint, session_id integer, user_name name, database_name varchar, query_label varchar, query_type varchar, status varchar,
    start_time timestamp, end_time timestamp, elapsed_time bigint, error_message varchar, returned_rows bigint, query_text varchar)
JOIN pg_user u ON u.usename = r.user_name
WHERE pg_catalog.rs_may_see(u.usesysid::integer);

CREATE OR REPLACE VIEW pg_catalog.sys_query_text AS
SELECT h.user_id, h.query_id, h.transaction_id, h.session_id, h.start_time, n.part - 1 AS sequence,
    substr(h.query_text, (n.part - 1) * 4000 + 1, 4000)::varchar AS text
FROM pg_catalog.sys_query_history h CROSS JOIN LATERAL generate_series(1, greatest(1, (length(h.query_text) + 3999) / 4000)) n (part);

CREATE OR REPLACE VIEW pg_catalog.stl_query AS
SELECT user_id AS userid, query_id::integer AS query, query_label AS label, transaction_id AS xid, session_id AS pid, database_name AS database,
    query_text AS querytxt, start_time AS starttime, end_time AS endtime, (status <> 'success')::integer AS aborted, 0 AS insert_pristine,
    0 AS concurrency_scaling_status
FROM pg_catalog.sys_query_history WHERE query_type <> 'UTILITY';

CREATE OR REPLACE VIEW pg_catalog.stl_querytext AS
SELECT h.userid, h.xid, h.pid, h.query, n.part - 1 AS sequence, substr(h.querytxt, (n.part - 1) * 200 + 1, 200)::varchar AS text
FROM pg_catalog.stl_query h CROSS JOIN LATERAL generate_series(1, greatest(1, (length(h.querytxt) + 199) / 200)) n (part);

CREATE OR REPLACE VIEW pg_catalog.svl_qlog AS
SELECT userid, query, xid, pid, starttime, endtime, (extract(epoch FROM endtime - starttime) * 1000000)::bigint AS elapsed, aborted,
    left(label, 30)::varchar AS label, left(querytxt, 60)::varchar AS substring, NULL::integer AS source_query,
    'Main'::varchar AS concurrency_scaling_status_txt, 0 AS from_sp_call
FROM pg_catalog.stl_query;

CREATE OR REPLACE VIEW pg_catalog.stv_inflight AS
SELECT a.usesysid::integer AS userid, 0 AS slice, NULL::integer AS query, 'default'::varchar AS label, NULL::bigint AS xid, a.pid AS pid,
    a.query_start::timestamp AS starttime, left(a.query, 100)::varchar AS text, 0 AS suspended, 0 AS insert_pristine, 0 AS concurrency_scaling_status
FROM rs_activity() a WHERE a.state = 'active';

-- the open sessions only
CREATE OR REPLACE VIEW pg_catalog.sys_session_history AS
SELECT a.usesysid::integer AS user_id, a.pid AS session_id, a.datname::varchar AS database_name, 'active'::varchar AS status,
    NULL::integer AS session_timeout, a.backend_start::timestamp AS start_time, NULL::timestamp AS end_time
FROM rs_activity() a;

GRANT SELECT ON pg_catalog.sys_query_history, pg_catalog.sys_query_text, pg_catalog.stl_query, pg_catalog.stl_querytext, pg_catalog.svl_qlog,
    pg_catalog.stv_inflight, pg_catalog.sys_session_history TO PUBLIC;
