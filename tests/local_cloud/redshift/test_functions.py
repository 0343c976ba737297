"""Functions of text, numbers and dates, each as its page of the developer guide says (named before the lines)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.local_cloud.redshift.conftest import fails

Run = Callable[..., Any]
UTC = dt.UTC

VALUES = [
    # crc32-function, FUNC_SHA1, SHA1, SHA2, r_MD5
    ("select crc32('Amazon Redshift'), func_sha1('Amazon Redshift'), sha1('abc'), sha('')",
     ["f2726906", "eeac5ed1e11cda66032c30ad77b25071b5487f55", "a9993e364706816aba3e25717850c26c9cd0d89d",
      "da39a3ee5e6b4b0d3255bfef95601890afd80709"]),
    ("select sha1(repeat('é', 60)), md5('Amazon Redshift')",
     ["9c9f6209ef5ceefeee8c5c9e8df3d4d6995bbd9b", "f7415e33f972c03abd4f3fed36748f7a"]),
    # SOUNDEX, DIFFERENCE, OCTETINDEX
    ("select soundex('AWS Amazon'), soundex('Amazon'), soundex('+-*/%'), soundex('Ashcraft'), soundex('Tymczak')",
     ["A252", "A525", "", "A261", "T522"]),
    ("select difference('AC/DC', 'Ay See Dee See'), difference('Amazon', '+-*/%'), difference('1', '2')", [4, 0, 1]),
    ("select octetindex('AWS', 'Amazon AWS'), octetindex('AWS', 'Άμαζον AWS'), octetindex('x', 'y')", [8, 14, 0]),
    # r_STRTOL
    ("select strtol('0xf', 16), strtol('abcd1234', 16), strtol('1234567', 8), strtol('-110101', 2), strtol('', 10)",
     [15, 2882343476, 342391, -53, 0]),
    # REGEXP_SUBSTR, REGEXP_INSTR, REGEXP_COUNT, REGEXP_REPLACE
    ("select regexp_substr('a@sodales.edu', '@[^.]*'), regexp_substr('the fox', 'FOX', 1, 1, 'i'), "
     "regexp_substr('x', 'y')",
     ["@sodales", "fox", ""]),
    (r"select regexp_substr('This is a cat, this is a dog. This is a mouse.', 'this is a (\\w+)', 1, 2, 'ie')",
     ["dog"]),
    ("select regexp_instr('Izod Center', '[cC]ent(er|re)$'), regexp_instr('the fox', 'FOX', 1, 1, 1, 'i'), "
     "regexp_instr('abc', 'x')", [6, 8, 0]),
    ("select regexp_count('abcdefghijklmnopqrstuvwxyz', '[a-z]{3}'), regexp_count('the fox', 'FOX', 1, 'i')", [8, 1]),
    ("select regexp_replace('sed@lacus.ca', '@.*'), regexp_replace('the fox', 'FOX', 'quick brown fox', 1, 'i'), "
     "regexp_replace('aaa', 'a', 'b', 2), regexp_replace('a', 'a', null)", ["sed", "the quick brown fox", "abb", None]),
    # r_SPLIT_PART, CHARINDEX, r_LEFT, r_SUBSTRING, r_LPAD, r_TRANSLATE, r_INITCAP, r_REPLICATE, r_REVERSE
    ("select split_part('abc$def$ghi', '$', 2), split_part('abc', '$', 2), charindex('fish', 'dogfish')",
     ["def", "", 4]),
    ("select left('Chicago', 3), right('Chicago', 3), substring('caterpillar', 6, 4), substring('caterpillar', -2, 4)",
     ["Chi", "ago", "pill", "c"]),
    ("select lpad('cat', 5, '-'), rpad('caterpillar', 3), translate('mint tea', 'inea', 'osin'), initcap('a bC d')",
     ["--cat", "cat", "most tin", "A Bc D"]),
    ("select trim('  dog '), trim(both 'CDG' from 'CDGdogCDG'), btrim('xyzaxyz', 'xyz'), ltrim('2008-01', "
     "'0-2'), reverse('añb')",
     ["dog", "dog", "a", "8-01", "bña"]),
    ("select position('dog' in 'fish dog'), strpos('dogfish', 'x'), ascii('A'), chr(65), to_hex(2147447899)",
     [6, 0, 65, "A", "7fff745b"]),
    ("select quote_ident('a b'), quote_literal('it''s'), replace('shows a show', 'show', 'x'), upper('é'), "
     "len('français')",
     ['"a b"', "'it''s'", "xs a x", "É", 8]),
    # r_GREATEST_LEAST, r_NULLIF_function, r_COALESCE, r_DECODE_expression, r_NVL2
    ("select greatest(1, null, 3), least(null, 2), greatest(null, null::int), nullif(1, 1), nvl2('', 1, 2)",
     [3, 2, None, None, 1]),
    # r_ROUND, r_TRUNC, r_CEILING_FLOOR, r_MOD, r_SIGN, r_DEXP, r_DLOG10, r_POWER
    ("select round(28.05), round(28.05, 1), round(28.05, -1), trunc(111.15), trunc(111.15, 1), trunc(111.15, -1)",
     [Decimal(28), Decimal("28.1"), Decimal(30), Decimal(111), Decimal("111.1"), Decimal(110)]),
    ("select ceiling(1.2), floor(-1.2), mod(7, 3), mod(-7, 3), sign(-2.5), power(2, 10), sqrt(16::float)",
     [Decimal(2), Decimal(-2), 1, -1, Decimal(-1), 1024.0, 4.0]),
    ("select dexp(0), dlog10(100), log(1000::float), dlog1(1), ln(1::float), pi() > 3.14",
     [1.0, 2.0, 3.0, 0.0, 0.0, True]),
    # r_CAST_function: decimals round to integers, strings have to be integers
    ("select 2.5::int, cast('12' as int), convert(int, 2.49), '3.14'::decimal(3,1), 1::bool, 0::bool",
     [3, 12, 2, Decimal("3.1"), True, False]),
    # r_MONTHS_BETWEEN_function, r_NEXT_DAY, r_ADD_MONTHS, r_LAST_DAY
    ("select months_between('1969-01-18', '1969-03-18'), months_between('2014-08-31', '2014-09-30')", [-2.0, -1.0]),
    ("select round(months_between('2008-12-25 15:00', '2008-01-21 19:30'), 4)", [11.123]),
    ("select next_day('2014-08-20', 'Tuesday'), next_day(date '2014-08-20', 'WED'), next_day('2014-08-20', 'th')",
     [dt.date(2014, 8, 26), dt.date(2014, 8, 27), dt.date(2014, 8, 21)]),
    ("select add_months('2008-03-31', 1), add_months('2008-04-30', 1), add_months(date '2008-01-31', -2)",
     [dt.datetime(2008, 4, 30), dt.datetime(2008, 5, 31), dt.datetime(2007, 11, 30)]),
    # r_DATEADD_function: month ends
    ("select dateadd(month, 18, '2008-02-28'), dateadd(m, 30, '2008-02-28'), dateadd(month, 1, date '2008-01-31')",
     [dt.datetime(2009, 8, 28), dt.datetime(2008, 2, 28, 0, 30), dt.datetime(2008, 2, 29)]),
    ("select dateadd(hour, 12, time '13:24:55'), datediff(hour, time '20:00:00', time '15:24:45')",
     [dt.time(1, 24, 55), -5]),
    # r_DATEDIFF_function: every part counts boundaries
    ("select datediff(week, '2009-01-01', '2009-12-31'), datediff(qtr, '1998-07-01', '1999-01-01'), "
     "datediff(decade, '1999-12-31', '2000-01-01'), datediff(century, '2000-12-31', '2001-01-01')", [52, 2, 1, 1]),
    ("select datediff(minute, '2020-01-01 00:00:59', '2020-01-01 00:01:00'), "
     "datediff(ms, '2020-01-01 00:00:00.0009', '2020-01-01 00:00:00.001'), "
     "datediff(us, '2020-01-01', '2020-01-01 00:00:01')",
     [1, 1, 1000000]),
    # r_DATE_PART_function, r_EXTRACT_function, r_Dateparts_for_datetime_functions
    ("select date_part(sec, timestamp '2009-09-21 11:10:03.189717'), "
     "extract(sec from timestamp '2009-09-21 11:10:03.189717')",
     [3.189717, 3]),
    ("select date_part(microsecond, timestamp '20220502 04:05:06.789'), "
     "extract(ms from timestamp '2009-09-09 12:08:43.101')",
     [789000.0, 101]),
    ("select date_part(week, timestamp '20220502 04:05:06'), date_part(dayofweek, '2022-05-02'), "
     "date_part(epoch, '1970-01-02')",
     [18.0, 1.0, 86400.0]),
    ("select date_trunc('quarter', '2020-05-05'), date_trunc(week, timestamp '2020-05-05 10:00')",
     [dt.datetime(2020, 4, 1), dt.datetime(2020, 5, 4)]),
    # CONVERT_TIMEZONE, r_AT_TIME_ZONE, r_TIMEZONE
    ("select convert_timezone('PST', timestamp '2008-08-24 09:36:12'), convert_timezone('US/Pacific', "
     "'2008-08-24 09:36:12')",
     [dt.datetime(2008, 8, 24, 1, 36, 12), dt.datetime(2008, 8, 24, 2, 36, 12)]),
    ("select convert_timezone('EST', 'PST', '20080305 12:25:29'), timestamp '2001-02-16 20:38:40' at time zone 'MST', "
     "timezone('PST', '2008-06-17 09:44:54')",
     [dt.datetime(2008, 3, 5, 9, 25, 29), dt.datetime(2001, 2, 17, 3, 38, 40, tzinfo=UTC),
      dt.datetime(2008, 6, 17, 17, 44, 54, tzinfo=UTC)]),
    # r_TO_TIMESTAMP, r_TO_DATE_function
    ("select to_timestamp('2017', 'YYYY'), to_timestamp('2011-12-18 24:38:15', 'YYYY-MM-DD HH24:MI:SS')",
     [dt.datetime(2017, 1, 1, tzinfo=UTC), dt.datetime(2011, 12, 19, 0, 38, 15, tzinfo=UTC)]),
    ("select to_date('02 Oct 2001', 'DD Mon YYYY'), to_date('20010631', 'YYYYMMDD')",
     [dt.date(2001, 10, 2), dt.date(2001, 7, 1)]),
    # r_TO_CHAR, r_TO_NUMBER
    ("select to_char(timestamp '2009-12-31 23:15:59', 'MONTH-DY-DD-YYYY HH12:MIPM'), to_char(-125.8, '999D99S'), "
     "to_number('12,454.8-', '99G999D9S')", ["DECEMBER -THU-31-2009 11:15PM", "125.80-", Decimal("-12454.8")]),
    # r_DATE_CMP and its neighbours, r_INTERVAL_CMP
    ("select date_cmp('2008-01-02', '2008-01-01'), date_cmp_timestamp('2008-06-18', '2008-06-17 09:44:54'), "
     "timestamp_cmp('2008-01-24 06:43:29', '2008-02-18 02:36:48'), timestamp_cmp_date('2008-01-01', '2008-01-01')",
     [1, 1, -1, 0]),
    ("select interval_cmp('3 days', '1 year'), interval_cmp('7 days', '1 week')", [-1, 0]),
    # r_interval_literals
    ("select date '2008-12-31' + interval '3 hours, 35 minutes', date '2008-12-31' + interval '52 weeks', "
     "date '2008-12-31' + interval '0.5 days', date '2008-12-31' + interval '1'",
     [dt.datetime(2008, 12, 31, 3, 35), dt.datetime(2009, 12, 30), dt.datetime(2008, 12, 31, 12),
      dt.datetime(2008, 12, 31, 0, 0, 1)]),
    # IS_VALID_JSON: only objects
    ("select is_valid_json('{\"a\":2}'), is_valid_json('{{}}'), is_valid_json('{1:\"a\"}'), is_valid_json('[1,2,3]')",
     [True, False, False, False]),
    ("select array_flatten(array(array(1,2,3,4), array(5,6,7,8), array(9,10)))", ["[1,2,3,4,5,6,7,8,9,10]"]),
    # r_ORDER_BY_clause: NULLs last, and first when descending
    ("select listing from (select 1 as listing union all select null union all select 2) q order by 1 desc limit 1",
     [None]),
]  # fmt: skip
REFUSED = [
    ("42883", "select checksum('a')"),
    ("42883", "select checksum('a')"),
    ("42883", "select murmur3_32_hash('a')"),
    ("0A000", "select regexp_substr('a', 'a', 1, 1, 'p')"),
    ("0A000", "select regexp_replace('ab', '(a)', '$1')"),
    ("22023", "select regexp_substr('a', 'a', 1, 1, 'x')"),
    ("XX000", "select regexp_substr('a', '(?=a)')"),
    ("22023", "select split_part('a-b', '-', -1)"),
    ("22023", "select strtol('8', 8)"),
    ("22003", "select strtol('ffffffffffffffffff', 16)"),
    ("22008", "select to_timestamp('2011-12-18 24:38:15', 'YYYY-MM-DD HH24:MI:SS', true)"),
    ("22008", "select to_date('20010631', 'YYYYMMDD', true)"),
    ("22023", "select next_day('2014-08-20', 'Someday')"),
    ("0A000", "select extract(us from timestamp '2009-09-21 11:10:03.189717')"),
    ("22P02", "select 'a'::int"),
    ("22P02", "select '1.5'::int"),
    ("22003", "select 40000::smallint"),
    ("22003", "select 2147483647 + 1"),
    ("22003", "select 123.4::decimal(3,1)"),
]


@pytest.fixture
def run(shared_run: Run) -> Run:
    return shared_run


@pytest.mark.parametrize(("sql", "expected"), VALUES, ids=[sql[7:70] for sql, _ in VALUES])
def test_functions_give_what_their_pages_say(run: Run, sql: str, expected: list[Any]) -> None:
    found = run(sql)[0]
    assert found == expected
    assert [type(value) for value in found] == [type(value) for value in expected]


@pytest.mark.parametrize(("code", "sql"), REFUSED, ids=[sql[7:70] for _, sql in REFUSED])
def test_what_functions_cannot_do_is_an_error(run: Run, code: str, sql: str) -> None:
    assert fails(run, sql)["C"] == code
