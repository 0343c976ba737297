SELECT 1 AS found FROM pg_catalog.pg_namespace WHERE nspname = %s
