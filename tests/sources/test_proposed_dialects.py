"""How a file is written is found out, and said in defs.yaml: what ingest reads by it are the very rows."""

import datetime as dt
import gzip
import io
import json
import sqlite3
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from lambdas.common.contract.check import check_source
from lambdas.common.errors import RequestError
from lambdas.common.propose import propose, read_sample

FIRST = dt.date(2024, 1, 1)
ROWS = [{"id": f"a{n}", "at": dt.date(2024, 1, n), "v": n} for n in (1, 2, 3)]
LINES = "a1{0}2024-01-01{0}1{1}\na2{0}2024-01-02{0}2{1}\na3{0}2024-01-03{0}3{1}\n"
PLAIN = "id,at,v\n" + LINES.format(",", "")
# the file; csv in defs.yaml; words of what is said; the rows, where they are others
FILES = {
    "Excel's separator": ("sep=;\r\nid;at;v\r\n" + LINES.format(";", "").replace("\n", "\r\n"),
                          {"delimiter": ";", "skip": 1}, "passed over (csv.skip: 1): 'sep=;'"),
    "a delimiter at the end of all lines": ("id|at|v|\n" + LINES.format("|", "|"), {"delimiter": "|"}, "column3"),
    "a delimiter at the end of rows": ("id,at,v\n" + LINES.format(",", ","), {"ragged": True}, "one more column"),
    "a header with a name less": ("at,v\n" + LINES.format(",", ""), {"names": ["row", "at", "v"], "skip": 1},
                                  "the first is called row",
                                  [{"row": row["id"], "at": row["at"], "v": row["v"]} for row in ROWS]),
    "comments": ("# of 2024, by x\nid,at,v\n" + LINES.format(",", "").replace("a2", "# it's\na2"),
                 {"comment": "#"}, ""),
    "a header with a sign": ("#id,at,v\n" + LINES.format(",", ""), None, ""),
    "a footer": (PLAIN + "Total: 3\n", {"ragged": True}, "the last line, 'Total: 3', has another length"),
    "lines before": ("Report, 2024\n\nid;at;v\n" + LINES.format(";", ""), {"delimiter": ";", "skip": 2},
                     "'Report, 2024'"),
    "single quotes": ("'id','at','v'\n'a,1','2024-01-01','1'\n", {"quote": "'", "escape": "'"}, "",
                      [{"id": "a,1", "at": FIRST, "v": 1}]),
    "backslashes": ('id,at,v\n"a \\"1\\", x",2024-01-01,1\n"y",2024-01-02,2\n', {"escape": "\\"}, "",
                    [{"id": 'a "1", x', "at": FIRST, "v": 1}, {**ROWS[1], "id": "y"}]),
    "a sign seldom used": ("id^at^v\n" + LINES.format("^", ""), {"delimiter": "^"}, ""),
    "blanks": ("id, at, v\na1, 01.01.2024, 1\na2, 02.01.2024, 2\na3, 03.01.2024, 3\n", None,
               "at: has blanks around its values"),
    "years as names": ("at,2019,2020\n2024-01-01,1,2\n", None, "", [{"at": FIRST, "c_2019": 1, "c_2020": 2}]),
    "numbers without names": ("1,2024-01-01,x\n", {"names": ["column1", "column2", "column3"]}, "looks like data",
                              [{"column1": 1, "column2": FIRST, "column3": "x"}]),
    "UTF-16 without a mark": (PLAIN.encode("utf-16-le"), {"encoding": "utf-16-le"}, ""),
    "UTF-16": (PLAIN.encode("utf-16"), {"encoding": "utf-16"}, ""),
    "UTF-32": (PLAIN.encode("utf-32"), {"encoding": "utf-32"}, ""),
    "several parts of gzip": (gzip.compress(b"id,at,v\n") + gzip.compress(LINES.format(",", "").encode()), None, ""),
    "one long name": ("id,at,v," + "x" * 150 + "\n" + LINES.format(",", ",NO"), None,
                      "has 'NO' alone: if that is a yes or no", [{**row, "x" * 56: "NO"} for row in ROWS]),
}  # fmt: skip
QUICK = ("comments", "a delimiter at the end of rows", "Excel's separator")


def write(folder, content):
    """The proposal for a file of that content, and the folder with its two files."""
    (folder / "sample").write_bytes(content.encode() if isinstance(content, str) else content)
    proposal = propose("things", read_sample(str(folder / "sample")))
    target = folder / "assets" / "sources" / "things"
    target.mkdir(parents=True)
    (target / "contract.yaml").write_text(proposal.contract)
    (target / "defs.yaml").write_text(proposal.defs)
    return proposal, target


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.long]) for n in FILES])
def test_how_a_file_is_written_is_found_and_said(pipeline, tmp_path, name):
    content, dialect, said, *rows = FILES[name]
    proposal, target = write(tmp_path, content)
    assert yaml.safe_load(proposal.defs)["attributes"]["extract"]["filesystem"].get("csv") == dialect
    assert said in "\n".join(proposal.unsure)
    assert check_source(target) == []
    expected = rows[0] if rows else ROWS
    done = pipeline.run_folder(target, {})
    assert [{key: row[key] for key in expected[0]} for row in done.accepted] == expected
    assert len(done.rejected) == proposal.rejected == (name == "a footer")


def workbook():
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return body.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\n <!DOCTYPE html><html>404</html>", "is an HTML page; known are CSV"),
        (b"<?xml version='1.0'?>", "is XML or HTML"),
        (b"%PDF-1.4\nid,at", "is a PDF"),
        (workbook(), "is an Excel workbook, of which the sheet has to be saved as CSV"),
        (b"\x28\xb5\x2f\xfd\x04", "is packed by Zstandard"),
        (gzip.compress(b"a.csv".ljust(257, b"\x00") + b"ustar", mtime=0), "is a tar archive"),
        (b"FEA1....", "is a Feather file of version 1"),
        (json.dumps([{"id": 1}]).encode("utf-16"), "JSON has to be UTF-8"),
    ],
)
def test_what_ingest_does_not_read_is_named(tmp_path, content, said):
    (tmp_path / "sample").write_bytes(content)
    with pytest.raises(RequestError, match=said):
        read_sample(str(tmp_path / "sample"))


def test_odd_texts_and_keys_of_json_are_kept_and_make_no_column(pipeline, tmp_path):
    lines = ['{"id": 1, "at": "2024-01-01", "half": "\\ud800x", "o": {"": 1, "a": 2}, "note": "2024-01-01 or so"}',
             '{"id": 2, "at": "2024-01-02", "half": "x", "note": "2024-01-02"}']  # fmt: skip
    _, target = write(tmp_path, "\n".join(lines))
    done = pipeline.run_folder(target, {})
    assert done.values("half") == ["\ufffdx", "x"]
    assert json.loads(done.values("o")[0]) == {"": 1, "a": 2}
    assert done.values("note") == ["2024-01-01 or so", "2024-01-02"]


def test_rows_that_are_rejected_are_not_before_the_first_day(pipeline, tmp_path):
    proposal, target = write(tmp_path, b"id,at,v\na1,2024-01-01,x\x00y\na2,2024-01-02,z\n")
    assert "of the sample 1 would be rejected (nul)" in "\n".join(proposal.unsure)
    assert yaml.safe_load(proposal.defs)["attributes"]["start"] == "2024-01-01"
    assert pipeline.run_folder(target, {}).reasons[0][:2] == ("v", "nul")


def test_types_of_parquet_that_duckdb_takes_otherwise_from_arrow_load(pipeline, tmp_path):
    table = pa.table({
        "at": pa.array([dt.datetime(2024, 1, 1)], pa.timestamp("us")),
        "half": pa.array([1.5], pa.float16()),
        "dictionary": pa.array(["a"]).dictionary_encode(),
        "event_time": [1_700_000_000_123_456],
        "seen_at": [1_700_000_000.5],
        "stamp_ts": [1_700_000_000_123_456_789],
    })  # fmt: skip
    body = io.BytesIO()
    pq.write_table(table, body)
    _, target = write(tmp_path, body.getvalue())
    (row,) = pipeline.run_folder(target, {}).accepted
    second = dt.datetime(2023, 11, 14, 22, 13, 20, tzinfo=dt.UTC)
    assert row == {
        "at": dt.datetime(2024, 1, 1, tzinfo=dt.UTC), "half": 1.5, "dictionary": "a",
        "event_time": second.replace(microsecond=123_456), "seen_at": second.replace(microsecond=500_000),
        "stamp_ts": second.replace(microsecond=123_456),
    }  # fmt: skip


def test_an_empty_text_is_a_value_where_the_source_knows_null(pipeline, tmp_path):
    lines = [{"id": 1, "at": "2024-01-01", "v": ""}, {"id": 2, "at": "2024-01-02"}]
    _, target = write(tmp_path, "\n".join(map(json.dumps, lines)))
    assert pipeline.run_folder(target, {}).values("v") == ["", None]


def test_a_table_with_a_dot_in_its_name_loads(pipeline, tmp_path):
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.execute('CREATE TABLE "order.of ""x""" ("select" INTEGER PRIMARY KEY, at TEXT)')
    connection.executemany('INSERT INTO "order.of ""x""" VALUES (?, ?)', [(1, "2024-01-01"), (2, "2024-01-01")])
    connection.commit()
    connection.close()
    _, target = write(tmp_path, (tmp_path / "shop.db").read_bytes())
    assert pipeline.run_folder(target, {}).values("select_") == [1, 2]


def test_a_long_history_of_few_days_is_said_to_take_objects(tmp_path):
    proposal, _ = write(tmp_path, "at,n\n1969-01-01,1\n2024-01-01,2\n")
    assert "from 1969-01-01 to 2024-01-01 2 days have rows, and each of 20,088 gets an object" in "\n".join(
        proposal.unsure
    )


def test_a_line_that_cannot_be_broken_is_let_be_by_the_check_of_style(tmp_path):
    assert "yamllint" not in write(tmp_path, PLAIN)[0].contract
    (tmp_path / "long").mkdir()
    long, _ = write(tmp_path / "long", PLAIN.replace("v", "v" * 150))
    assert long.contract.startswith("# yamllint disable rule:line-length\n")


def test_what_parquet_cannot_hold_is_told(tmp_path):
    table = pa.table({"id": pa.array([1]), "span": pa.array([pa.MonthDayNano([1, 2, 3])])})
    with pa.OSFile(str(tmp_path / "sample"), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(RequestError, match="cannot be kept as Parquet, as raw objects are: .*month_day_nano_interval"):
        propose("things", read_sample(str(tmp_path / "sample")))
