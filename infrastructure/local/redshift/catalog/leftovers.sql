-- What an earlier version of this catalog left: a view or function that changed its columns or type can not be replaced.
-- All go that nothing of a user depends on; the others are replaced in place.
DO $$
DECLARE
    item record;
    dropped boolean := true;
BEGIN
    WHILE dropped LOOP
        dropped := false;
        FOR item IN
            SELECT format('VIEW %s', c.oid::regclass) AS what FROM pg_class c
            WHERE c.relkind = 'v' AND c.relnamespace = 'pg_catalog'::regnamespace AND c.oid >= 16384
            UNION ALL
            SELECT format('ROUTINE %s', p.oid::regprocedure) FROM pg_proc p
            WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.oid >= 16384
        LOOP
            BEGIN
                EXECUTE 'DROP ' || item.what;
                dropped := true;
            EXCEPTION WHEN dependent_objects_still_exist THEN
                CONTINUE;
            END;
        END LOOP;
    END LOOP;
END $$;
