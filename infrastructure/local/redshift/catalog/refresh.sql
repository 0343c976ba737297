-- REFRESH MATERIALIZED VIEW as Redshift does it: readers go on with what the last one made, each with its snapshot.
-- PostgreSQL's own REFRESH locks them out, and its CONCURRENTLY wants rows that are all different. So the view is a
-- table for the transaction that refreshes it, and for that one alone, and its rows are exchanged as any table's.

-- two refreshes of one view come one after the other; LOCK takes no snapshot, and no materialized view either
DO $$
BEGIN
    FOR number IN 0..15 LOOP
        EXECUTE format('CREATE TABLE IF NOT EXISTS pg_catalog.rs_refresh_%s ()', number);
        EXECUTE format('GRANT UPDATE ON pg_catalog.rs_refresh_%s TO PUBLIC', number);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION pg_catalog.rs_become(target regclass, kind "char") RETURNS void LANGUAGE sql SECURITY DEFINER AS
$$UPDATE pg_catalog.pg_class SET relkind = kind, relhasrules = (kind = 'm') WHERE oid = target$$;

CREATE OR REPLACE FUNCTION pg_catalog.rs_refresh(target text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    relation regclass := target::regclass;
    definition text := rtrim(pg_get_viewdef(relation), ';');
BEGIN
    IF (SELECT relkind <> 'm' FROM pg_class WHERE oid = relation) THEN
        RAISE EXCEPTION '% is not a materialized view', relation USING ERRCODE = '42809';
    END IF;
    PERFORM rs_require_owner(target);
    PERFORM rs_become(relation, 'r');
    EXECUTE format('DELETE FROM %s', relation);
    EXECUTE format('INSERT INTO %s %s', relation, definition);
    PERFORM rs_become(relation, 'm');
END $$;
