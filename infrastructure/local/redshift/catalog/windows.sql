-- What stands behind Redshift's aggregate and window functions that PostgreSQL lacks (dialect/aggregates.py writes the calls).

-- LISTAGG ignores NULLs and empty strings, keeps the first of equal values with DISTINCT, and ends at 65,535 bytes (DG/r_LISTAGG)
CREATE OR REPLACE FUNCTION pg_catalog.rs_listed(value text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$SELECT CASE WHEN octet_length(value) > 0 THEN value END$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_listagg(value text) RETURNS varchar LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF octet_length(value) > 65535 THEN
        RAISE EXCEPTION 'Result size exceeds LISTAGG limit' USING ERRCODE = 'XX000', DETAIL = 'LISTAGG limit: 65535';
    END IF;
    RETURN value::varchar;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_listagg_distinct(items text[], delimiter text) RETURNS varchar LANGUAGE sql IMMUTABLE AS
$$SELECT rs_listagg(string_agg(first.item, delimiter ORDER BY first.place)) FROM (
    SELECT DISTINCT ON (u.item) u.item, u.place FROM unnest(items) WITH ORDINALITY AS u (item, place)
    WHERE octet_length(u.item) > 0 ORDER BY u.item, u.place) AS first$$;

-- MEDIAN and PERCENTILE_CONT: linear interpolation (DG/r_PERCENTILE_CONT), exact for whole numbers and decimals
CREATE OR REPLACE FUNCTION pg_catalog.rs_percentile_cont(fraction numeric, items numeric[]) RETURNS numeric LANGUAGE sql IMMUTABLE AS
$$SELECT CASE WHEN low = high THEN sorted[low] ELSE (high - place) * sorted[low] + (place - low) * sorted[high] END
FROM (SELECT sorted, place, floor(place)::integer AS low, ceil(place)::integer AS high
    FROM (SELECT array_agg(v ORDER BY v) AS sorted, 1 + fraction * (count(v) - 1) AS place
        FROM unnest(items) AS u (v) WHERE v IS NOT NULL) AS s WHERE sorted IS NOT NULL) AS p$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_percentile_cont(fraction numeric, items double precision[]) RETURNS double precision LANGUAGE sql IMMUTABLE AS
$$SELECT percentile_cont(fraction::double precision) WITHIN GROUP (ORDER BY v) FROM unnest(items) AS u (v)$$;
DO $$ DECLARE kind text; BEGIN
    FOREACH kind IN ARRAY ARRAY['smallint', 'integer', 'bigint'] LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION pg_catalog.rs_percentile_cont(fraction numeric, items %s[]) RETURNS numeric LANGUAGE sql IMMUTABLE AS
            ''SELECT rs_percentile_cont(fraction, items::numeric[])''', kind);
    END LOOP;
    FOREACH kind IN ARRAY ARRAY['date', 'timestamp', 'timestamptz', 'text'] LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION pg_catalog.rs_percentile_cont(fraction numeric, items %1$s[]) RETURNS %1$s LANGUAGE plpgsql IMMUTABLE AS
            ''BEGIN RAISE EXCEPTION ''''the local Redshift endpoint does not cover a median or percentile of %1$s'''' USING ERRCODE = ''''0A000''''; END''', kind);
    END LOOP;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_percentile_cont(fraction numeric, items real[]) RETURNS double precision LANGUAGE sql IMMUTABLE AS
$$SELECT rs_percentile_cont(fraction, items::double precision[])$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_percentile_disc(fraction numeric, items anyarray, descending boolean) RETURNS anyelement LANGUAGE sql IMMUTABLE AS
$$SELECT sorted[greatest(1, ceil(fraction * cardinality(sorted)))::integer]
FROM (SELECT CASE WHEN descending THEN array_agg(v ORDER BY v DESC) ELSE array_agg(v ORDER BY v) END AS sorted
    FROM unnest(items) AS u (v) WHERE v IS NOT NULL) AS s$$;

-- IGNORE NULLS
CREATE OR REPLACE FUNCTION pg_catalog.rs_later(known anyelement, value anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE AS
$$SELECT coalesce(value, known)$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_earlier(known anyelement, value anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE AS
$$SELECT coalesce(known, value)$$;
CREATE OR REPLACE AGGREGATE pg_catalog.rs_last_known(anyelement) (SFUNC = pg_catalog.rs_later, STYPE = anyelement);
CREATE OR REPLACE AGGREGATE pg_catalog.rs_first_known(anyelement) (SFUNC = pg_catalog.rs_earlier, STYPE = anyelement);
CREATE OR REPLACE FUNCTION pg_catalog.rs_nth_known(items anyarray, n bigint, from_end boolean) RETURNS anyelement LANGUAGE sql IMMUTABLE AS
$$SELECT CASE WHEN from_end THEN known[cardinality(known) - n + 1] ELSE known[n] END FROM (SELECT array_remove(items, NULL) AS known) AS k$$;

-- the second argument only carries the type of what was averaged: integers give BIGINT, cut off; decimals keep their scale (DG/r_AVG)
CREATE OR REPLACE FUNCTION pg_catalog.rs_avg(average numeric, sample smallint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$SELECT trunc(average)::bigint$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_avg(average numeric, sample integer) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$SELECT trunc(average)::bigint$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_avg(average numeric, sample bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$SELECT trunc(average)::bigint$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_avg(average numeric, sample numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$SELECT trunc(average, scale(sample))$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_avg(average double precision, sample double precision) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$SELECT average$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_avg(average double precision, sample real) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$SELECT average$$;
