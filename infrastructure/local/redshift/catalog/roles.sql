-- Users, groups and roles: one kind of thing in PostgreSQL, three in Redshift. A comment marks groups and roles.

CREATE OR REPLACE VIEW pg_catalog.rs_identities AS
SELECT r.oid AS identity_id, r.rolname AS identity_name,
    (CASE WHEN r.rolcanlogin THEN 'user' ELSE coalesce(shobj_description(r.oid, 'pg_authid'), 'role') END)::varchar AS identity_type
FROM pg_roles r WHERE r.rolname <> 'rdsdb' AND r.rolname NOT LIKE 'pg\_%';
GRANT SELECT ON pg_catalog.rs_identities TO PUBLIC;

CREATE OR REPLACE FUNCTION pg_catalog.rs_require_kind(wanted name, kind text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_catalog.rs_identities WHERE identity_name = wanted AND identity_type = kind) THEN
        RAISE EXCEPTION '% "%" does not exist', kind, wanted USING ERRCODE = '42704';
    END IF;
END $$;

-- DROP: not what owns something, has privileges or is granted to somebody (DG/r_DROP_USER, r_DROP_GROUP, r_DROP_ROLE)
CREATE OR REPLACE FUNCTION pg_catalog.rs_require_unused(dropped name, kind text, forced boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    found oid := (SELECT identity_id FROM pg_catalog.rs_identities WHERE identity_name = dropped AND identity_type = kind);
    dependency "char";
BEGIN
    IF found IS NULL THEN
        IF kind = 'user' AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = dropped) THEN
            RETURN;
        END IF;
        RAISE EXCEPTION '% "%" does not exist', kind, dropped USING ERRCODE = '42704';
    END IF;
    SELECT min(deptype::text) INTO dependency FROM pg_catalog.pg_shdepend
        WHERE refclassid = 'pg_authid'::regclass AND refobjid = found AND deptype IN ('o', 'a');
    IF dependency = 'a' AND kind <> 'role' THEN
        RAISE EXCEPTION '% "%" can''t be dropped because the % has a privilege on some object', kind, dropped, kind USING ERRCODE = '55006';
    ELSIF dependency = 'o' THEN
        RAISE EXCEPTION '% "%" can''t be dropped because the % owns some object', kind, dropped, kind USING ERRCODE = '55006';
    ELSIF kind = 'role' AND NOT forced AND EXISTS (SELECT 1 FROM pg_catalog.pg_auth_members WHERE roleid = found AND member <> grantor) THEN
        RAISE EXCEPTION 'cannot drop this role since it has been granted on a user' USING ERRCODE = '55006';
    ELSIF kind = 'role' AND NOT forced AND EXISTS (SELECT 1 FROM pg_catalog.pg_auth_members WHERE member = found) THEN
        RAISE EXCEPTION 'cannot drop this role since it depends on another role' USING ERRCODE = '55006';
    END IF;
END $$;
