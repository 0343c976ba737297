-- What clients ask about tables, users and their rights (DG/cm_chap_system-tables), from what is known here. Measures
-- that have no meaning without slices and blocks are NULL.

CREATE OR REPLACE FUNCTION pg_catalog.rs_row_count(counted oid) RETURNS numeric LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
DECLARE
    found bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM %s', counted::regclass) INTO found;
    RETURN found;
END $$;

CREATE OR REPLACE VIEW pg_catalog.svv_table_info AS
SELECT current_database()::varchar AS database, n.nspname::varchar AS schema, c.oid AS table_id, c.relname::varchar AS "table",
    (CASE WHEN EXISTS (SELECT 1 FROM pg_catalog.rs_attributes l WHERE l.relation = c.oid AND l.encoding <> 'none') THEN 'Y' ELSE 'N' END)::varchar AS encoded,
    (CASE t.diststyle WHEN 'KEY' THEN 'KEY(' || (SELECT l.column_name FROM pg_catalog.rs_attributes l WHERE l.relation = c.oid AND l.distkey) || ')'
        WHEN 'AUTO' THEN 'AUTO(ALL)' ELSE t.diststyle END)::varchar AS diststyle,
    (CASE WHEN t.sortstyle = 'AUTO' AND s.column_name IS NULL THEN 'AUTO(SORTKEY)' ELSE s.column_name END)::varchar AS sortkey1,
    (SELECT max(CASE WHEN a.atttypmod > 4 THEN a.atttypmod - 4 END) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.atttypid = 'varchar'::regtype)::integer AS max_varchar,
    s.encoding::varchar AS sortkey1_enc, (SELECT count(*) FROM pg_catalog.rs_attributes l WHERE l.relation = c.oid AND l.sortkey <> 0)::integer AS sortkey_num,
    greatest(1, pg_total_relation_size(c.oid) / 1048576)::bigint AS size, NULL::numeric(10, 4) AS pct_used, 0::bigint AS empty,
    NULL::numeric(5, 2) AS unsorted, NULL::numeric(5, 2) AS stats_off, rs_row_count(c.oid)::numeric(38, 0) AS tbl_rows,
    NULL::numeric(19, 2) AS skew_sortkey1, NULL::numeric(19, 2) AS skew_rows, rs_row_count(c.oid)::numeric(38, 0) AS estimated_visible_rows,
    NULL::varchar AS risk_event, NULL::numeric(12, 2) AS vacuum_sort_benefit, NULL::timestamp AS create_time
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_catalog.rs_tables t ON t.relation = c.oid
LEFT JOIN pg_catalog.rs_attributes s ON s.relation = c.oid AND abs(s.sortkey) = 1
WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND has_table_privilege(c.oid, 'SELECT');

CREATE OR REPLACE VIEW pg_catalog.svv_user_info AS
SELECT u.usename::varchar AS user_name, u.usesysid::integer AS user_id, u.usecreatedb AS createdb, u.usesuper AS superuser,
    false AS catalog_update, (CASE WHEN r.rolconnlimit < 0 THEN 'UNLIMITED' ELSE r.rolconnlimit::text END)::varchar AS connection_limit,
    'RESTRICTED'::varchar AS syslog_access, NULL::timestamp AS last_ddl_ts,
    coalesce((SELECT substr(o, 22)::bigint / 1000 FROM unnest(r.rolconfig) o WHERE o LIKE 'idle_session_timeout=%'), 0) AS session_timeout,
    NULL::varchar AS external_user_id
FROM pg_user u JOIN pg_roles r ON r.rolname = u.usename WHERE u.usename <> 'rdsdb';

CREATE OR REPLACE VIEW pg_catalog.svv_roles AS
SELECT identity_id::integer AS role_id, identity_name::varchar AS role_name, NULL::varchar AS role_owner, NULL::varchar AS external_id
FROM pg_catalog.rs_identities WHERE identity_type = 'role';

CREATE OR REPLACE VIEW pg_catalog.svv_user_grants AS
SELECT m.member::integer AS user_id, u.identity_name::varchar AS user_name, m.roleid::integer AS role_id, r.identity_name::varchar AS role_name,
    m.admin_option AS admin_option
FROM pg_auth_members m JOIN pg_catalog.rs_identities u ON u.identity_id = m.member AND u.identity_type = 'user'
JOIN pg_catalog.rs_identities r ON r.identity_id = m.roleid AND r.identity_type = 'role';

CREATE OR REPLACE VIEW pg_catalog.svv_relation_privileges AS
SELECT n.nspname::varchar AS namespace_name, c.relname::varchar AS relation_name, p.privilege_type::varchar AS privilege_type,
    p.grantee::integer AS identity_id, coalesce(i.identity_name, 'public')::varchar AS identity_name,
    coalesce(i.identity_type, 'public')::varchar AS identity_type, p.is_grantable AS admin_option
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL aclexplode(c.relacl) p
LEFT JOIN pg_catalog.rs_identities i ON i.identity_id = p.grantee
WHERE c.relkind IN ('r', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND p.privilege_type <> 'MAINTAIN';

-- whether a materialized view is stale is not known here, and no answer is better than a wrong one
CREATE OR REPLACE VIEW pg_catalog.svv_mv_info AS
SELECT current_database()::varchar AS database_name, schemaname::varchar AS schema_name, matviewowner::varchar AS user_name, matviewname::varchar AS name,
    NULL::varchar AS is_stale, 1 AS state, 'f'::varchar AS autorefresh, 'f'::varchar AS autorewrite
FROM pg_matviews;

GRANT SELECT ON pg_catalog.svv_table_info, pg_catalog.svv_user_info, pg_catalog.svv_roles, pg_catalog.svv_user_grants,
    pg_catalog.svv_relation_privileges, pg_catalog.svv_mv_info TO PUBLIC;
