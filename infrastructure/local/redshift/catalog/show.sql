-- What the SHOW commands show.

CREATE OR REPLACE VIEW pg_catalog.rs_show_databases AS
SELECT d.datname::varchar AS database_name, d.datdba::integer AS database_owner, 'local'::varchar AS database_type,
    array_to_string(d.datacl, ',')::varchar AS database_acl, NULL::varchar AS parameters, 'Snapshot Isolation'::varchar AS database_isolation_level
FROM pg_database d WHERE NOT d.datistemplate AND d.datname <> 'postgres';
CREATE OR REPLACE VIEW pg_catalog.svv_redshift_databases AS
SELECT database_name, database_owner, database_type, database_acl, NULL::varchar AS database_options, database_isolation_level
FROM pg_catalog.rs_show_databases;

CREATE OR REPLACE VIEW pg_catalog.rs_show_columns AS
SELECT c.table_catalog AS database_name, c.table_schema AS schema_name, c.table_name, c.column_name, c.ordinal_position, c.column_default,
    c.is_nullable, c.data_type, c.character_maximum_length, c.numeric_precision, c.numeric_scale, c.remarks,
    (CASE WHEN t.sortstyle IN ('COMPOUND', 'INTERLEAVED') AND a.sortkey <> 0 THEN t.sortstyle END)::varchar AS sort_key_type,
    nullif(abs(a.sortkey), 0) AS sort_key, nullif(a.distkey::integer, 0) AS dist_key, a.encoding, NULL::varchar AS collation
FROM pg_catalog.svv_columns c
LEFT JOIN pg_catalog.rs_attributes a ON a.relation = to_regclass(format('%I.%I', c.table_schema, c.table_name)) AND a.column_name = c.column_name
LEFT JOIN pg_catalog.rs_tables t ON t.relation = a.relation;

CREATE OR REPLACE VIEW pg_catalog.rs_show_grants AS
SELECT current_database()::varchar AS database_name, o.schema_name::varchar AS schema_name, o.object_name::varchar AS object_name,
    o.object_type::varchar AS object_type, o.privilege::varchar AS privilege_type, coalesce(i.identity_id, 0)::integer AS identity_id,
    coalesce(i.identity_name, 'public')::varchar AS identity_name, coalesce(i.identity_type, 'public')::varchar AS identity_type,
    o.grantable AS admin_option, o.object_type::varchar AS privilege_scope, g.rolname::varchar AS grantor_name
FROM (
    SELECT n.nspname AS schema_name, c.relname AS object_name, 'TABLE' AS object_type, a.privilege_type AS privilege, a.grantee, a.grantor, a.is_grantable AS grantable
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
    WHERE c.relkind IN ('r', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND a.grantee <> c.relowner AND a.privilege_type <> 'MAINTAIN'
    UNION ALL
    SELECT n.nspname, NULL, 'SCHEMA', a.privilege_type, a.grantee, a.grantor, a.is_grantable
    FROM pg_namespace n, aclexplode(n.nspacl) a WHERE a.grantee <> n.nspowner AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    UNION ALL
    SELECT NULL, NULL, 'DATABASE', a.privilege_type, a.grantee, a.grantor, a.is_grantable
    FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = current_database() AND a.grantee <> d.datdba
) o LEFT JOIN pg_catalog.rs_identities i ON i.identity_id = o.grantee LEFT JOIN pg_roles g ON g.oid = o.grantor
WHERE (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) OR o.grantee = 0 OR pg_has_role(o.grantee, 'USAGE') OR pg_has_role(o.grantor, 'USAGE');

CREATE OR REPLACE VIEW pg_catalog.rs_show_column_grants AS
SELECT current_database()::varchar AS database_name, n.nspname::varchar AS schema_name, c.relname::varchar AS table_name, t.attname::varchar AS column_name,
    'TABLE'::varchar AS object_type, a.privilege_type::varchar AS privilege_type, coalesce(i.identity_id, 0)::integer AS identity_id,
    coalesce(i.identity_name, 'public')::varchar AS identity_name, coalesce(i.identity_type, 'public')::varchar AS identity_type,
    a.is_grantable AS admin_option, 'COLUMN'::varchar AS privilege_scope, g.rolname::varchar AS grantor_name
FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL aclexplode(t.attacl) a
LEFT JOIN pg_catalog.rs_identities i ON i.identity_id = a.grantee LEFT JOIN pg_roles g ON g.oid = a.grantor
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND ((SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
    OR a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE') OR pg_has_role(a.grantor, 'USAGE'));

CREATE OR REPLACE VIEW pg_catalog.rs_key_columns AS
SELECT con.oid AS key_id, con.contype, con.conname, con.confrelid, con.confkey, n.nspname, c.relname, c.oid AS relation, a.attname, k.n AS key_seq
FROM pg_constraint con JOIN pg_class c ON c.oid = con.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL unnest(con.conkey) WITH ORDINALITY k (num, n) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.num
WHERE con.contype IN ('p', 'u', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT');
CREATE OR REPLACE VIEW pg_catalog.rs_show_primary_keys AS
SELECT current_database()::varchar AS database_name, nspname::varchar AS schema_name, relname::varchar AS table_name, conname::varchar AS pk_name,
    attname::varchar AS column_name, key_seq::integer AS key_seq
FROM pg_catalog.rs_key_columns WHERE contype = 'p';
CREATE OR REPLACE VIEW pg_catalog.rs_show_foreign_keys AS
SELECT current_database()::varchar AS pk_database_name, pn.nspname::varchar AS pk_schema_name, pc.relname::varchar AS pk_table_name, pa.attname::varchar AS pk_column_name,
    current_database()::varchar AS fk_database_name, f.nspname::varchar AS fk_schema_name, f.relname::varchar AS fk_table_name, f.attname::varchar AS fk_column_name,
    f.key_seq::integer AS key_seq, f.conname::varchar AS fk_name,
    (SELECT p.conname FROM pg_constraint p WHERE p.conrelid = f.confrelid AND p.contype IN ('p', 'u') AND p.conkey @> f.confkey AND p.conkey <@ f.confkey
        ORDER BY p.contype LIMIT 1)::varchar AS pk_name,
    NULL::smallint AS update_rule, NULL::smallint AS delete_rule, NULL::smallint AS deferrability
FROM pg_catalog.rs_key_columns f JOIN pg_class pc ON pc.oid = f.confrelid JOIN pg_namespace pn ON pn.oid = pc.relnamespace
JOIN pg_attribute pa ON pa.attrelid = pc.oid AND pa.attnum = f.confkey[f.key_seq]
WHERE f.contype = 'f';

-- functions and procedures: nobody can make one here
CREATE OR REPLACE VIEW pg_catalog.rs_show_routines AS
SELECT NULL::varchar AS database_name, NULL::varchar AS schema_name, NULL::varchar AS routine_name, NULL::integer AS number_of_arguments,
    NULL::varchar AS argument_list, NULL::varchar AS return_type, NULL::varchar AS remarks WHERE false;

GRANT SELECT ON pg_catalog.rs_show_databases, pg_catalog.svv_redshift_databases, pg_catalog.rs_show_columns, pg_catalog.rs_show_grants,
    pg_catalog.rs_show_column_grants, pg_catalog.rs_key_columns, pg_catalog.rs_show_primary_keys, pg_catalog.rs_show_foreign_keys,
    pg_catalog.rs_show_routines TO PUBLIC;

-- SHOW TABLE: a statement that makes the table again
CREATE OR REPLACE FUNCTION pg_catalog.rs_column_definition(target regclass, col pg_catalog.pg_attribute) RETURNS text LANGUAGE sql STABLE AS $$
SELECT concat_ws(' ', col.attname, format_type(col.atttypid, col.atttypmod),
    CASE WHEN col.attnotnull THEN 'NOT NULL' END,
    (SELECT CASE col.attidentity WHEN 'd' THEN 'GENERATED BY DEFAULT AS ' ELSE '' END || 'IDENTITY(' || substring(rs_identity(col), '''(.*)''::text') || ')'
        WHERE col.attidentity <> ''),
    'DEFAULT ' || (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d WHERE d.adrelid = target AND d.adnum = col.attnum),
    (SELECT CASE WHEN a.encoding <> 'none' THEN 'ENCODE ' || a.encoding END FROM pg_catalog.rs_attributes a WHERE a.relation = target AND a.column_name = col.attname),
    (SELECT CASE WHEN a.distkey THEN 'distkey' END FROM pg_catalog.rs_attributes a WHERE a.relation = target AND a.column_name = col.attname))
$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_table_definition(target regclass) RETURNS varchar LANGUAGE plpgsql STABLE AS $$
DECLARE
    made pg_catalog.pg_class := (SELECT c FROM pg_catalog.pg_class c WHERE c.oid = target);
    layout pg_catalog.rs_tables := (SELECT t FROM pg_catalog.rs_tables t WHERE t.relation = target);
    columns text := (SELECT string_agg(rs_column_definition(target, a), E',\n' ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute a WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped);
    keys text := (SELECT string_agg(CASE c.contype WHEN 'f' THEN rs_get_constraintdef(c.oid)
            ELSE (CASE c.contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END) || ' (' ||
            (SELECT string_agg(a.attname, ', ' ORDER BY k.n) FROM unnest(c.conkey) WITH ORDINALITY k (num, n)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = target AND a.attnum = k.num) || ')' END, E',\n' ORDER BY c.contype = 'f', c.conname)
        FROM pg_catalog.pg_constraint c WHERE c.conrelid = target AND c.contype IN ('p', 'u', 'f'));
    sorted text := (SELECT string_agg(column_name, ', ' ORDER BY abs(sortkey)) FROM pg_catalog.rs_attributes r WHERE r.relation = target AND sortkey <> 0);
BEGIN
    IF made.relkind <> 'r' THEN
        RAISE EXCEPTION '% is not a table', target USING ERRCODE = '42809';
    END IF;
    RETURN format(E'CREATE TABLE %s.%s (\n%s\n)\nDISTSTYLE %s%s;', made.relnamespace::regnamespace, quote_ident(made.relname),
        concat_ws(E',\n', columns, keys), layout.diststyle,
        coalesce(CASE WHEN layout.sortstyle = 'INTERLEAVED' THEN ' INTERLEAVED' ELSE '' END || ' SORTKEY ( ' || sorted || ' )', ''));
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_view_definition(target regclass) RETURNS varchar LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF (SELECT relkind NOT IN ('v', 'm') FROM pg_catalog.pg_class WHERE oid = target) THEN
        RAISE EXCEPTION '% is not a view', target USING ERRCODE = '42809';
    END IF;
    RETURN pg_get_viewdef(target);
END $$;
