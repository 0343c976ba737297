SELECT 1 AS found FROM pg_catalog.pg_user WHERE usename = %s
