-- Redshift's functions that PostgreSQL lacks or understands differently. All live in pg_catalog, so that they are
-- found whatever search_path says, and every name inside them is found under the restricted path of a REFRESH.

CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text LANGUAGE sql STABLE AS
$$SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.77467'$$;

-- SUPER is JSON text without blanks, as Redshift shows it; it has no equality, so that nothing compares it by its text
DO $$ BEGIN
    IF to_regtype('pg_catalog.super') IS NULL THEN
        CREATE DOMAIN pg_catalog.super AS json;
    END IF;
END $$;

-- the clock: without a zone, in the session's zone; GETDATE has whole seconds and is the statement's, SYSDATE the transaction's
CREATE OR REPLACE FUNCTION pg_catalog.getdate() RETURNS timestamp LANGUAGE sql STABLE AS
$$SELECT date_trunc('second', statement_timestamp()::timestamp)$$;
CREATE OR REPLACE FUNCTION pg_catalog.sysdate() RETURNS timestamp LANGUAGE sql STABLE AS
$$SELECT transaction_timestamp()::timestamp$$;

CREATE OR REPLACE FUNCTION pg_catalog.date_trunc(part text, value date) RETURNS timestamp LANGUAGE sql IMMUTABLE AS
$$SELECT date_trunc(part, value::timestamp)$$;

-- DATEDIFF counts the boundaries of the part between two times
CREATE OR REPLACE FUNCTION pg_catalog.datediff(part text, a timestamp, b timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$SELECT CASE part
    WHEN 'year' THEN extract(year FROM b)::bigint - extract(year FROM a)::bigint
    WHEN 'quarter' THEN (extract(year FROM b) * 4 + extract(quarter FROM b) - extract(year FROM a) * 4 - extract(quarter FROM a))::bigint
    WHEN 'month' THEN (extract(year FROM b) * 12 + extract(month FROM b) - extract(year FROM a) * 12 - extract(month FROM a))::bigint
    WHEN 'week' THEN ((date_trunc('week', b)::date - date_trunc('week', a)::date) / 7)::bigint
    WHEN 'day' THEN (b::date - a::date)::bigint
    WHEN 'hour' THEN (extract(epoch FROM date_trunc('hour', b) - date_trunc('hour', a)) / 3600)::bigint
    WHEN 'minute' THEN (extract(epoch FROM date_trunc('minute', b) - date_trunc('minute', a)) / 60)::bigint
    WHEN 'second' THEN extract(epoch FROM date_trunc('second', b) - date_trunc('second', a))::bigint
    WHEN 'milliseconds' THEN (extract(epoch FROM date_trunc('milliseconds', b) - date_trunc('milliseconds', a)) * 1000)::bigint
    WHEN 'microseconds' THEN (extract(epoch FROM b - a) * 1000000)::bigint
    WHEN 'decade' THEN floor(extract(year FROM b) / 10)::bigint - floor(extract(year FROM a) / 10)::bigint
    WHEN 'century' THEN (extract(century FROM b) - extract(century FROM a))::bigint
    WHEN 'millennium' THEN (extract(millennium FROM b) - extract(millennium FROM a))::bigint
END$$;
CREATE OR REPLACE FUNCTION pg_catalog.datediff(part text, a timestamptz, b timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$SELECT datediff(part, a AT TIME ZONE 'UTC', b AT TIME ZONE 'UTC')$$;

CREATE OR REPLACE FUNCTION pg_catalog.rs_step(part text) RETURNS interval LANGUAGE sql IMMUTABLE AS
$$SELECT CASE part
    WHEN 'quarter' THEN interval '3 months' WHEN 'week' THEN interval '7 days' WHEN 'decade' THEN interval '10 years'
    WHEN 'century' THEN interval '100 years' WHEN 'millennium' THEN interval '1000 years'
    WHEN 'dow' THEN interval '1 day' WHEN 'doy' THEN interval '1 day' WHEN 'epoch' THEN interval '1 second'
    ELSE ('1 ' || part)::interval END$$;
CREATE OR REPLACE FUNCTION pg_catalog.dateadd(part text, n bigint, value timestamp) RETURNS timestamp LANGUAGE sql IMMUTABLE AS
$$SELECT value + n * rs_step(part)$$;
CREATE OR REPLACE FUNCTION pg_catalog.dateadd(part text, n bigint, value timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS
$$SELECT value + n * rs_step(part)$$;
CREATE OR REPLACE FUNCTION pg_catalog.dateadd(part text, n bigint, value date) RETURNS timestamp LANGUAGE sql IMMUTABLE AS
$$SELECT value::timestamp + n * rs_step(part)$$;

CREATE OR REPLACE FUNCTION pg_catalog.last_day(value timestamp) RETURNS date LANGUAGE sql IMMUTABLE AS
$$SELECT (date_trunc('month', value) + interval '1 month - 1 day')::date$$;
CREATE OR REPLACE FUNCTION pg_catalog.add_months(value timestamp, n bigint) RETURNS timestamp LANGUAGE sql IMMUTABLE AS
$$SELECT CASE WHEN value::date = last_day(value)
    THEN last_day(date_trunc('month', value) + n * interval '1 month') + (value - date_trunc('day', value))
    ELSE value + n * interval '1 month' END$$;
CREATE OR REPLACE FUNCTION pg_catalog.date_part_year(value date) RETURNS integer LANGUAGE sql IMMUTABLE AS
$$SELECT extract(year FROM value)::integer$$;
CREATE OR REPLACE FUNCTION pg_catalog.date_cmp(a date, b date) RETURNS integer LANGUAGE sql IMMUTABLE AS
$$SELECT sign(a - b)::integer$$;
CREATE OR REPLACE FUNCTION pg_catalog.trunc(value timestamp) RETURNS date LANGUAGE sql IMMUTABLE AS $$SELECT value::date$$;
CREATE OR REPLACE FUNCTION pg_catalog.convert_timezone(target text, value timestamp) RETURNS timestamp LANGUAGE sql STABLE AS
$$SELECT (value AT TIME ZONE 'UTC') AT TIME ZONE target$$;
CREATE OR REPLACE FUNCTION pg_catalog.convert_timezone(source text, target text, value timestamp) RETURNS timestamp LANGUAGE sql STABLE AS
$$SELECT (value AT TIME ZONE source) AT TIME ZONE target$$;

-- text
CREATE OR REPLACE FUNCTION pg_catalog.len(value text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$SELECT length(rtrim(value, ''))$$;
CREATE OR REPLACE FUNCTION pg_catalog.textlen(value text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$SELECT length(value)$$;
CREATE OR REPLACE FUNCTION pg_catalog.charindex(part text, value text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$SELECT strpos(value, part)$$;
CREATE OR REPLACE FUNCTION pg_catalog.replicate(value text, n integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT repeat(value, n)$$;
CREATE OR REPLACE FUNCTION pg_catalog.strtol(value text, base integer) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    digits text := lower(ltrim(value, '+-'));
    total bigint := 0;
    digit integer;
BEGIN
    FOR i IN 1..length(digits) LOOP
        digit := strpos('0123456789abcdefghijklmnopqrstuvwxyz', substr(digits, i, 1)) - 1;
        IF digit < 0 OR digit >= base THEN
            RAISE EXCEPTION 'The input % is not valid to be converted to base %', value, base USING ERRCODE = '22023';
        END IF;
        total := total * base + digit;
    END LOOP;
    RETURN CASE WHEN value LIKE '-%' THEN -total ELSE total END;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.sha1(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
$$BEGIN RAISE EXCEPTION 'the local Redshift endpoint does not cover SHA1' USING ERRCODE = '0A000'; END$$;
CREATE OR REPLACE FUNCTION pg_catalog.sha2(value text, bits integer) RETURNS text LANGUAGE sql IMMUTABLE AS
$$SELECT CASE bits
    WHEN 224 THEN encode(sha224(convert_to(value, 'UTF8')), 'hex') WHEN 384 THEN encode(sha384(convert_to(value, 'UTF8')), 'hex')
    WHEN 512 THEN encode(sha512(convert_to(value, 'UTF8')), 'hex') WHEN 256 THEN encode(sha256(convert_to(value, 'UTF8')), 'hex')
    WHEN 0 THEN encode(sha256(convert_to(value, 'UTF8')), 'hex') END$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_cut(value text, size integer) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    cut text := left(value, size);
BEGIN
    WHILE octet_length(cut) > size LOOP
        cut := left(cut, length(cut) - greatest(1, (octet_length(cut) - size) / 4));
    END LOOP;
    RETURN cut;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_left_bytes(value varchar, size integer) RETURNS varchar LANGUAGE sql IMMUTABLE AS
$$SELECT CASE WHEN octet_length(value) <= size THEN value ELSE rs_cut(value, size)::varchar END$$;

CREATE OR REPLACE FUNCTION pg_catalog.regexp_replace(value text, pattern text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$SELECT regexp_replace(value, pattern, '', 'g')$$;

-- numbers
CREATE OR REPLACE FUNCTION pg_catalog.round(value double precision, places integer) RETURNS double precision LANGUAGE sql IMMUTABLE AS
$$SELECT round(value::numeric, places)::double precision$$;
CREATE OR REPLACE FUNCTION pg_catalog.trunc(value double precision, places integer) RETURNS double precision LANGUAGE sql IMMUTABLE AS
$$SELECT trunc(value::numeric, places)::double precision$$;
-- the second argument only carries the type of what was averaged: integers give BIGINT, cut off; decimals keep their scale
CREATE OR REPLACE FUNCTION pg_catalog.rs_avg(average numeric, sample smallint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$SELECT trunc(average)::bigint$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_avg(average numeric, sample integer) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$SELECT trunc(average)::bigint$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_avg(average numeric, sample bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$SELECT trunc(average)::bigint$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_avg(average numeric, sample numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$SELECT trunc(average, scale(sample))$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_avg(average double precision, sample double precision) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$SELECT average$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_avg(average double precision, sample real) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$SELECT average$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_percentile(found double precision, sample double precision) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$SELECT found$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_percentile(found double precision, sample numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$SELECT found::numeric$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_percentile(found double precision, sample bigint) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$SELECT found$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_percentile(found double precision, sample integer) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$SELECT found$$;

-- json and super
CREATE OR REPLACE FUNCTION pg_catalog.is_valid_json(value text) RETURNS boolean LANGUAGE sql IMMUTABLE AS
$$SELECT value IS JSON OBJECT OR value IS JSON ARRAY$$;
CREATE OR REPLACE FUNCTION pg_catalog.is_valid_json_array(value text) RETURNS boolean LANGUAGE sql IMMUTABLE AS
$$SELECT value IS JSON ARRAY$$;
CREATE OR REPLACE FUNCTION pg_catalog.can_json_parse(value text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$SELECT value IS JSON$$;
CREATE OR REPLACE FUNCTION pg_catalog.json_parse(value text) RETURNS super LANGUAGE sql IMMUTABLE AS
$$SELECT regexp_replace(value::json::text, '("(?:[^"\\]|\\.)*")|\s+', '\1', 'g')::json::super$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_json_serialize(value super) RETURNS varchar LANGUAGE sql IMMUTABLE AS $$SELECT value::text::varchar$$;
CREATE OR REPLACE FUNCTION pg_catalog.json_typeof(value super) RETURNS varchar LANGUAGE sql IMMUTABLE AS $$SELECT json_typeof(value::json)::varchar$$;
CREATE OR REPLACE FUNCTION pg_catalog.json_extract_path_text(value text, VARIADIC path text[]) RETURNS text LANGUAGE sql IMMUTABLE AS
$$SELECT json_extract_path_text(value::json, VARIADIC path)$$;

-- the session
CREATE OR REPLACE FUNCTION pg_catalog.pg_last_copy_count() RETURNS bigint LANGUAGE sql VOLATILE AS
$$SELECT coalesce(nullif(current_setting('redshift.last_copy_count', true), ''), '0')::bigint$$;
CREATE OR REPLACE FUNCTION pg_catalog.slice_num() RETURNS integer LANGUAGE sql STABLE AS $$SELECT 0$$;
