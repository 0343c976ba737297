-- Redshift's functions that PostgreSQL lacks or understands differently. All live in pg_catalog, so that they are
-- found whatever search_path says, and every name inside them is found under the restricted path of a REFRESH.

CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text LANGUAGE sql STABLE AS
$$SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.77467'$$;

-- text
CREATE OR REPLACE FUNCTION pg_catalog.len(value text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$SELECT length(rtrim(value, ''))$$;
CREATE OR REPLACE FUNCTION pg_catalog.textlen(value text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$SELECT length(value)$$;
CREATE OR REPLACE FUNCTION pg_catalog.charindex(part text, value text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$SELECT strpos(value, part)$$;
CREATE OR REPLACE FUNCTION pg_catalog.replicate(value text, n integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT repeat(value, n)$$;
-- trailing blanks do not count (DG/r_BPCHARCMP)
CREATE OR REPLACE FUNCTION pg_catalog.bpcharcmp(a text, b text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT CASE WHEN rtrim(a) COLLATE "C" < rtrim(b) THEN -1 WHEN rtrim(a) COLLATE "C" > rtrim(b) THEN 1 ELSE 0 END$$;
CREATE OR REPLACE FUNCTION pg_catalog.bttext_pattern_cmp(a text, b text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$SELECT bpcharcmp(a, b)$$;
-- 64-bit FNV-1a over the bytes of a value; with a seed it goes on from there (DG/r_FNV_HASH). What it makes of a NULL is not said.
CREATE OR REPLACE FUNCTION pg_catalog.rs_fnv(value bytea, seed bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    hash numeric := seed::numeric + CASE WHEN seed < 0 THEN 18446744073709551616 ELSE 0 END;
    low integer;
BEGIN
    IF value IS NULL OR seed IS NULL THEN
        RAISE EXCEPTION 'the local Redshift endpoint does not cover FNV_HASH of NULL' USING ERRCODE = '0A000';
    END IF;
    FOR i IN 0..length(value) - 1 LOOP
        low := mod(hash, 256)::integer;
        hash := mod((hash - low + (low # get_byte(value, i))) * 1099511628211, 18446744073709551616);
    END LOOP;
    RETURN hash - CASE WHEN hash >= 9223372036854775808 THEN 18446744073709551616 ELSE 0 END;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_reversed(value bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS
$$SELECT string_agg(substring(value, i, 1), '' ORDER BY i DESC) FROM generate_series(1, length(value)) i$$;
CREATE OR REPLACE FUNCTION pg_catalog.fnv_hash(value text, seed bigint DEFAULT -3750763034362895579) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$SELECT rs_fnv(convert_to(value, 'UTF8'), seed)$$;
CREATE OR REPLACE FUNCTION pg_catalog.fnv_hash(value bpchar, seed bigint DEFAULT -3750763034362895579) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$SELECT rs_fnv(bpcharsend(value), seed)$$;
CREATE OR REPLACE FUNCTION pg_catalog.fnv_hash(value smallint, seed bigint DEFAULT -3750763034362895579) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$SELECT rs_fnv(rs_reversed(int2send(value)), seed)$$;
CREATE OR REPLACE FUNCTION pg_catalog.fnv_hash(value integer, seed bigint DEFAULT -3750763034362895579) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$SELECT rs_fnv(rs_reversed(int4send(value)), seed)$$;
CREATE OR REPLACE FUNCTION pg_catalog.fnv_hash(value bigint, seed bigint DEFAULT -3750763034362895579) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$SELECT rs_fnv(rs_reversed(int8send(value)), seed)$$;
-- TRY_CAST: whether a value can be cast; and a value that is no constant, which would be cast beforehand
CREATE OR REPLACE FUNCTION pg_catalog.rs_late(value anyelement) RETURNS anyelement LANGUAGE plpgsql STABLE AS $$BEGIN RETURN value; END $$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_late(value text) RETURNS text LANGUAGE plpgsql STABLE AS $$BEGIN RETURN value; END $$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_can_cast(value anyelement, target text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    EXECUTE format('SELECT CAST($1 AS %s)', target) USING value;
    RETURN true;
EXCEPTION WHEN data_exception THEN
    RETURN false;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.strtol(value text, base integer) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    digits text := lower(ltrim(ltrim(value), '+-'));
    total numeric := 0;
    digit integer;
BEGIN
    IF base NOT BETWEEN 2 AND 36 THEN
        RAISE EXCEPTION 'base % of STRTOL is not between 2 and 36', base USING ERRCODE = '22023';
    END IF;
    IF base = 16 THEN
        digits := regexp_replace(digits, '^0x', '');
    END IF;
    FOR i IN 1..length(digits) LOOP
        digit := strpos('0123456789abcdefghijklmnopqrstuvwxyz', substr(digits, i, 1)) - 1;
        IF digit < 0 OR digit >= base THEN
            RAISE EXCEPTION 'The input % is not valid to be converted to base %', value, base USING ERRCODE = '22023';
        END IF;
        total := total * base + digit;
    END LOOP;
    RETURN CASE WHEN ltrim(value) LIKE '-%' THEN -total ELSE total END;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.octetindex(part text, value text) RETURNS integer LANGUAGE sql IMMUTABLE AS
$$SELECT CASE WHEN strpos(value, part) = 0 THEN 0 ELSE octet_length(left(value, strpos(value, part) - 1)) + 1 END$$;
-- American Soundex: letters of one sound count once, also across H and W (DG/SOUNDEX)
CREATE OR REPLACE FUNCTION pg_catalog.soundex(value text) RETURNS varchar LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    letters text := regexp_replace(upper(value), '[^A-Z]', '', 'g');
    codes text := translate(letters, 'BFPVCGJKQSXZDTLMNRAEIOUYHW', '11112222222233455600000077');
    found text := left(letters, 1);
    last text := left(codes, 1);
    code text;
BEGIN
    FOR i IN 2..length(letters) LOOP
        code := substr(codes, i, 1);
        IF code BETWEEN '1' AND '6' AND code <> last THEN
            found := found || code;
        END IF;
        IF code <> '7' THEN
            last := code;
        END IF;
    END LOOP;
    RETURN CASE WHEN found = '' THEN '' ELSE rpad(left(found, 4), 4, '0') END;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.difference(a text, b text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT CASE WHEN soundex(a) = '' AND soundex(b) = '' THEN 1 WHEN soundex(a) = '' OR soundex(b) = '' THEN 0
    ELSE (SELECT count(*)::integer FROM unnest(ARRAY[1, 2, 3, 4]) AS i (n) WHERE substr(soundex(a), i.n, 1) = substr(soundex(b), i.n, 1)) END$$;
CREATE OR REPLACE FUNCTION pg_catalog.crc32(value text) RETURNS varchar LANGUAGE sql IMMUTABLE AS
$$SELECT lpad(to_hex(crc32c(convert_to(value, 'UTF8'))), 8, '0')::varchar$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_turned(word bigint, bits integer) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$SELECT ((word << bits) | (word >> (32 - bits))) & 4294967295$$;
-- SHA-1 (FIPS 180-4)
CREATE OR REPLACE FUNCTION pg_catalog.func_sha1(value text) RETURNS varchar LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    data bytea := convert_to(value, 'UTF8');
    h bigint[] := ARRAY[1732584193, 4023233417, 2562383102, 271733878, 3285377520];
    w bigint[];
    a bigint; b bigint; c bigint; d bigint; e bigint; f bigint; k bigint; t bigint;
BEGIN
    data := data || '\x80'::bytea;
    data := data || decode(repeat('00', (120 - length(data) % 64) % 64), 'hex')
        || decode(lpad(to_hex(octet_length(value) * 8::bigint), 16, '0'), 'hex');
    FOR chunk IN 0..length(data) / 64 - 1 LOOP
        FOR i IN 0..15 LOOP
            w[i] := (get_byte(data, chunk * 64 + i * 4)::bigint << 24) | (get_byte(data, chunk * 64 + i * 4 + 1)::bigint << 16)
                | (get_byte(data, chunk * 64 + i * 4 + 2)::bigint << 8) | get_byte(data, chunk * 64 + i * 4 + 3)::bigint;
        END LOOP;
        FOR i IN 16..79 LOOP
            w[i] := rs_turned(w[i - 3] # w[i - 8] # w[i - 14] # w[i - 16], 1);
        END LOOP;
        a := h[1]; b := h[2]; c := h[3]; d := h[4]; e := h[5];
        FOR i IN 0..79 LOOP
            IF i < 20 THEN f := (b & c) | ((~b) & d & 4294967295); k := 1518500249;
            ELSIF i < 40 THEN f := b # c # d; k := 1859775393;
            ELSIF i < 60 THEN f := (b & c) | (b & d) | (c & d); k := 2400959708;
            ELSE f := b # c # d; k := 3395469782;
            END IF;
            t := (rs_turned(a, 5) + f + e + k + w[i]) & 4294967295;
            e := d; d := c; c := rs_turned(b, 30); b := a; a := t;
        END LOOP;
        h := ARRAY[(h[1] + a) & 4294967295, (h[2] + b) & 4294967295, (h[3] + c) & 4294967295, (h[4] + d) & 4294967295, (h[5] + e) & 4294967295];
    END LOOP;
    RETURN (SELECT string_agg(lpad(to_hex(word), 8, '0'), '' ORDER BY place) FROM unnest(h) WITH ORDINALITY AS u (word, place));
END $$;
DROP FUNCTION IF EXISTS pg_catalog.sha1(text);
CREATE OR REPLACE FUNCTION pg_catalog.sha1(value text) RETURNS varchar LANGUAGE sql IMMUTABLE AS $$SELECT func_sha1(value)$$;
CREATE OR REPLACE FUNCTION pg_catalog.sha(value text) RETURNS varchar LANGUAGE sql IMMUTABLE AS $$SELECT func_sha1(value)$$;
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

-- regular expressions (DG/REGEXP_SUBSTR and its neighbours); p, Perl's dialect, is not PostgreSQL's
CREATE OR REPLACE FUNCTION pg_catalog.rs_regexp_flags(parameters text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF parameters ~ 'p' THEN
        RAISE EXCEPTION 'the local Redshift endpoint does not cover the parameter p of regular expressions' USING ERRCODE = '0A000';
    ELSIF parameters !~ '^[cie]*$' THEN
        RAISE EXCEPTION 'regular expression parameters "%" are not made of c, i, e and p', parameters USING ERRCODE = '22023';
    END IF;
    RETURN CASE WHEN parameters ~ 'i' THEN 'i' ELSE 'c' END;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_regexp_substr(value text, pattern text, start integer DEFAULT 1, n integer DEFAULT 1, parameters text DEFAULT '')
RETURNS varchar LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT CASE WHEN n < 1 OR n > length(value) THEN NULL WHEN start > length(value) THEN '' ELSE coalesce(regexp_substr(value, pattern, greatest(start, 1), n,
    rs_regexp_flags(parameters), CASE WHEN parameters ~ 'e' AND pattern ~ '\(' THEN 1 ELSE 0 END), '') END::varchar$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_regexp_instr(value text, pattern text, start integer DEFAULT 1, n integer DEFAULT 1, past integer DEFAULT 0,
    parameters text DEFAULT '') RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT CASE WHEN n < 1 OR n > length(value) OR start > length(value) THEN 0 ELSE regexp_instr(value, pattern, greatest(start, 1), n,
    CASE WHEN past = 0 THEN 0 ELSE 1 END, rs_regexp_flags(parameters), CASE WHEN parameters ~ 'e' AND pattern ~ '\(' THEN 1 ELSE 0 END) END$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_regexp_count(value text, pattern text, start integer DEFAULT 1, parameters text DEFAULT '')
RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT CASE WHEN start > length(value) THEN 0 ELSE regexp_count(value, pattern, greatest(start, 1), rs_regexp_flags(parameters)) END$$;
CREATE OR REPLACE FUNCTION pg_catalog.rs_regexp_replace(value text, pattern text, put text DEFAULT '', start integer DEFAULT 1, parameters text DEFAULT '')
RETURNS varchar LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    IF put ~ '\$\d' THEN
        RAISE EXCEPTION 'the local Redshift endpoint does not cover $n in the replacement of REGEXP_REPLACE' USING ERRCODE = '0A000';
    END IF;
    RETURN CASE WHEN start > length(value) THEN value ELSE regexp_replace(value, pattern, put, greatest(start, 1), 0, rs_regexp_flags(parameters)) END;
END $$;

-- the form with two arguments, for queries on the catalog, whose calls go through as they are
CREATE OR REPLACE FUNCTION pg_catalog.regexp_replace(value text, pattern text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$SELECT regexp_replace(value, pattern, '', 'g')$$;

-- numbers
CREATE OR REPLACE FUNCTION pg_catalog.dexp(value double precision) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$SELECT exp(value)$$;
CREATE OR REPLACE FUNCTION pg_catalog.dlog1(value double precision) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$SELECT ln(value)$$;
CREATE OR REPLACE FUNCTION pg_catalog.dlog10(value double precision) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$SELECT log(value)$$;
CREATE OR REPLACE FUNCTION pg_catalog.round(value double precision, places integer) RETURNS double precision LANGUAGE sql IMMUTABLE AS
$$SELECT round(value::numeric, places)::double precision$$;
CREATE OR REPLACE FUNCTION pg_catalog.trunc(value double precision, places integer) RETURNS double precision LANGUAGE sql IMMUTABLE AS
$$SELECT trunc(value::numeric, places)::double precision$$;

-- the session
CREATE OR REPLACE FUNCTION pg_catalog.pg_last_copy_count() RETURNS bigint LANGUAGE sql VOLATILE AS
$$SELECT coalesce(nullif(current_setting('redshift.last_copy_count', true), ''), '0')::bigint$$;
CREATE OR REPLACE FUNCTION pg_catalog.slice_num() RETURNS integer LANGUAGE sql STABLE AS $$SELECT 0$$;
