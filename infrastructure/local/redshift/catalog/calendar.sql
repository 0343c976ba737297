-- Dates and times. The clock has no zone of its own but the session's; GETDATE has whole seconds and is the statement's,
-- SYSDATE the transaction's.
CREATE OR REPLACE FUNCTION pg_catalog.getdate() RETURNS timestamp LANGUAGE sql STABLE AS
$$SELECT date_trunc('second', statement_timestamp()::timestamp)$$;
CREATE OR REPLACE FUNCTION pg_catalog.sysdate() RETURNS timestamp LANGUAGE sql STABLE AS
$$SELECT transaction_timestamp()::timestamp$$;

CREATE OR REPLACE FUNCTION pg_catalog.date_trunc(part text, value date) RETURNS timestamp LANGUAGE sql IMMUTABLE AS
$$SELECT date_trunc(part, value::timestamp)$$;

-- DATEDIFF counts the boundaries of the part between two times (DG/r_DATEDIFF_function)
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
CREATE OR REPLACE FUNCTION pg_catalog.datediff(part text, a time, b time) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$SELECT datediff(part, date '2000-01-01' + a, date '2000-01-01' + b)$$;

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
CREATE OR REPLACE FUNCTION pg_catalog.dateadd(part text, n bigint, value time) RETURNS time LANGUAGE sql IMMUTABLE AS
$$SELECT value + n * rs_step(part)$$;

-- a number of days may be a BIGINT, as ROW_NUMBER gives it
CREATE OR REPLACE FUNCTION pg_catalog.rs_days_later(value date, days bigint) RETURNS date LANGUAGE sql IMMUTABLE AS $$SELECT value + days::integer$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_days_earlier(value date, days bigint) RETURNS date LANGUAGE sql IMMUTABLE AS $$SELECT value - days::integer$$;
DO $$ BEGIN
    IF to_regoperator('pg_catalog.+(date,bigint)') IS NULL THEN
        CREATE OPERATOR pg_catalog.+ (LEFTARG = date, RIGHTARG = bigint, FUNCTION = pg_catalog.rs_days_later);
        CREATE OPERATOR pg_catalog.- (LEFTARG = date, RIGHTARG = bigint, FUNCTION = pg_catalog.rs_days_earlier);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION pg_catalog.last_day(value timestamp) RETURNS date LANGUAGE sql IMMUTABLE AS
$$SELECT (date_trunc('month', value) + interval '1 month - 1 day')::date$$;
CREATE OR REPLACE FUNCTION pg_catalog.add_months(value timestamp, n bigint) RETURNS timestamp LANGUAGE sql IMMUTABLE AS
$$SELECT CASE WHEN value::date = last_day(value)
    THEN last_day(date_trunc('month', value) + n * interval '1 month') + (value - date_trunc('day', value))
    ELSE value + n * interval '1 month' END$$;
-- whole months where both are the same day of the month or its last; else a month counts 31 days (DG/r_MONTHS_BETWEEN_function)
CREATE OR REPLACE FUNCTION pg_catalog.months_between(a timestamp, b timestamp) RETURNS double precision LANGUAGE sql IMMUTABLE AS
$$SELECT datediff('month', b, a) + CASE
    WHEN extract(day FROM a) = extract(day FROM b) OR (a::date = last_day(a) AND b::date = last_day(b)) THEN 0
    ELSE (extract(day FROM a) - extract(day FROM b) + extract(epoch FROM a::time - b::time) / 86400) / 31 END$$;
CREATE OR REPLACE FUNCTION pg_catalog.next_day(value timestamp, day text) RETURNS date LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    place integer := CASE lower(day)
        WHEN 'sunday' THEN 0 WHEN 'sun' THEN 0 WHEN 'su' THEN 0 WHEN 'monday' THEN 1 WHEN 'mon' THEN 1 WHEN 'mo' THEN 1 WHEN 'm' THEN 1
        WHEN 'tuesday' THEN 2 WHEN 'tues' THEN 2 WHEN 'tue' THEN 2 WHEN 'tu' THEN 2
        WHEN 'wednesday' THEN 3 WHEN 'wed' THEN 3 WHEN 'we' THEN 3 WHEN 'w' THEN 3
        WHEN 'thursday' THEN 4 WHEN 'thurs' THEN 4 WHEN 'thu' THEN 4 WHEN 'th' THEN 4
        WHEN 'friday' THEN 5 WHEN 'fri' THEN 5 WHEN 'fr' THEN 5 WHEN 'f' THEN 5
        WHEN 'saturday' THEN 6 WHEN 'sat' THEN 6 WHEN 'sa' THEN 6 END;
BEGIN
    IF place IS NULL THEN
        RAISE EXCEPTION 'NEXT_DAY: "%" is no day of the week', day USING ERRCODE = '22023';
    END IF;
    RETURN value::date + 1 + (place - extract(dow FROM value)::integer + 6) % 7;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.date_part_year(value date) RETURNS integer LANGUAGE sql IMMUTABLE AS
$$SELECT extract(year FROM value)::integer$$;
CREATE OR REPLACE FUNCTION pg_catalog.trunc(value timestamp) RETURNS date LANGUAGE sql IMMUTABLE AS $$SELECT value::date$$;
CREATE OR REPLACE FUNCTION pg_catalog.convert_timezone(target text, value timestamp) RETURNS timestamp LANGUAGE sql STABLE AS
$$SELECT (value AT TIME ZONE 'UTC') AT TIME ZONE target$$;
CREATE OR REPLACE FUNCTION pg_catalog.convert_timezone(source text, target text, value timestamp) RETURNS timestamp LANGUAGE sql STABLE AS
$$SELECT (value AT TIME ZONE source) AT TIME ZONE target$$;

-- ..._CMP: 1, 0 or -1
DO $$ DECLARE made record; BEGIN
    FOR made IN SELECT * FROM (VALUES
        ('date_cmp', 'date', 'date'), ('date_cmp_timestamp', 'date', 'timestamp'), ('date_cmp_timestamptz', 'date', 'timestamptz'),
        ('timestamp_cmp', 'timestamp', 'timestamp'), ('timestamp_cmp_date', 'timestamp', 'date'),
        ('timestamp_cmp_timestamptz', 'timestamp', 'timestamptz'), ('timestamptz_cmp_date', 'timestamptz', 'date'),
        ('timestamptz_cmp_timestamp', 'timestamptz', 'timestamp')) AS v (name, a, b)
    LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION pg_catalog.%s(a %s, b %s) RETURNS integer LANGUAGE sql STABLE STRICT AS
            ''SELECT CASE WHEN a > b THEN 1 WHEN a < b THEN -1 ELSE 0 END''', made.name, made.a, made.b);
    END LOOP;
END $$;

-- TO_DATE and TO_TIMESTAMP let values run over their range unless they are told to be strict (DG/r_TO_TIMESTAMP)
CREATE OR REPLACE FUNCTION pg_catalog.rs_field(value text, format text, token text) RETURNS integer LANGUAGE sql IMMUTABLE AS
$$SELECT CASE WHEN strpos(format, token) > 0 THEN substr(value, strpos(format, token), length(token))::integer END$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_to_timestamp(value text, format text, strict boolean) RETURNS timestamptz LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    plain text := replace(upper(format), 'HH24', 'HH');
BEGIN
    IF value = '' THEN
        RETURN timestamptz '0001-01-01 00:00:00';
    END IF;
    RETURN to_timestamp(value, format);
EXCEPTION WHEN datetime_field_overflow OR invalid_datetime_format THEN
    IF strict OR plain !~ '^(YYYY|MM|DD|HH|MI|SS|[^A-Z])+$' OR length(plain) <> length(value) THEN
        RAISE;
    END IF;
    RETURN make_date(rs_field(value, plain, 'YYYY'), 1, 1)::timestamp
        + make_interval(0, coalesce(rs_field(value, plain, 'MM'), 1) - 1) + make_interval(0, 0, 0, coalesce(rs_field(value, plain, 'DD'), 1) - 1)
        + make_interval(0, 0, 0, 0, coalesce(rs_field(value, plain, 'HH'), 0), coalesce(rs_field(value, plain, 'MI'), 0), coalesce(rs_field(value, plain, 'SS'), 0));
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_to_date(value text, format text, strict boolean) RETURNS date LANGUAGE sql STABLE STRICT AS
$$SELECT (rs_to_timestamp(value, format, strict) AT TIME ZONE current_setting('TimeZone'))::date$$;

-- a BOOLEAN becomes no string by itself
UPDATE pg_catalog.pg_cast SET castcontext = 'e'
WHERE castsource = 'boolean'::regtype AND casttarget IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype) AND castcontext <> 'e';
