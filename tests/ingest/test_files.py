"""Files of every format and packing, from everywhere."""

import datetime as dt
import gzip
import io
import json
import zipfile
from dataclasses import replace
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.common.errors import SourceError, SourceUnavailable
from tests.ingest.conftest import key

CSV = (
    'id,at,name,extra\n001,2024-01-01T10:00:00Z,"1,000",NA\n2,2024-01-03 01:00:00,,"say ""hi""\nthere"\n03,,null, x \n'
)
CSV_ROWS = [
    {"id": "001", "at": "2024-01-01T10:00:00Z", "name": "1,000", "extra": "NA"},
    {"id": "03", "at": "", "name": "null", "extra": " x "},
]
JSON_ROWS = [{"id": 1, "at": "2024-01-01T10:00:00Z"}, {"id": 2, "at": "2024-01-01T11:00:00Z", "tags": ["a"]}]
NDJSON = "".join(json.dumps(row) + "\n" for row in JSON_ROWS)


def zipped(**members):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return target.getvalue()


def files(block, kind, **more):
    return {"attempts": 1, "filesystem": {**block, "format": kind, **more}}


@pytest.mark.parametrize(
    "pack", [str.encode, lambda text: gzip.compress(text.encode()), lambda text: zipped(a_csv=text)]
)
def test_csv_stays_text_plain_and_packed(bench, pack):
    answer = bench.ingest(files(bench.write("a.csv.any", pack(CSV)), "csv"))
    assert answer["objects"]["put"] == 3
    assert bench.rows("2024-01-01") == CSV_ROWS
    assert bench.rows("2024-01-02") == []
    assert bench.rows("2024-01-03")[0]["extra"] == 'say "hi"\nthere'
    assert bench.rows("2024-01-03")[0]["name"] == ""


@pytest.mark.parametrize(("kind", "content"), [("csv", CSV), ("json", json.dumps(JSON_ROWS))])
def test_a_packing_is_told_by_the_first_bytes_and_not_by_the_name(bench, kind, content):
    for name, body in (("plain.gz", content.encode()), ("packed.txt", gzip.compress(content.encode()))):
        answer = bench.ingest(files(bench.write(name, body), kind))
        assert answer["rows"] == (3 if kind == "csv" else 2)


def test_json_is_read_in_the_memory_of_a_small_function(bench, monkeypatch):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "640")
    assert bench.ingest(files(bench.write("a.json", json.dumps(JSON_ROWS)), "json"))["rows"] == 2


def test_a_file_read_again_is_unchanged_and_one_that_shrank_empties_its_days(bench):
    extract = files(bench.write("a.csv", CSV), "csv")
    bench.ingest(extract)
    assert bench.ingest(extract)["objects"] == {"put": 0, "unchanged": 3, "emptied": 0}
    bench.write("a.csv", CSV.splitlines()[0] + "\n1,2024-01-01,x,y\n")
    assert bench.ingest(extract)["objects"] == {"put": 1, "unchanged": 1, "emptied": 1}
    assert bench.rows("2024-01-03") == []


@pytest.mark.parametrize(("kind", "some", "none"), [("csv", CSV, "id,at,name\n"), ("ndjson", NDJSON, "")])
def test_a_source_that_lost_all_rows_is_refused_unless_it_may(bench, kind, some, none):
    extract = files(bench.write("a.any", none), kind)
    assert bench.ingest(extract)["rows"] == 0, "nothing lay there yet"
    bench.write("a.any", some)
    bench.ingest(extract)
    before = bench.etags()
    bench.write("a.any", none)
    for asked in ((), ("2024-01-01", "2024-01-02")):
        with pytest.raises(SourceError, match=r"things: the source has no row, .* say extract.may_be_empty: true"):
            bench.ingest(extract, *asked)
    assert bench.etags() == before
    answer = bench.ingest({**extract, "may_be_empty": True})
    assert (answer["rows"], answer["objects"]["emptied"]) == (0, 2 if kind == "csv" else 1)
    bench.columns["more"] = "bigint"
    assert bench.ingest(extract)["rows"] == 0, "objects of another contract are empty as well"


def test_days_of_a_whole_file_may_be_asked_for(bench):
    extract = files(bench.write("a.csv", CSV), "csv")
    answer = bench.ingest(extract, "2024-01-02", "2024-01-05")
    assert (answer["rows"], answer["outside"]) == (1, 2)
    assert list(bench.etags()) == [key("2024-01-02"), key("2024-01-03"), key("2024-01-04")]


def test_rows_of_days_that_a_source_does_not_have_land_and_are_counted(bench):
    extract = files(bench.write("a.csv", "id,at,name\n1,2023-12-31,x\n2,2024-01-01,y\n3,2024-01-03,z\n4,,w\n"), "csv")
    assert bench.ingest(extract)["unloaded"] == 1
    source = bench.source(extract)
    ended = replace(source, config=replace(source.config, end=dt.date(2024, 1, 2)))
    assert bench.call(ended)["unloaded"] == 2
    assert bench.call(ended, "2024-01-01", "2024-01-02")["unloaded"] == 0


def test_rows_of_days_to_come_land_and_are_counted(bench):
    today = dt.datetime.now(dt.UTC).date()
    rows = f"1,2024-01-01,y\n2,{today},a\n3,{today + dt.timedelta(days=2)},z\n4,2999-01-01,w\n"
    answer = bench.ingest(files(bench.write("a.csv", f"id,at,name\n{rows}"), "csv"))
    assert (answer["rows"], answer["unloaded"], answer["early"]) == (4, 0, 2)


def test_rows_without_a_day_lie_under_the_first_day_of_a_source_read_whole(bench):
    extract = files(bench.write("a.csv", "id,at,name\n1,2024-02-01,x\n2,NA,y\n"), "csv")
    bench.ingest(extract)
    assert [row["id"] for row in bench.rows("2024-01-01")] == ["2"]
    assert len(bench.etags()) == 32


@pytest.mark.parametrize("content", ["[ROW, ROW]", "ROW\n", '{"rows": [ROW, ROW]}'])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_json_may_begin_with_a_byte_order_mark(bench, content, mark):
    text = mark + content.replace("ROW", json.dumps({"id": 1, "at": "2024-01-01"}))
    selector = {"json": {"data_selector": "rows"}} if "rows" in content else {}
    bench.ingest(files(bench.write("a.json", text), "json", **selector))
    assert [row["id"] for row in bench.rows("2024-01-01")] == [1] * content.count("ROW")


def test_files_of_one_name_in_two_folders_or_archives_are_two(bench):
    for folder, number in (("x", 1), ("y", 2)):
        (bench.folder / folder).mkdir()
        text = f"id,at,name\n{number},2024-01-01,é\n".encode("latin-1")
        bench.write(f"{folder}/a.csv", text)
        bench.write(f"{folder}/a.zip", zipped(a_csv=text))
    for glob in ("*/a.csv", "*/a.zip"):
        block = {"bucket_url": str(bench.folder), "file_glob": glob}
        bench.ingest(files(block, "csv", csv={"encoding": "latin-1"}))
        assert [(row["id"], row["name"]) for row in bench.rows("2024-01-01")] == [("1", "é"), ("2", "é")]


def test_several_files_with_different_columns_are_one_source(bench):
    bench.write("1.csv", "id,at,name\n1,2024-01-01,x\n")
    bench.write("2.csv", "at,id,more\n2024-01-01,2,y\n")
    bench.ingest({"filesystem": {"bucket_url": str(bench.folder), "file_glob": "*.csv", "format": "csv"}})
    assert bench.rows("2024-01-01") == [
        {"id": "1", "at": "2024-01-01", "name": "x", "more": None},
        {"id": "2", "at": "2024-01-01", "name": None, "more": "y"},
    ]


@pytest.mark.parametrize(
    ("kind", "content", "more"),
    [
        ("ndjson", NDJSON, {}),
        ("ndjson", gzip.compress(NDJSON.encode(), mtime=0), {}),
        ("json", json.dumps(JSON_ROWS, indent=1), {}),
        ("json", json.dumps({"data": {"items": JSON_ROWS}}), {"json": {"data_selector": "data.items"}}),
    ],
)
def test_json_keeps_types_and_sparse_keys(bench, kind, content, more):
    bench.ingest(files(bench.write("a.any", content), kind, **more))
    assert bench.rows("2024-01-01") == [
        {"id": 1, "at": "2024-01-01T10:00:00Z", "name": None, "tags": None},
        {"id": 2, "at": "2024-01-01T11:00:00Z", "name": None, "tags": '["a"]'},
    ]


@pytest.mark.parametrize("kind", ["ndjson", "json"])
def test_an_empty_key_is_called_as_a_csv_calls_its_first_column(bench, kind):
    rows = [{"at": "2024-01-01", "x": 1}, {"at": "2024-01-01", "": "y"}, {"": {"": 1}, "at": "2024-01-01"}]
    extract = files(bench.write("a.any", "\n".join(map(json.dumps, rows))), kind)
    bench.ingest(extract)
    assert [row["column0"] for row in bench.rows("2024-01-01")] == [None, "y", '{"":1}']
    bench.write("a.any", "\n".join(map(json.dumps, [*rows, {"at": "2024-01-01", "Column0": 1}])))
    with pytest.raises(SourceError, match=r"two columns 'Column0' and 'column0' \(column0 is an empty key\)"):
        bench.ingest(extract)


TABLE = pa.table(
    {
        "id": pa.array([1, 2], pa.int32()),
        "at": pa.array([dt.datetime(2024, 1, 1, 23), dt.datetime(2024, 1, 2, 1)], pa.timestamp("us")),
        "amount": pa.array([Decimal("1.10"), None], pa.decimal128(9, 2)),
        "deep": pa.array([{"a": [1]}, None], pa.struct([("a", pa.list_(pa.int64()))])),
    }
)


def parquet(table):
    target = io.BytesIO()
    pq.write_table(table, target)
    return target.getvalue()


def arrow(table, writer):
    target = io.BytesIO()
    with writer(target, table.schema) as stream:
        stream.write_table(table)
    return target.getvalue()


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("parquet", parquet(TABLE)),
        ("parquet", zipped(a_parquet=parquet(TABLE))),
        ("arrow", arrow(TABLE, pa.ipc.new_file)),
        ("arrow", arrow(TABLE, pa.ipc.new_stream)),
    ],
)
def test_parquet_and_arrow_keep_their_types(bench, kind, content):
    bench.ingest(files(bench.write("a.any", content), kind))
    first, second = bench.table(key("2024-01-01")), bench.table(key("2024-01-02"))
    assert [(f.name, str(f.type)) for f in first.schema] == [
        ("id", "int32"),
        ("at", "timestamp[us]"),
        ("amount", "decimal128(9, 2)"),
        ("deep", "string"),
    ]
    assert first.schema == second.schema
    assert first.to_pylist()[0]["deep"] == '{"a":[1]}'
    assert second.to_pylist()[0]["amount"] is None


def test_files_come_from_s3_and_http(bench, api, cloud, monkeypatch):
    for name, value in cloud.env.items():
        monkeypatch.setenv(name, value)
    bench.s3.put_object(Bucket=bench.bucket, Key="in/2/a.csv", Body=CSV.encode())
    bench.s3.put_object(Bucket=bench.bucket, Key="in/2/a.txt", Body=b"not this")
    block = {"bucket_url": f"s3://{bench.bucket}/in", "file_glob": "2/*.csv"}
    assert bench.ingest(files(block, "csv"))["rows"] == 3
    api.answer = lambda path, _asked, _number: (200, CSV.encode()) if path == "/dir/a.csv" else (404, b"")
    for block in ({"bucket_url": f"{api.url}dir", "file_glob": "a.csv"}, {"bucket_url": f"{api.url}dir/a.csv"}):
        assert bench.ingest(files(block, "csv"))["objects"] == {"put": 0, "unchanged": 3, "emptied": 0}


def test_a_file_for_each_window_is_found_by_its_tokens(bench):
    bench.write("2024-01-02.csv", "id,at,name\n7,2024-01-02T05:00:00Z,x\n")
    block = {"bucket_url": str(bench.folder), "file_glob": "{start}.csv"}
    bench.ingest({"precision": "day", **files(block, "csv")}, "2024-01-02", "2024-01-03")
    assert [row["id"] for row in bench.rows("2024-01-02")] == ["7"]


@pytest.mark.parametrize(
    ("name", "content", "kind", "said"),
    [
        ("a.csv", "id,at\n1,2024-01-01,surplus\n", "csv", "a.csv: line 2: 3 values, not 2"),
        ("a.csv", "", "csv", "needs a header"),
        ("a.json", '{"id": 1}\n{"id": ', "ndjson", "line 2"),
        ("a.json", '{"data": 1}', "json", "nothing at 'items'"),
        ("a.parquet", "PAR1 no more", "parquet", "cannot be read as parquet"),
        ("a.arrow", "ARROW1 no more", "arrow", "no Arrow file"),
        ("a.zip", b"PK\x03\x04 no more", "csv", "cannot be unpacked"),
        ("a.gz", gzip.compress(b"x" * 1000, mtime=0)[:-9], "csv", "cannot be unpacked"),
        ("a.ndjson.gz", b"", "ndjson", "a.ndjson.gz cannot be unpacked: it has no byte"),
        ("a.zip", b"", "ndjson", "a.zip cannot be unpacked: it has no byte"),
        ("a.xls", "x", "xls", "allowed are csv, ndjson, json, parquet, arrow"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_named(bench, name, content, kind, said):
    more = {"json": {"data_selector": "items"}} if kind == "json" else {}
    with pytest.raises(SourceError, match=said):
        bench.ingest(files(bench.write(name, content), kind, **more))
    assert bench.etags() == {}


def test_files_that_are_not_there_are_named(bench, api):
    with pytest.raises(SourceError, match=r"no file matches .*nothing\.\*"):
        bench.ingest(files({"bucket_url": str(bench.folder), "file_glob": "nothing.*"}, "csv"))
    with pytest.raises(SourceError, match="does not exist"):
        bench.ingest(files({"bucket_url": str(bench.folder / "gone")}, "csv"))
    with pytest.raises(SourceError, match="404"):
        bench.ingest(files({"bucket_url": f"{api.url}a.csv"}, "csv"))
    api.answer = lambda _path, _asked, _number: (503, b"")
    with pytest.raises(SourceUnavailable, match="503"):
        bench.ingest(files({"bucket_url": f"{api.url}a.csv"}, "csv"))
    with pytest.raises(SourceError, match="cannot list"):
        bench.ingest(files({"bucket_url": api.url, "file_glob": "*.csv"}, "csv"))
    with pytest.raises(SourceError, match="ftp:// is not supported"):
        bench.ingest(files({"bucket_url": "ftp://host/a"}, "csv"))
