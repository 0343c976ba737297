-- What COPY and UNLOAD did: Redshift's system views over the endpoint's journal, and the session's last of each.

CREATE SEQUENCE IF NOT EXISTS pg_catalog.rs_copy_id MINVALUE 0;
CREATE SEQUENCE IF NOT EXISTS pg_catalog.rs_copy_count MINVALUE 0;
GRANT USAGE, SELECT, UPDATE ON SEQUENCE pg_catalog.rs_copy_id, pg_catalog.rs_copy_count TO PUBLIC;

-- the session's current value of a sequence outlives a rollback, which is what the last COPY of a session has to do
CREATE OR REPLACE FUNCTION pg_catalog.rs_note_copy(id bigint, rows bigint) RETURNS void LANGUAGE plpgsql VOLATILE AS $body$
BEGIN
    PERFORM setval('pg_catalog.rs_copy_id', id), setval('pg_catalog.rs_copy_count', rows);
END $body$;
CREATE OR REPLACE FUNCTION pg_catalog.pg_last_copy_id() RETURNS integer LANGUAGE plpgsql VOLATILE AS $body$
BEGIN
    RETURN currval('pg_catalog.rs_copy_id');
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    RETURN -1;
END $body$;
CREATE OR REPLACE FUNCTION pg_catalog.pg_last_copy_count() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $body$
BEGIN
    RETURN currval('pg_catalog.rs_copy_count');
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    RETURN 0;
END $body$;
-- an UNLOAD changes no table and may run where nothing can be written
CREATE OR REPLACE FUNCTION pg_catalog.pg_last_unload_id() RETURNS integer LANGUAGE sql VOLATILE AS
$$SELECT coalesce(nullif(current_setting('redshift.last_unload_id', true), ''), '-1')::integer$$;
CREATE OR REPLACE FUNCTION pg_catalog.pg_last_unload_count() RETURNS bigint LANGUAGE sql VOLATILE AS
$$SELECT coalesce(nullif(current_setting('redshift.last_unload_count', true), ''), '0')::bigint$$;

CREATE OR REPLACE FUNCTION pg_catalog.rs_transfers(wanted text) RETURNS TABLE (place bigint, entry json)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path TO pg_catalog AS $$
    SELECT number, line::json FROM string_to_table(pg_read_file('rs_transfers.jsonl', true), E'\n') WITH ORDINALITY AS lines (line, number)
    WHERE starts_with(line, '{"kind":"' || wanted || '",')
$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_may_see(owner integer) RETURNS boolean LANGUAGE sql STABLE AS
$$SELECT r.rolsuper OR r.oid::integer = owner FROM pg_catalog.pg_roles r WHERE r.rolname = current_user$$;

CREATE OR REPLACE VIEW pg_catalog.sys_load_history AS
SELECT DISTINCT ON (r.query_id) r.user_id, r.query_id, r.transaction_id, r.session_id, r.database_name, r.status, r.table_name, r.start_time,
    r.end_time, r.duration, r.data_source, r.file_format, r.loaded_rows, r.loaded_bytes, r.source_file_count, r.source_file_bytes,
    r.file_count_scanned, r.source_file_bytes AS file_bytes_scanned, r.error_count, 0::bigint AS copy_job_id
FROM pg_catalog.rs_transfers('load') t, json_to_record(t.entry) AS r (
    user_id integer, query_id bigint, transaction_id bigint, session_id integer, database_name varchar, status varchar, table_name varchar,
    start_time timestamp, end_time timestamp, duration bigint, data_source varchar, file_format varchar, loaded_rows bigint,
    loaded_bytes bigint, source_file_count integer, source_file_bytes bigint, file_count_scanned integer, error_count bigint)
WHERE pg_catalog.rs_may_see(r.user_id) ORDER BY r.query_id, t.place DESC;

CREATE OR REPLACE VIEW pg_catalog.sys_load_detail AS
SELECT r.user_id, r.query_id, r.file_name, r.bytes_scanned, r.record_time
FROM pg_catalog.rs_transfers('load_file') t, json_to_record(t.entry) AS r (
    user_id integer, query_id bigint, file_name varchar, bytes_scanned bigint, record_time timestamp)
WHERE pg_catalog.rs_may_see(r.user_id);
CREATE OR REPLACE VIEW pg_catalog.stl_load_commits AS
SELECT user_id AS userid, query_id AS query, 0 AS slice, file_name AS name, file_name AS filename, bytes_scanned AS byte_offset, 0 AS errors,
    1 AS status, record_time AS curtime
FROM pg_catalog.sys_load_detail;

CREATE OR REPLACE VIEW pg_catalog.rs_load_errors AS
SELECT r.* FROM pg_catalog.rs_transfers('load_error') t, json_to_record(t.entry) AS r (
    user_id integer, query_id bigint, transaction_id bigint, session_id integer, database_name varchar, table_id integer, start_time timestamp,
    file_name varchar, line_number bigint, column_name varchar, column_type varchar, column_length varchar, position integer,
    error_code integer, error_message varchar, raw_line varchar, raw_field varchar)
WHERE pg_catalog.rs_may_see(r.user_id);
CREATE OR REPLACE VIEW pg_catalog.sys_load_error_detail AS
SELECT user_id, query_id, transaction_id, session_id, database_name, table_id, start_time, file_name, line_number, column_name, column_type,
    column_length, position, error_code, error_message
FROM pg_catalog.rs_load_errors;
CREATE OR REPLACE VIEW pg_catalog.stl_load_errors AS
SELECT user_id AS userid, 0 AS slice, table_id AS tbl, start_time AS starttime, session_id AS session, query_id AS query, file_name AS filename,
    line_number, column_name AS colname, column_type AS type, column_length AS col_length, position, raw_line, raw_field AS raw_field_value,
    error_code AS err_code, left(error_message, 100)::varchar AS err_reason, 0 AS is_partial, 0::bigint AS start_offset
FROM pg_catalog.rs_load_errors;

CREATE OR REPLACE VIEW pg_catalog.sys_unload_history AS
SELECT DISTINCT ON (r.query_id) r.user_id, r.query_id, r.transaction_id, r.session_id, r.database_name, r.status, r.start_time, r.end_time,
    r.duration, r.file_format, r.compression_type, r.unloaded_location, r.unloaded_rows, r.unloaded_files_count, r.unloaded_files_size, r.error_message
FROM pg_catalog.rs_transfers('unload') t, json_to_record(t.entry) AS r (
    user_id integer, query_id bigint, transaction_id bigint, session_id integer, database_name varchar, status varchar, start_time timestamp,
    end_time timestamp, duration bigint, file_format varchar, compression_type varchar, unloaded_location varchar, unloaded_rows bigint,
    unloaded_files_count bigint, unloaded_files_size bigint, error_message varchar)
WHERE pg_catalog.rs_may_see(r.user_id) ORDER BY r.query_id, t.place DESC;
CREATE OR REPLACE VIEW pg_catalog.sys_unload_detail AS
SELECT r.* FROM pg_catalog.rs_transfers('unload_file') t, json_to_record(t.entry) AS r (
    user_id integer, query_id bigint, session_id integer, transaction_id bigint, file_name varchar, start_time timestamp, end_time timestamp,
    line_count bigint, transfer_size bigint, file_format varchar)
WHERE pg_catalog.rs_may_see(r.user_id);
CREATE OR REPLACE VIEW pg_catalog.stl_unload_log AS
SELECT user_id AS userid, query_id AS query, 0 AS slice, session_id AS pid, file_name AS path, start_time, end_time, line_count, transfer_size, file_format
FROM pg_catalog.sys_unload_detail;

GRANT SELECT ON pg_catalog.sys_load_history, pg_catalog.sys_load_detail, pg_catalog.stl_load_commits, pg_catalog.sys_load_error_detail,
    pg_catalog.stl_load_errors, pg_catalog.sys_unload_history, pg_catalog.sys_unload_detail, pg_catalog.stl_unload_log TO PUBLIC;
