"""COPY from JSON: by names, by JSONPaths, and whole documents."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.local_cloud.redshift.conftest import fails
from tests.local_cloud.redshift.lake import Put, Run, text_putter


@pytest.fixture
def put(s3: Any) -> Put:
    return text_putter(s3)


@pytest.fixture
def table(run: Run, connection: Any) -> None:
    run("create temp table t (id bigint, name varchar(40), price decimal(20,4), at timestamptz, ok boolean, doc super)")
    connection.commit()


def copy(url: str, options: str = "'auto'", target: str = "t") -> str:
    return f"copy {target} from '{url}' iam_role default format as json {options}"


ROW = {"id": 1, "name": "é\n", "price": 12.5, "at": "2020-01-02T03:04:05Z", "ok": True, "doc": {"a": [1, None]}}


@pytest.mark.usefixtures("table")
def test_lines_of_json_are_matched_by_name(run: Run, put: Put) -> None:
    lines = [ROW, {"unknown": 1, "id": "2", "Name": "folded"}, {}]
    body = "\n".join(json.dumps(line) for line in lines)
    run(copy(put(gzip.compress(body.encode())), "'auto' gzip dateformat 'auto' timeformat 'auto'"))
    rows = run("select id, name, price::varchar, at::varchar, ok from t order by id")
    assert rows == [
        [1, "é\n", "12.5000", "2020-01-02 03:04:05+00", True],
        [2, None, None, None, None],
        [None, None, None, None, None],
    ]
    assert run("select json_serialize(doc) from t where id = 1") == [['{"a":[1,null]}']]


@pytest.mark.usefixtures("table")
def test_ignorecase_matches_folded_names(run: Run, put: Put) -> None:
    run(copy(put('{"ID": 3, "NaMe": "x"}'), "'auto ignorecase'"))
    assert run("select id, name from t") == [[3, "x"]]


@pytest.mark.usefixtures("table")
def test_documents_may_span_lines_and_share_them(run: Run, put: Put) -> None:
    run(copy(put('{"id":\n 1,\n "name": "br{ace\\""}  {"id": 2}\n\n{"id": 3}')))
    assert run("select id, name from t order by id") == [[1, 'br{ace"'], [2, None], [3, None]]


@pytest.mark.usefixtures("table")
def test_numbers_keep_their_digits(run: Run, put: Put) -> None:
    run(copy(put('{"id": 9007199254740993, "name": 1.10, "price": 1.23456e3, "doc": 1.2300}')))
    assert run("select id, name, price::varchar, json_serialize(doc) from t") == [
        [9007199254740993, "1.10", "1234.5600", "1.2300"]
    ]


@pytest.mark.usefixtures("table")
def test_nested_values_go_into_varchar_as_text(run: Run, put: Put) -> None:
    run(copy(put('{"name": {"b": [true, "x"]}}')))
    assert run("select name from t") == [['{"b":[true,"x"]}']]


def test_noshred_loads_whole_documents(run: Run, connection: Any, put: Put) -> None:
    run("create temp table docs (doc super)")
    run(copy(put('{"A": {"b": 1}}\n{"A": 2}'), "'noshred'", "docs"))
    assert sorted(run("select json_serialize(doc) from docs")) == [['{"A":2}'], ['{"A":{"b":1}}']]
    run("create temp table more (doc super, x int)")
    connection.commit()
    assert "noshred" in fails(run, copy(put("{}"), "'noshred'", "more"))["M"]


@pytest.mark.parametrize("paths", [["$.k.id", "$.names[1]"], ["$['k']['id']", "$['names'][1]"]])
def test_jsonpaths(run: Run, put: Put, paths: list[str]) -> None:
    run("create temp table p (id int, name varchar(5))")
    url = put('{"k": {"id": 5}, "names": ["a", "b"]}')
    file = put(json.dumps({"jsonpaths": paths}), "paths")
    run(copy(url, f"'{file}'", "p"))
    assert run("select * from p") == [[5, "b"]]


def test_jsonpaths_of_arrays_and_of_what_is_absent(run: Run, connection: Any, put: Put) -> None:
    run("create temp table p (id int, name varchar(5))")
    connection.commit()
    paths = put('{"jsonpaths": ["$[0]", "$[1].x"]}', "paths")
    run(copy(put('[7, {"y": 1}]\n[8, {"x": "b"}]'), f"'{paths}'", "p"))
    assert run("select * from p order by id") == [[7, None], [8, "b"]]
    fails(run, copy(put("[9]"), f"'{paths}'", "p"))
    connection.rollback()
    assert "index out of range" in run("select error_message from sys_load_error_detail order by query_id desc")[0][0]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("no json", "Invalid JSONPath format"),
        ('{"jsonpaths": ["$.a"]}', "Number of jsonpaths and the number of columns should match"),
        ('{"jsonpaths": ["$.a", ""]}', "Invalid JSONPath format"),
        ('{"jsonpaths": ["$.a", "$[*]"]}', "Invalid JSONPath format"),
        ("[]", "Invalid JSONPath format"),
    ],
)
def test_wrong_jsonpaths_files(run: Run, put: Put, content: str, text: str) -> None:
    run("create temp table p (id int, name varchar(5))")
    file = put(content, "paths")
    assert text in fails(run, copy(put("{}"), f"'{file}'", "p"))["M"]


def test_a_jsonpaths_file_with_another_key_counts_as_auto(run: Run, put: Put) -> None:
    run("create temp table p (id int, name varchar(5))")
    file = put('{"paths": 1}', "paths")
    run(copy(put('{"id": 1, "name": "a"}'), f"'{file}'", "p"))
    assert run("select * from p") == [[1, "a"]]


@pytest.mark.parametrize(
    ("content", "code"),
    [('{"id": 1.5}', 1207), ('{"id": "x"}', 1207), ('{"id": [1]}', 1216), ("{", 1216), ("[1]", 1216), ("5", 1216),
     ('{"ok": 2}', 1210), ('{"price": 1e30}', 1204), ('{"at": "2020-01-02T03:04:05Z"}', 1206), ('{"doc": NaN}', 1216)],
)  # fmt: skip
@pytest.mark.usefixtures("table")
def test_bad_documents(run: Run, connection: Any, put: Put, content: str, code: int) -> None:
    assert fails(run, copy(put('{"id": 1}\n' + content)))["C"] == "XX000"
    connection.rollback()
    assert run("select count(*) from t") == [[0]]
    found = run("select line_number, error_code from sys_load_error_detail where query_id = pg_last_copy_id()")
    assert found == [[2, code]]


@pytest.mark.usefixtures("table")
def test_maxerror_counts_documents(run: Run, put: Put) -> None:
    run(copy(put('{"id": 1}\n{"id": "x"}\n{"id": 3}'), "'auto' maxerror 2"))
    assert run("select id from t order by id") == [[1], [3]]
