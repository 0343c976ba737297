"""COPY from CSV and delimited text: what is loaded, and which rows are refused with which code."""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from tests.local_cloud.redshift.conftest import BUCKET, fails
from tests.local_cloud.redshift.lake import Put, Run, text_putter
from tests.local_cloud.redshift.lake import copy_text as copy

COLUMNS = "id int not null, name varchar(10), amount decimal(8,2), at timestamp, d date, ok boolean, f float8"


@pytest.fixture
def put(s3: Any) -> Put:
    return text_putter(s3)


@pytest.fixture
def table(run: Run, connection: Any) -> None:
    run(f"create temp table t ({COLUMNS})")
    connection.commit()


@pytest.fixture
def load(run: Run, put: Put) -> Callable[..., Any]:
    """Makes a table of one column, loads text into it, and returns its values."""

    def load(kind: str, content: str | bytes, options: str = "") -> Any:
        run("drop table if exists one")
        run(f"create temp table one (v {kind})")
        run(f"copy one from '{put(content)}' iam_role default {options}")
        return [row[0] for row in run("select v::varchar from one")]

    return load


@pytest.mark.usefixtures("table")
def test_delimited_text_is_loaded_by_position(run: Run, put: Put) -> None:
    run(copy(put("1|abc|12.345|2020-01-02 03:04:05.5|2020-01-02|t|1e3\n2||||||\n")))
    rows = run("select id, name, amount::varchar, at::varchar, d::varchar, ok, f from t order by id")
    assert rows == [
        [1, "abc", "12.34", "2020-01-02 03:04:05.5", "2020-01-02", True, 1000.0],
        [2, "", None, None, None, None, None],
    ]
    assert run("select pg_last_copy_count()") == [[2]]


OPTIONS: list[tuple[str, str, list[str | None]]] = [
    ('"a,b",x\n"say ""hi""",y\n"two\nlines",z\n', "csv", ["a,b", 'say "hi"', "two\nlines"]),
    (' "a" ,x\r\nb,y\r\n', "csv", ["a", "b"]),
    ("'a;b';x\n", "csv quote as '''' delimiter ';'", ["a;b"]),
    ("h1,h2\nh3,h4\na,x\n", "csv ignoreheader 2", ["a"]),
    ("a\tx\n", "delimiter '\\t'", ["a"]),
    ("a\x01x\n", "delimiter '\\001'", ["a"]),
    ("a\\|b|x\\\ny\n", "escape", ["a|b"]),
    ("'a|b'|x\n\"c\"|y\n", "removequotes", ["a|b", "c"]),
    ("' ''B'' '|x\n' 'W' '|y\nB'|z\n", "removequotes", [" 'B' ", " 'W' ", "B'"]),
    ("\\N|x\nNUL|y\n", "", [None, "NUL"]),
    ("\\N|x\nNUL|y\n", "null as 'NUL'", ["\\N", None]),
    ("\\N|x\n", "escape", [None]),
    ("|x\n  |y\n", "", ["", "  "]),
    ("|x\n  |y\n", "emptyasnull", [None, "  "]),
    ("|x\n  |y\n", "blanksasnull", ["", None]),
    ("|x\n", "null as ''", [None]),
    ("a  |x\n", "trimblanks", ["a"]),
    ("abcdefghijklm|x\nabcdefghié|y\n", "truncatecolumns", ["abcdefghij", "abcdefghi"]),
    ("a|x\n\n\nb|y\n", "ignoreblanklines", ["a", "b"]),
    ("a|x", "", ["a"]),
    ("a\n", "fillrecord", ["a"]),
]


def test_options_of_text(run: Run, put: Put) -> None:
    run("create temp table two (v varchar(10), w varchar(10))")
    for content, options, wanted in OPTIONS:
        run(copy(put(content), options, "two"))
        found = [row[0] for row in run("select v from two")]
        assert sorted(found, key=str) == sorted(wanted, key=str), (content, options)
        run("delete from two")


def test_fillrecord_makes_blanks_of_varchar_and_null_of_the_rest(run: Run, put: Put) -> None:
    run("create temp table three (a int, b varchar(3), c int)")
    run(copy(put("1\n"), "fillrecord", "three"))
    run(copy(put("2\n"), "fillrecord emptyasnull", "three"))
    assert run("select * from three order by a") == [[1, "", None], [2, None, None]]


VALUES = [
    ("decimal(8,2)", "20.259", "", "20.25"),
    ("decimal(4,2)", "99.999", "", "99.99"),
    ("decimal(8,2)", "20.259", "roundec", "20.26"),
    ("decimal(8,2)", "-20.255", "roundec", "-20.26"),
    ("decimal(38,0)", "9" * 38, "", "9" * 38),
    ("date", "20200102", "dateformat 'auto'", "2020-01-02"),
    ("date", "Jan-02-2020", "dateformat 'MON-DD-YYYY'", "2020-01-02"),
    ("date", "02/01/20", "dateformat as 'DD/MM/YY'", "2020-01-02"),
    ("date", "2020-01-02 10:00:00", "", "2020-01-02"),
    ("timestamp", "2020-01-02T03:04:05Z", "timeformat 'auto'", "2020-01-02 03:04:05"),
    ("timestamp", "01/02/2020 03:04:05 PM", "timeformat 'MM/DD/YYYY HH12:MI:SS AM'", "2020-01-02 15:04:05"),
    ("timestamp", "2020-01-02T03:04:05.25", "timeformat 'YYYY-MM-DDTHH:MI:SS'", "2020-01-02 03:04:05.25"),
    ("timestamp", "1577934245", "timeformat 'epochsecs'", "2020-01-02 03:04:05"),
    ("timestamp", "1577934245678", "timeformat 'epochmillisecs'", "2020-01-02 03:04:05.678"),
    ("timestamptz", "2020-01-02 03:04:05+02", "", "2020-01-02 01:04:05+00"),
    ("timestamptz", "2020-01-02T03:04:05-01:30", "timeformat 'auto'", "2020-01-02 04:34:05+00"),
    ("date", "no date", "dateformat 'auto' acceptanydate", None),
]


def test_texts_become_values(load: Callable[..., Any]) -> None:
    for kind, text, options, wanted in VALUES:
        assert load(kind, text + "\n", options) == [wanted], (kind, text, options)


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("kind", ["gzip", "bzip2", "zstd"])
def test_compressed_text(run: Run, put: Put, kind: str) -> None:
    content = b"1||||||\n2||||||\n"
    packed = {
        "gzip": gzip.compress(content[:8]) + gzip.compress(content[8:]),
        "bzip2": bz2.compress(content),
        "zstd": pa.compress(content, codec="zstd", asbytes=True),
    }
    run(copy(put(packed[kind]), kind))
    assert run("select count(*) from t") == [[2]]


@pytest.mark.usefixtures("table")
def test_a_file_that_is_not_compressed_as_said_is_an_error(run: Run, connection: Any, put: Put) -> None:
    assert "gzip file s3://" in fails(run, copy(put("1||||||\n"), "gzip"))["M"]
    connection.rollback()
    assert run("select count(*) from t") == [[0]]


def test_column_lists_defaults_and_identity(run: Run, connection: Any, put: Put) -> None:
    run("create temp table k (id bigint identity(1,1), a int default 7, b varchar(5))")
    connection.commit()
    run(copy(put("1|x\n"), target="k"))
    run(copy(put("y\n"), target="k (b)"))
    run(copy(put("50|3|z\n"), "explicit_ids", target="k"))
    assert run("select a, b from k order by b") == [[1, "x"], [7, "y"], [3, "z"]]
    assert run("select id from k where b = 'z'") == [[50]]
    connection.commit()
    for target, options in (("k (id, b)", ""), ("k (a, b)", "explicit_ids"), ("k (b, b)", ""), ("k (nope)", "")):
        fails(run, copy(put("1|x\n"), options, target))
        connection.rollback()


def test_a_manifest_of_text_needs_no_sizes_and_repeats_a_file_that_it_lists_twice(run: Run, put: Put) -> None:
    run("create temp table one (v varchar(3))")
    url = put("a\n", "a.txt")
    absent = f'{{"url": "s3://{BUCKET}/nowhere"}}'
    manifest = put(f'{{"entries": [{{"url": "{url}", "mandatory": true}}, {{"url": "{url}"}}, {absent}]}}', "m")
    run(copy(manifest, "manifest", target="one"))
    assert run("select v from one") == [["a"], ["a"]]


def test_words_of_boolean(run: Run, put: Put) -> None:
    run("create temp table words (i int, b boolean)")
    run(copy(put("1|Yes\n2|TRUE\n3|n\n4|0\n"), target="words"))
    assert run("select b from words order by i") == [[True], [True], [False], [False]]
