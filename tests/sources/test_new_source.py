"""`analytics new-source`: what is proposed for a sample passes the check, and all of the sample loads by it."""

import datetime as dt
import gzip
import http.server
import json
import sqlite3
import threading
import zipfile
from decimal import Decimal

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
import yaml

from lambdas.common.contract import load_contract
from lambdas.common.contract.check import check_all
from lambdas.common.errors import RequestError
from lambdas.common.propose import propose, read_sample
from scripts.analytics import new_source
from scripts.analytics.__main__ import main

METERS = "Meter;Read at;kWh;Country;select\n007;01.02.2024 00:30;1.234,5;NA;x\n008;2024-02-01 12:00;n/a;DE;y\n"
NOISE = "Report\nby Müller\n\nGröße,Datum,Ja?\n" + "".join(f'{n},"{n:02}/01/2024",yes\n' for n in range(1, 14))
ORDERS = [
    {"id": n, "createdAt": f"2024-03-{n % 28 + 1:02}T10:00:00Z", "who": {"name": "Bö", "at": {"zip": "01234"}}, "n": n,
     "items": [{"sku": "a"}] * (n % 3), "paid": n % 2 == 0, "mixed": n if n % 2 else "z", "updated": 1709251200000 + n}
    for n in range(30)
]  # fmt: skip
TABLE = pa.table(
    {
        "Trip ID": pa.array([1, 2, 3], pa.int32()),
        "pickup": pa.array([dt.datetime(2024, 1, 1, hour) for hour in range(3)], pa.timestamp("us")),
        "fare": pa.array([Decimal("1.50")] * 3, pa.decimal128(9, 2)),
        "tags": [["a"], [], None],
        "loc": [{"x": 1.5, "y": 2.0}] * 3,
        "large": pa.array([2**64 - 1, 0, None], pa.uint64()),
    }
)


def make(folder, kind):
    """A sample of that kind; the path to give to new-source."""
    path = folder / f"sample of {kind}"
    if kind == "sqlite":
        connection = sqlite3.connect(path)
        connection.execute('CREATE TABLE "order" ("group" text, "when" text, qty int, price real)')
        rows = [(f"g{n % 3}", f"2024-01-{n + 1:02} 12:00:00", n, n * 1.1) for n in range(25)]
        connection.executemany('INSERT INTO "order" VALUES (?, ?, ?, ?)', rows)
        connection.commit()
        connection.close()
    elif kind == "parquet":
        pq.write_table(TABLE, path)
    elif kind == "arrow":
        feather.write_feather(TABLE, path)
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inner.csv", METERS)
    else:
        texts = {
            "meters": METERS.encode(),
            "bom": b"\xef\xbb\xbf" + METERS.encode(),
            "cp1252": NOISE.encode("cp1252"),
            "no header": b"".join(b"%d\t2024-01-0%d\tabc\n" % (n, n) for n in range(1, 9)),
            "no time": b"code,name,people\nDE,Germany,80\nNA,Namibia,2\nFR,France,NA\n",
            "array": json.dumps(ORDERS).encode(),
            "envelope": json.dumps({"next": "x", "data": {"rows": ORDERS}}).encode(),
            "ndjson gzip": gzip.compress("\n".join(json.dumps(order) for order in ORDERS).encode()),
        }
        path.write_bytes(texts[kind])
    return path


def write(folder, sample):
    proposal = propose("things", sample)
    target = folder / "assets" / "sources" / "things"
    target.mkdir(parents=True)
    (target / "contract.yaml").write_text(proposal.contract)
    (target / "defs.yaml").write_text(proposal.defs)
    return proposal, target


KINDS = {
    "meters": 2, "bom": 2, "cp1252": 13, "no header": 8, "no time": 3, "array": 30, "envelope": 30, "ndjson gzip": 30,
    "sqlite": 25, "parquet": 3, "arrow": 3, "zip": 2,
}  # fmt: skip


# one of each way to read stays quick
ALSO = ("bom", "array", "arrow", "zip", "ndjson gzip")
SAMPLES = [pytest.param(kind, marks=pytest.mark.long) if kind in ALSO else kind for kind in KINDS]


@pytest.mark.parametrize("kind", SAMPLES)
def test_all_of_a_sample_loads_by_what_is_proposed(pipeline, tmp_path, kind):
    proposal, target = write(tmp_path / "new", read_sample(str(make(tmp_path, kind))))
    assert check_all(target.parents[1]) == []
    done = pipeline.run_folder(target, {})
    assert (done.bad, done.drift, done.reasons, done.late) == ([], [], [], 0)
    assert (len(done.accepted), proposal.rows, proposal.rejected) == (KINDS[kind],) * 2 + (0,)
    first = yaml.safe_load(proposal.defs)["attributes"]["start"]
    assert min(done.days) == first


def proposed(tmp_path, kind):
    proposal, target = write(tmp_path / "new", read_sample(str(make(tmp_path, kind))))
    return load_contract(target / "contract.yaml"), "\n".join(proposal.unsure), proposal


def test_types_formats_and_null_words_are_proposed_and_what_is_unsure_is_said(tmp_path):
    contract, unsure, _ = proposed(tmp_path, "meters")
    assert {c.name: c.physical_type for c in contract.columns} == {
        "meter": "varchar(16)", "read_at": "timestamp", "kwh": "decimal(18,2)", "country": "varchar(16)",
        "select_": "varchar(16)",
    }  # fmt: skip
    assert contract.event_time.reading.format == "[dd.MM.yyyy HH:mm][yyyy-MM-dd HH:mm]"
    kwh = contract.column("kwh")
    assert (kwh.reading.decimal_separator, kwh.reading.thousands_separator) == (",", ".")
    assert contract.null_words == ("n/a",)
    assert "country: 'NA' stays a text" in unsure
    assert "read_at: has times without an offset" in unsure
    assert "no key" in unsure


def test_records_get_a_key_a_version_and_columns_for_their_objects(tmp_path):
    contract, unsure, proposal = proposed(tmp_path, "envelope")
    assert (contract.key, contract.event_time.name, contract.version_column) == (("id",), "created_at", "updated")
    assert contract.column("who_at_zip").physical_type == "varchar(16)"
    assert contract.column("items").physical_type == "super"
    assert contract.column("mixed").physical_type == "varchar(16)"
    assert "counts milliseconds since 1970" in unsure
    assert "the envelope has next: there may be more pages" in unsure
    assert "# seen: 0 to 29; minimum and maximum make it a rule" in proposal.contract


@pytest.mark.parametrize(
    ("text", "told"),
    [("at,n\r\n2024-01-01,1\n2024-01-02,2\r\n", False), ('at,n\n"2024-01-01"x,1\n', True)],
)
def test_a_csv_that_ingest_refuses_is_not_promised_to_load(tmp_path, text, told):
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    notes = "\n".join(read_sample(str(path)).notes)
    assert ("line 2: signs that stand behind a closing quote" in notes, "ragged" in notes) == (told, False)
    path.write_bytes(b'at,n\n2024-01-01,1\n2024-01-02,"2\n')
    with pytest.raises(RequestError, match=r"a.csv: line 3: a quote does not end"):
        read_sample(str(path))


def test_the_data_of_a_zip_is_told_from_what_lies_beside_it(pipeline, tmp_path):
    path, line = tmp_path / "pack.zip", "at,n\n2024-01-0{n},{n}\n"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("README.txt", "__MACOSX/._a.csv", "d/a.csv", "d/b.csv"):
            archive.writestr(name, line.format(n=1 + name.count("b")) if name[0] == "d" else "read me\n")
    proposal, target = write(tmp_path / "new", read_sample(str(path)))
    assert "reads *.csv, and passes over README.txt (members)" in "\n".join(proposal.unsure)
    assert check_all(target.parents[1]) == []
    assert [row["n"] for row in pipeline.run_folder(target, {}).accepted] == [1, 2]


def test_keys_that_differ_in_case_alone_are_refused_as_ingest_does(tmp_path):
    path = tmp_path / "a.ndjson"
    path.write_text('{"at": "2024-01-01", "Val": 1}\n{"at": "2024-01-01", "val": 2}\n')
    with pytest.raises(RequestError, match=r"two keys 'Val' and 'val' differ in case alone, and ingest refuses"):
        read_sample(str(path))


def test_an_empty_key_is_proposed_by_the_name_that_ingest_gives_it(pipeline, tmp_path):
    path = tmp_path / "a.ndjson"
    path.write_text('{"at": "2024-01-01", "": 7}\n{"at": "2024-01-02", "": 8}\n')
    _, target = write(tmp_path / "new", read_sample(str(path)))
    assert [row["column0"] for row in pipeline.run_folder(target, {}).accepted] == [7, 8]


def test_decimals_of_more_digits_than_redshift_holds_are_told(tmp_path):
    path, wide = tmp_path / "a.parquet", pa.array([Decimal("0.5")], pa.decimal256(50, 1))
    pq.write_table(pa.table({"at": pa.array([dt.date(2024, 1, 1)]), "wide": wide}), path)
    assert "wide: decimals of more than 38 digits, kept as texts" in "\n".join(
        propose("things", read_sample(str(path))).unsure
    )
    pq.write_table(pa.table({"in_list": pa.array([[Decimal(1)]], pa.list_(pa.decimal256(50, 0)))}), path)
    with pytest.raises(RequestError, match="in_list holds decimals of more than 38 digits in a list"):
        read_sample(str(path))


def test_binary_that_is_no_text_is_proposed_as_hexadecimal_digits(pipeline, tmp_path):
    path, days = tmp_path / "a.parquet", pa.array([dt.date(2024, 1, 1)] * 3)
    columns = {"at": days, "mark": [b"\xff\x00", b"A\xe9", None], "name": [b"a", "é".encode(), b""]}
    pq.write_table(pa.table(columns), path)
    proposal, target = write(tmp_path / "new", read_sample(str(path)))
    assert proposal.rejected == 0
    assert "mark: is binary that is no UTF-8 text, and is made hexadecimal digits" in "\n".join(proposal.unsure)
    assert "name: is binary" not in "\n".join(proposal.unsure)
    rows = pipeline.run_folder(target, {}).accepted
    assert sorted((row["mark"] or "", row["name"]) for row in rows) == [("", ""), ("41e9", "é"), ("ff00", "a")]


def test_a_duration_is_proposed_as_the_number_that_ingest_keeps_and_its_unit_is_told(pipeline, tmp_path):
    for unit, word in (("ms", "milliseconds"), ("us", "microseconds")):
        path = tmp_path / f"{unit}.parquet"
        took = pa.array([dt.timedelta(seconds=2, milliseconds=5)], pa.duration(unit))
        pq.write_table(pa.table({"at": pa.array([dt.date(2024, 1, 1)]), "took": took}), path)
        proposal, target = write(tmp_path / f"new {unit}", read_sample(str(path)))
        assert f"took: a duration, kept as its number of {word}" in proposal.unsure
        assert pipeline.run_folder(target, {}).accepted[0]["took"] == took.cast(pa.int64())[0].as_py()


def test_a_code_that_reads_like_no_value_stays_a_code(tmp_path):
    contract, unsure, _ = proposed(tmp_path, "no time")
    assert contract.words_of("code") == ()
    assert contract.words_of("people") == ("NA",)
    assert "no column holds a time" in unsure


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"a,b\n", "has no rows"),
        (b",".join(b"c%d" % n for n in range(1_598)) + b"\n" + b"1," * 1_597 + b"1\n", "a table has at most 1,597"),
        (b"[1, 2]", "record 1 is no object but int"),
        (b'{"a": 1}\n{"a": ', "line 2: neither JSON nor NDJSON"),
        (b"PAR1 and no more", "begins as Parquet and cannot be read"),
        (b"\x1f\x8bxx", "cannot be unpacked"),
        (b"\x81\x8d\x8f\x90\x00\x01", "neither UTF-8, UTF-16 nor cp1252"),
    ],
)
def test_a_sample_that_cannot_be_read_is_told_why(tmp_path, content, said):
    (tmp_path / "sample").write_bytes(content)
    with pytest.raises(RequestError, match=said):
        propose("things", read_sample(str(tmp_path / "sample")))


@pytest.fixture
def assets(tmp_path, monkeypatch):
    (tmp_path / "assets" / "sources").mkdir(parents=True)
    monkeypatch.setattr(new_source, "assets_folder", lambda: tmp_path / "assets")
    return tmp_path / "assets"


def test_the_command_writes_both_files_once(assets, tmp_path, capsys):
    path = make(tmp_path, "meters")
    assert main(["new-source", "meters", str(path)]) == 0
    said = capsys.readouterr().out
    assert "assets/sources/meters/contract.yaml and defs.yaml are written, from 2 rows" in said
    assert "data_ingest.py meters" in said
    before = (assets / "sources" / "meters" / "contract.yaml").read_text()
    assert main(["new-source", "meters", str(path)]) == 2
    assert "exists already; nothing was written" in capsys.readouterr().err
    assert (assets / "sources" / "meters" / "contract.yaml").read_text() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Meters", "x.csv"], "it must match [a-z]"),
        (["meters", "no such.csv"], "is no file"),
        (["meters", "postgresql://u@h/d"], "for others write the two files by hand"),
        (["meters", "http://127.0.0.1:9/x"], "GET http://127.0.0.1:9/x"),
        (["meters"], "required: FROM"),
    ],
)
def test_wrong_arguments_write_nothing(assets, arguments, said, capsys):
    try:
        status = main(["new-source", *arguments])
    except SystemExit as stop:
        status = stop.code
    assert status == 2
    assert said in capsys.readouterr().err
    assert list((assets / "sources").iterdir()) == []


def test_an_answer_over_http_loads(pipeline, tmp_path):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({"results": ORDERS, "page": "all"}).encode()
            self.send_response(200 if self.path == "/orders?all=1" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/orders"
        with pytest.raises(RequestError, match="answered 404"):
            read_sample(url)
        proposal, target = write(tmp_path / "new", read_sample(f"{url}?all=1"))
        done = pipeline.run_folder(target, {})
    finally:
        server.shutdown()
        server.server_close()
    assert (len(done.accepted), done.reasons) == (30, [])
    assert "rest_api" in "\n".join(proposal.unsure)
