-- A BOOLEAN is no string: || refuses it, where PostgreSQL's takes anything.
CREATE OR REPLACE FUNCTION pg_catalog.rs_text_and_boolean(a text, b boolean) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RAISE EXCEPTION 'operator does not exist: character varying || boolean' USING ERRCODE = '42883';
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_boolean_and_text(a boolean, b text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RAISE EXCEPTION 'operator does not exist: boolean || character varying' USING ERRCODE = '42883';
END $$;
DO $$ BEGIN
    IF to_regoperator('pg_catalog.||(text,boolean)') IS NULL THEN
        CREATE OPERATOR pg_catalog.|| (LEFTARG = text, RIGHTARG = boolean, FUNCTION = pg_catalog.rs_text_and_boolean);
        CREATE OPERATOR pg_catalog.|| (LEFTARG = boolean, RIGHTARG = text, FUNCTION = pg_catalog.rs_boolean_and_text);
    END IF;
END $$;
