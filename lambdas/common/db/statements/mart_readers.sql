SELECT usename AS name
FROM pg_catalog.pg_user
WHERE NOT usesuper AND usename <> %s AND has_table_privilege(usename, %s, 'select')
ORDER BY usename
