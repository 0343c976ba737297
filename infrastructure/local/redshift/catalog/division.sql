-- Division. Of decimals it keeps the places that Redshift's rules give it (dialect/numbers.py), and cuts off the rest.
CREATE OR REPLACE FUNCTION pg_catalog.rs_divide(a numeric, b numeric, places integer) RETURNS numeric LANGUAGE sql IMMUTABLE AS
$$SELECT div(a * ('1e' || places)::numeric, b) * ('1e-' || places)::numeric$$;

-- The operator // stands where the proxy does not know the types: of integers and floats it is /, of decimals it refuses.
CREATE OR REPLACE FUNCTION pg_catalog.rs_divide_unknown(a numeric, b numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RAISE EXCEPTION 'the local Redshift endpoint does not cover the division of decimals whose precision and scale it can not tell'
        USING ERRCODE = '0A000', DETAIL = 'CAST both operands to DECIMAL(p,s), or one to FLOAT';
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_divide_super(a json, b numeric) RETURNS super LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RAISE EXCEPTION 'the local Redshift endpoint does not cover the division of SUPER values' USING ERRCODE = '0A000',
        DETAIL = 'CAST the operands first';
END $$;
DO $$ DECLARE op record; BEGIN
    FOR op IN SELECT * FROM (VALUES
        ('smallint', 'smallint', 'int2div'), ('smallint', 'integer', 'int24div'), ('smallint', 'bigint', 'int28div'),
        ('integer', 'smallint', 'int42div'), ('integer', 'integer', 'int4div'), ('integer', 'bigint', 'int48div'),
        ('bigint', 'smallint', 'int82div'), ('bigint', 'integer', 'int84div'), ('bigint', 'bigint', 'int8div'),
        ('real', 'real', 'float4div'), ('real', 'float8', 'float48div'), ('float8', 'real', 'float84div'),
        ('float8', 'float8', 'float8div'), ('interval', 'float8', 'interval_div'), ('numeric', 'numeric', 'rs_divide_unknown'),
        ('json', 'numeric', 'rs_divide_super')) AS v (a, b, code)
    LOOP
        IF to_regoperator(format('pg_catalog.//(%s,%s)', op.a, op.b)) IS NULL THEN
            EXECUTE format('CREATE OPERATOR pg_catalog.// (LEFTARG = %s, RIGHTARG = %s, FUNCTION = pg_catalog.%s)', op.a, op.b, op.code);
        END IF;
    END LOOP;
END $$;

-- A cast to DECIMAL of what comes from a table cuts off; constants are rounded (DG/r_Numeric_types201)
CREATE OR REPLACE FUNCTION pg_catalog.rs_cut_decimal(value anyelement, places integer) RETURNS anyelement LANGUAGE sql IMMUTABLE AS $$SELECT value$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_cut_decimal(value numeric, places integer) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$SELECT trunc(value, places)$$;
-- Of a cast to an integer the pages say both: that the fraction is rounded, and that casts of values from tables are not rounded.
CREATE OR REPLACE FUNCTION pg_catalog.rs_whole(value anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE AS $$SELECT value$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_whole(value numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF trunc(value) <> round(value) THEN
        RAISE EXCEPTION 'the local Redshift endpoint does not cover the cast of % from a table to an integer', value
            USING ERRCODE = '0A000', DETAIL = 'say ROUND or TRUNC first: the manual does not say which of them the cast does';
    END IF;
    RETURN value;
END $$;
DO $$ DECLARE kind text; BEGIN
    -- besides the general form, because these would find the one for numeric as well
    FOREACH kind IN ARRAY ARRAY['smallint', 'integer', 'bigint'] LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION pg_catalog.rs_cut_decimal(value %1$s, places integer) RETURNS %1$s LANGUAGE sql IMMUTABLE AS ''SELECT value''', kind);
        EXECUTE format('CREATE OR REPLACE FUNCTION pg_catalog.rs_whole(value %1$s) RETURNS %1$s LANGUAGE sql IMMUTABLE AS ''SELECT value''', kind);
    END LOOP;
END $$;
-- What has no cast to a string in Redshift
CREATE OR REPLACE FUNCTION pg_catalog.rs_printable(value anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE AS $$SELECT value$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_printable(value boolean) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RAISE EXCEPTION 'cannot cast type boolean to character varying' USING ERRCODE = '42846';
END $$;

-- 19 digits are kept in 64 bits, which do not hold all of them (DG/r_Numeric_types201)
CREATE OR REPLACE FUNCTION pg_catalog.rs_most_of_19(scale integer) RETURNS numeric LANGUAGE sql IMMUTABLE AS
$$SELECT ('9223372036854775807e-' || scale)::numeric$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_within_19(value numeric, scale integer) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    IF abs(value) > rs_most_of_19(scale) THEN
        RAISE EXCEPTION 'Numeric data overflow (result precision)' USING ERRCODE = '22003';
    END IF;
    RETURN value;
END $$;
