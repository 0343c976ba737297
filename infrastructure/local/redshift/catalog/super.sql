-- SUPER: JSON text without blanks, as Redshift shows it. The type itself is a domain over json; what json has here beyond
-- PostgreSQL is Redshift's (DG/query-super, DG/limitations-super): casts that give NULL where they fail, comparisons by the
-- dynamic type, and an order of all values. Navigation is PostgreSQL's own -> on json, which is as lax.
DO $$ BEGIN
    IF to_regtype('pg_catalog.super') IS NULL THEN
        CREATE DOMAIN pg_catalog.super AS json;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION pg_catalog.rs_json_in(value text) RETURNS json LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT json_in(textout(value))$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_json_out(value json) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT textin(json_out(value))$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_kind(value json) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT json_typeof(value)$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_string(value json) RETURNS varchar LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT CASE WHEN rs_super_kind(value) = 'string' THEN (value #>> '{}')::varchar END$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_number(value json) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT CASE WHEN rs_super_kind(value) = 'number' THEN (value #>> '{}')::numeric END$$;

-- into SUPER: dates and times have no way in
CREATE OR REPLACE FUNCTION pg_catalog.rs_super(value json) RETURNS super LANGUAGE sql IMMUTABLE AS $$SELECT value::super$$;
DO $$ DECLARE kind text; BEGIN
    FOREACH kind IN ARRAY ARRAY['text', 'smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision', 'boolean'] LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION pg_catalog.rs_super(value %s) RETURNS super LANGUAGE sql IMMUTABLE AS
            ''SELECT to_json(value)::super''', kind);
    END LOOP;
    FOREACH kind IN ARRAY ARRAY['date', 'timestamp', 'timestamptz', 'time'] LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION pg_catalog.rs_super(value %s) RETURNS super LANGUAGE plpgsql IMMUTABLE AS
            ''BEGIN RAISE EXCEPTION ''''cannot cast type %s to super'''' USING ERRCODE = ''''42846''''; END''', kind, kind);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION pg_catalog.rs_unique_keys(value json) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT rs_json_out(value) IS JSON WITH UNIQUE KEYS$$;
CREATE OR REPLACE FUNCTION pg_catalog.json_parse(value text) RETURNS super LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    IF value ~ '(^|[^\\])(\\\\)*\\u0000' THEN
        RAISE EXCEPTION 'JSON_PARSE: \u0000 is no character of a VARCHAR' USING ERRCODE = '22P05';
    END IF;
    IF value IS JSON WITHOUT UNIQUE KEYS AND value IS NOT JSON WITH UNIQUE KEYS THEN
        RAISE EXCEPTION 'JSON_PARSE: the same attribute name appears twice in an object' USING ERRCODE = '22030';
    END IF;
    RETURN rs_json_in(regexp_replace(rs_json_out(rs_json_in(value)), '("(?:[^"\\]|\\.)*")|\s+', '\1', 'g'))::super;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_json_serialize(value json) RETURNS varchar LANGUAGE sql IMMUTABLE AS
$$SELECT rs_json_out(value)::varchar$$;
CREATE OR REPLACE FUNCTION pg_catalog.is_valid_json(value text) RETURNS boolean LANGUAGE sql IMMUTABLE AS
$$SELECT value IS JSON OBJECT$$;
CREATE OR REPLACE FUNCTION pg_catalog.is_valid_json_array(value text) RETURNS boolean LANGUAGE sql IMMUTABLE AS
$$SELECT value IS JSON ARRAY$$;
CREATE OR REPLACE FUNCTION pg_catalog.can_json_parse(value text) RETURNS boolean LANGUAGE sql IMMUTABLE AS
$$SELECT value IS JSON WITH UNIQUE KEYS$$;

-- out of SUPER: like the cast of the value that is inside, but NULL where that would fail
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_to_varchar(value json) RETURNS varchar LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT CASE WHEN rs_super_kind(value) IN ('string', 'number', 'boolean') THEN (value #>> '{}')::varchar END$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_to_bpchar(value json) RETURNS bpchar LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT rs_super_to_varchar(value)::bpchar$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_to_bool(value json) RETURNS boolean LANGUAGE sql STABLE STRICT AS
$$SELECT CASE rs_super_kind(value)
    WHEN 'boolean' THEN (value #>> '{}')::boolean
    WHEN 'number' THEN CASE WHEN (value #>> '{}') ~ '^-?\d+$' THEN (value #>> '{}')::numeric <> 0 END
    WHEN 'string' THEN CASE WHEN pg_input_is_valid(value #>> '{}', 'boolean') THEN (value #>> '{}')::boolean END END$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_to_numeric(value json) RETURNS numeric LANGUAGE sql STABLE STRICT AS
$$SELECT CASE rs_super_kind(value)
    WHEN 'number' THEN (value #>> '{}')::numeric
    WHEN 'boolean' THEN CASE WHEN (value #>> '{}')::boolean THEN 1 ELSE 0 END
    WHEN 'string' THEN CASE WHEN pg_input_is_valid(value #>> '{}', 'numeric') THEN (value #>> '{}')::numeric END END$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_to_decimal(value json, modifier integer, explicit boolean) RETURNS numeric
LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    precision_ integer := ((modifier - 4) >> 16) & 65535;
    scale_ integer := (modifier - 4) & 2047;
    found numeric := rs_super_to_numeric(value);
BEGIN
    IF modifier < 0 THEN
        RETURN found;
    END IF;
    found := round(found, scale_);
    RETURN CASE WHEN abs(found) < power(10::numeric, precision_ - scale_) THEN found END;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_to_whole(value json, most numeric) RETURNS numeric LANGUAGE sql STABLE STRICT AS
$$SELECT CASE WHEN rs_super_kind(value) = 'string' AND (value #>> '{}') !~ '^\s*[-+]?\d+\s*$' THEN NULL
    WHEN round(rs_super_to_numeric(value)) BETWEEN -most - 1 AND most THEN round(rs_super_to_numeric(value)) END$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_to_int2(value json) RETURNS smallint LANGUAGE sql STABLE STRICT AS
$$SELECT rs_super_to_whole(value, 32767)::smallint$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_to_int4(value json) RETURNS integer LANGUAGE sql STABLE STRICT AS
$$SELECT rs_super_to_whole(value, 2147483647)::integer$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_to_int8(value json) RETURNS bigint LANGUAGE sql STABLE STRICT AS
$$SELECT rs_super_to_whole(value, 9223372036854775807)::bigint$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_to_float8(value json) RETURNS double precision LANGUAGE sql STABLE STRICT AS
$$SELECT CASE WHEN pg_input_is_valid(rs_super_to_numeric(value)::text, 'double precision')
    THEN rs_super_to_numeric(value)::double precision END$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_to_float4(value json) RETURNS real LANGUAGE sql STABLE STRICT AS
$$SELECT CASE WHEN pg_input_is_valid(rs_super_to_numeric(value)::text, 'real') THEN rs_super_to_numeric(value)::real END$$;
DO $$ DECLARE kind text; BEGIN
    FOREACH kind IN ARRAY ARRAY['date', 'timestamp', 'timestamptz', 'time'] LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION pg_catalog.rs_super_to_%1$s(value json) RETURNS %1$s LANGUAGE sql STABLE STRICT AS
            ''SELECT CASE WHEN pg_input_is_valid(rs_super_string(value), ''''%1$s'''') THEN rs_super_string(value)::%1$s END''', kind);
    END LOOP;
END $$;
DO $$ DECLARE made record; BEGIN
    FOR made IN SELECT * FROM (VALUES
        ('varchar', 'rs_super_to_varchar(json)'), ('bpchar', 'rs_super_to_bpchar(json)'), ('boolean', 'rs_super_to_bool(json)'),
        ('numeric', 'rs_super_to_decimal(json, integer, boolean)'), ('smallint', 'rs_super_to_int2(json)'),
        ('integer', 'rs_super_to_int4(json)'), ('bigint', 'rs_super_to_int8(json)'), ('double precision', 'rs_super_to_float8(json)'),
        ('real', 'rs_super_to_float4(json)'), ('date', 'rs_super_to_date(json)'), ('timestamp', 'rs_super_to_timestamp(json)'),
        ('timestamptz', 'rs_super_to_timestamptz(json)'), ('time', 'rs_super_to_time(json)')) AS v (target, code)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_cast WHERE castsource = 'json'::regtype AND casttarget = made.target::regtype) THEN
            EXECUTE format('CREATE CAST (json AS %s) WITH FUNCTION pg_catalog.%s', made.target, made.code);
        END IF;
    END LOOP;
END $$;

-- comparisons: values of different types are not equal, and neither smaller nor larger (NULL); arrays and objects only have =
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_eq(a json, b json) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT CASE WHEN rs_super_kind(a) <> rs_super_kind(b) THEN false
    WHEN rs_super_kind(a) = 'string' THEN rs_super_string(a) = rs_super_string(b)
    WHEN rs_super_kind(a) = 'number' THEN rs_super_number(a) = rs_super_number(b)
    ELSE a::jsonb = b::jsonb END$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_ne(a json, b json) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT NOT rs_super_eq(a, b)$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_compare(a json, b json) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT CASE WHEN rs_super_kind(a) <> rs_super_kind(b) THEN NULL
    WHEN rs_super_kind(a) = 'string' THEN bttextcmp(rtrim(rs_super_string(a), ' '), rtrim(rs_super_string(b), ' '))
    WHEN rs_super_kind(a) = 'number' THEN numeric_cmp(rs_super_number(a), rs_super_number(b)) END$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_lt(a json, b json) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT rs_super_compare(a, b) < 0$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_le(a json, b json) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT rs_super_compare(a, b) <= 0$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_gt(a json, b json) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT rs_super_compare(a, b) > 0$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_ge(a json, b json) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT rs_super_compare(a, b) >= 0$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_add(a json, b json) RETURNS super LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT to_json(rs_super_number(a) + rs_super_number(b))::super$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_sub(a json, b json) RETURNS super LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT to_json(rs_super_number(a) - rs_super_number(b))::super$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_mul(a json, b json) RETURNS super LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT to_json(rs_super_number(a) * rs_super_number(b))::super$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_cat(a json, b json) RETURNS varchar LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT rs_super_string(a) || rs_super_string(b)$$;
DO $$ DECLARE op record; kind text; BEGIN
    -- no operator has SUPER on both sides: a string literal beside a SUPER value would be read as JSON
    FOR op IN SELECT * FROM (VALUES ('=', 'eq'), ('<>', 'ne'), ('<', 'lt'), ('<=', 'le'), ('>', 'gt'), ('>=', 'ge'),
        ('+', 'add'), ('-', 'sub'), ('*', 'mul'), ('||', 'cat')) AS v (sign, code)
    LOOP
        FOREACH kind IN ARRAY CASE WHEN op.sign = '||' THEN ARRAY['text'] WHEN op.code IN ('add', 'sub', 'mul')
            THEN ARRAY['smallint', 'integer', 'bigint', 'numeric', 'real', 'float8']
            ELSE ARRAY['text', 'smallint', 'integer', 'bigint', 'numeric', 'real', 'float8', 'boolean'] END
        LOOP
            EXECUTE format('CREATE OR REPLACE FUNCTION pg_catalog.rs_super_%1$s(a json, b %2$s) RETURNS %3$s LANGUAGE sql IMMUTABLE STRICT
                AS ''SELECT rs_super_%1$s(a, to_json(b))''', op.code, kind, CASE WHEN op.code IN ('add', 'sub', 'mul') THEN 'super'
                WHEN op.code = 'cat' THEN 'varchar' ELSE 'boolean' END);
            EXECUTE format('CREATE OR REPLACE FUNCTION pg_catalog.rs_super_%1$s(a %2$s, b json) RETURNS %3$s LANGUAGE sql IMMUTABLE STRICT
                AS ''SELECT rs_super_%1$s(to_json(a), b)''', op.code, kind, CASE WHEN op.code IN ('add', 'sub', 'mul') THEN 'super'
                WHEN op.code = 'cat' THEN 'varchar' ELSE 'boolean' END);
            IF to_regoperator(format('pg_catalog.%s(json,%s)', op.sign, kind)) IS NULL THEN
                EXECUTE format('CREATE OPERATOR pg_catalog.%s (LEFTARG = json, RIGHTARG = %s, FUNCTION = rs_super_%s)', op.sign, kind, op.code);
                EXECUTE format('CREATE OPERATOR pg_catalog.%s (LEFTARG = %s, RIGHTARG = json, FUNCTION = rs_super_%s)', op.sign, kind, op.code);
            END IF;
        END LOOP;
    END LOOP;
END $$;

-- ORDER BY, GROUP BY and DISTINCT: boolean, number, string, array, object
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_order(a json, b json) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT CASE WHEN rs_super_kind(a) <> rs_super_kind(b)
    THEN btint4cmp(strpos('bnsao', left(rs_super_kind(a), 1)), strpos('bnsao', left(rs_super_kind(b), 1)))
    ELSE coalesce(rs_super_compare(a, b), jsonb_cmp(a::jsonb, b::jsonb)) END$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_before(a json, b json) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$SELECT rs_super_order(a, b) < 0$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_upto(a json, b json) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$SELECT rs_super_order(a, b) <= 0$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_same(a json, b json) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$SELECT rs_super_order(a, b) = 0$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_from(a json, b json) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$SELECT rs_super_order(a, b) >= 0$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_after(a json, b json) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$SELECT rs_super_order(a, b) > 0$$;
DO $$ DECLARE op record; BEGIN
    IF to_regoperator('pg_catalog.<#(json,json)') IS NULL THEN
        FOR op IN SELECT * FROM (VALUES ('<#', 'before'), ('<=#', 'upto'), ('=#', 'same'), ('>=#', 'from'), ('>#', 'after')) AS v (sign, code) LOOP
            EXECUTE format('CREATE OPERATOR pg_catalog.%s (LEFTARG = json, RIGHTARG = json, FUNCTION = rs_super_%s)', op.sign, op.code);
        END LOOP;
        CREATE OPERATOR CLASS pg_catalog.rs_super_ops DEFAULT FOR TYPE json USING btree AS
            OPERATOR 1 <#, OPERATOR 2 <=#, OPERATOR 3 =#, OPERATOR 4 >=#, OPERATOR 5 >#, FUNCTION 1 rs_super_order(json, json);
    END IF;
END $$;
-- what a value is
CREATE OR REPLACE FUNCTION pg_catalog.json_typeof(value super) RETURNS varchar LANGUAGE sql IMMUTABLE AS $$SELECT rs_super_kind(value)::varchar$$;
DO $$ DECLARE made record; BEGIN
    FOR made IN SELECT * FROM (VALUES
        ('array', $q$rs_super_kind(value) = 'array'$q$), ('object', $q$rs_super_kind(value) = 'object'$q$),
        ('scalar', $q$rs_super_kind(value) IN ('string', 'number', 'boolean')$q$), ('boolean', $q$rs_super_kind(value) = 'boolean'$q$),
        ('varchar', $q$rs_super_kind(value) = 'string'$q$), ('char', $q$rs_super_kind(value) = 'string' AND octet_length(rs_super_string(value)) = length(rs_super_string(value))$q$),
        ('smallint', $q$rs_super_number(value) % 1 = 0 AND abs(rs_super_number(value)) <= 32767$q$),
        ('integer', $q$rs_super_number(value) % 1 = 0 AND abs(rs_super_number(value)) <= 2147483647$q$),
        ('bigint', $q$rs_super_number(value) % 1 = 0 AND abs(rs_super_number(value)) <= 9223372036854775807$q$),
        ('decimal', $q$rs_super_kind(value) = 'number' AND (value #>> '{}') !~ '[eE]'$q$),
        ('float', $q$rs_super_kind(value) = 'number'$q$)) AS v (kind, test)
    LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION pg_catalog.is_%s(value json) RETURNS boolean LANGUAGE sql IMMUTABLE AS %L',
            made.kind, format('SELECT coalesce(%s, false)', made.test));
    END LOOP;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.get_array_length(value json) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT CASE WHEN rs_super_kind(value) = 'array' THEN json_array_length(value) END$$;
CREATE OR REPLACE FUNCTION pg_catalog.json_size(value json) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT octet_length(rs_json_out(value))$$;

-- parts and wholes
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_attribute(value json, name text) RETURNS super LANGUAGE sql IMMUTABLE AS
$$SELECT (value -> name)::super$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_element(value json, place bigint) RETURNS super LANGUAGE sql IMMUTABLE AS
$$SELECT CASE WHEN place >= 0 THEN (value -> place::integer)::super END$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_elements(value json) RETURNS TABLE (element super, place bigint) LANGUAGE sql IMMUTABLE AS
$$SELECT e.value::super, e.ordinality - 1 FROM json_array_elements(CASE WHEN rs_super_kind(value) = 'array' THEN value END)
    WITH ORDINALITY AS e (value, ordinality)$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_attributes(value json) RETURNS TABLE (element super, name varchar) LANGUAGE sql IMMUTABLE AS
$$SELECT e.value::super, e.key::varchar FROM json_each(CASE WHEN rs_super_kind(value) = 'object' THEN value END) AS e$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_items(value json) RETURNS SETOF super LANGUAGE sql IMMUTABLE AS
$$SELECT element FROM rs_super_elements(value)$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_values(value json) RETURNS SETOF super LANGUAGE sql IMMUTABLE AS
$$SELECT element FROM rs_super_attributes(value)$$;
-- whether a JSON null counts as NULL is not documented
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_known(value json) RETURNS super LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF rs_super_kind(value) = 'null' THEN
        RAISE EXCEPTION 'the local Redshift endpoint does not cover IS NULL of a JSON null' USING ERRCODE = '0A000',
            DETAIL = 'compare json_typeof(...) with ''null'' first';
    END IF;
    RETURN value::super;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_text(value json) RETURNS text LANGUAGE sql IMMUTABLE AS
$$SELECT coalesce(rs_json_out(value), 'null')$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_array(VARIADIC elements json[]) RETURNS super LANGUAGE sql IMMUTABLE AS
$$SELECT rs_json_in('[' || (SELECT string_agg(rs_super_text(e.item), ',' ORDER BY e.place)
    FROM unnest(elements) WITH ORDINALITY AS e (item, place)) || ']')::super$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_super_object(keys text[], elements json[]) RETURNS super LANGUAGE sql IMMUTABLE AS
$$SELECT rs_json_in('{' || (SELECT string_agg(rs_json_out(to_json(e.key)) || ':' || rs_super_text(e.item), ',' ORDER BY e.place)
    FROM unnest(keys, elements) WITH ORDINALITY AS e (key, item, place)) || '}')::super$$;
CREATE OR REPLACE FUNCTION pg_catalog.array_concat(a json, b json) RETURNS super LANGUAGE sql IMMUTABLE AS
$$SELECT CASE WHEN rs_super_kind(a) = 'array' AND rs_super_kind(b) = 'array' THEN (SELECT coalesce(rs_super_array(VARIADIC array_agg(e.item::json ORDER BY e.half, e.place)), '[]'::super)
    FROM (SELECT 1, element, place FROM rs_super_elements(a) UNION ALL SELECT 2, element, place FROM rs_super_elements(b)) AS e (half, item, place)) END$$;
CREATE OR REPLACE FUNCTION pg_catalog.array_flatten(value json) RETURNS super LANGUAGE sql IMMUTABLE AS
$$WITH RECURSIVE flat (item, path) AS (
    SELECT element, ARRAY[place] FROM rs_super_elements(value)
    UNION ALL SELECT e.element, f.path || e.place FROM flat f, LATERAL rs_super_elements(f.item) AS e WHERE rs_super_kind(f.item) = 'array')
SELECT CASE WHEN rs_super_kind(value) = 'array' THEN (SELECT coalesce(rs_super_array(VARIADIC array_agg(item::json ORDER BY path)), '[]'::super)
    FROM flat WHERE rs_super_kind(item) <> 'array') END$$;
CREATE OR REPLACE FUNCTION pg_catalog.subarray(value json, start integer, size integer) RETURNS super LANGUAGE sql IMMUTABLE AS
$$SELECT coalesce(rs_super_array(VARIADIC array_agg(element::json ORDER BY place)), '[]'::super) FROM rs_super_elements(value)
    WHERE place >= CASE WHEN start < 0 THEN start + json_array_length(value) ELSE start END
      AND place < CASE WHEN start < 0 THEN start + json_array_length(value) ELSE start END + size$$;
CREATE OR REPLACE FUNCTION pg_catalog.split_to_array(value text, delimiter text DEFAULT ',') RETURNS super LANGUAGE sql IMMUTABLE AS
$$SELECT rs_super_array(VARIADIC ARRAY(SELECT to_json(part) FROM unnest(string_to_array(value, delimiter)) AS part))$$;

-- JSON in text
CREATE OR REPLACE FUNCTION pg_catalog.rs_json_or_null(value text, unless_valid boolean) RETURNS json LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF value IS JSON THEN
        RETURN rs_json_in(value);
    ELSIF unless_valid THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'JSON parsing error' USING ERRCODE = 'XX000', DETAIL = 'invalid json object ' || value;
END $$;
-- a path that does not exist gives an empty string (DG/JSON_EXTRACT_PATH_TEXT)
CREATE OR REPLACE FUNCTION pg_catalog.rs_path_text(value json, VARIADIC path text[]) RETURNS varchar LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT coalesce(json_extract_path_text(value, VARIADIC path), '')::varchar$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_array_text(value json, place integer) RETURNS varchar LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT coalesce(CASE WHEN place >= 0 THEN value ->> place END, '')::varchar$$;
CREATE OR REPLACE FUNCTION pg_catalog.json_array_length(value text, null_if_invalid boolean DEFAULT false) RETURNS integer LANGUAGE sql IMMUTABLE AS
$$SELECT json_array_length(rs_json_or_null(value, null_if_invalid))$$;
