"""Rows and row groups that fill the memory: they are worked on in less, or set their object aside with a reason."""

import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.common.contract import load_contract
from lambdas.common.errors import ObjectError
from lambdas.process import engine as engine_module
from lambdas.process import memory, transform
from lambdas.process.engine import Engine, open_engine
from lambdas.process.keys import KeyRows
from tests.cloud import Cloud
from tests.process.source import Source
from tests.process.test_large_object import CONTRACT, DAY, SLICE, call
from tests.process.test_large_object import house as house

WIDE, ROWS = 26_000, 21_000
TYPES = pa.schema([("id", pa.int64()), ("at", pa.string()), ("n", pa.int64()), ("payload", pa.string())])
# the texts themselves are kept, as far as one column of the warehouse takes them
KEPT = CONTRACT.replace("varchar(64)", "varchar(65535)").replace("left(payload, 64)", "left(payload, 30000)")


def write_wide(path: Path, rows: int, width: int) -> Any:
    """One row group of so many rows with a text of that width, which packs to a fraction; its metadata."""
    numbers, made = np.arange(rows), np.random.default_rng(1).integers(97, 123, (rows, 1000), dtype="u1")
    offsets = pa.py_buffer((np.arange(rows + 1, dtype="i4") * width).tobytes())
    texts = pa.StringArray.from_buffers(rows, offsets, pa.py_buffer(np.tile(made, width // 1000)))
    table = pa.table([numbers, ["2024-03-01T10:00:00Z"] * rows, numbers % 99, texts], schema=TYPES)
    pq.write_table(table, path, row_group_size=rows, compression="zstd", use_dictionary=False)
    metadata = pq.read_metadata(path)
    assert metadata.num_row_groups == 1
    return metadata


@pytest.fixture
def wide(tmp_path: Path):
    """An engine of a contract that keeps the texts, with so much memory and no more."""
    folder = tmp_path / "wide"
    folder.mkdir()
    (folder / "contract.yaml").write_text(KEPT.format(name="wide"))

    def split(raw: Path, megabytes: str) -> Any:
        with open_engine(tmp_path, megabytes) as connection:
            made = {"curated": tmp_path / "curated", "rejected": tmp_path / "rejected"}
            return Engine(connection, load_contract(folder / "contract.yaml")).split(raw, "k", DAY, **made)

    return split


def test_row_group_larger_than_memory_is_read_page_by_page(tmp_path, monkeypatch):
    monkeypatch.setattr(engine_module, "execute", lambda connection, sql: connection.execute(sql))
    numbers = np.random.default_rng(1).integers(0, 1 << 60, 8_000_000)
    pq.write_table(pa.table({"n": numbers}), tmp_path / "raw", row_group_size=len(numbers), use_dictionary=False)
    assert (tmp_path / "raw").stat().st_size > 50 << 20
    with open_engine(tmp_path, "50MB") as connection:
        Engine(connection, None).cut(tmp_path / "raw", 0, 5000, tmp_path / "cut")
    assert pq.read_metadata(tmp_path / "cut").num_rows == 5000


def test_rows_that_need_more_than_usual_get_most_of_the_memory_and_one_thread(tmp_path, wide, monkeypatch):
    write_wide(tmp_path / "raw", 2100, WIDE)
    monkeypatch.setattr(memory, "_most", lambda: 700)
    assert wide(tmp_path / "raw", "150MB").rows_accepted == 2100


def test_rows_too_wide_for_all_of_it_set_their_object_aside_and_say_what_to_do(tmp_path, wide, monkeypatch):
    write_wide(tmp_path / "raw", 2100, WIDE)
    monkeypatch.setattr(memory, "_most", lambda: 150)
    with pytest.raises(ObjectError, match=r"2,048 of them.* have about 5\d,\d{3},\d{3} bytes.*150 MB.*ProcessMemory"):
        wide(tmp_path / "raw", "150MB")


def test_most_of_the_memory_is_a_share_of_the_functions_and_never_less_than_usual(monkeypatch):
    assert memory._most() == 1228
    for given, most in (("10240", 6144), ("512", 700)):
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", given)
        assert memory._most() == most


def test_disk_that_is_too_small_to_spill_is_no_fault_of_the_rows(tmp_path):
    with open_engine(tmp_path, "30MB") as connection:
        connection.execute("SET max_temp_directory_size = '1MB'")
        with pytest.raises(duckdb.OutOfMemoryException) as caught:
            connection.execute("SELECT * FROM range(20000000) ORDER BY hash(range)").fetchall()
    assert not memory.is_too_small(caught.value)


def test_batch_of_a_transform_has_the_fewer_rows_the_wider_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(transform, "BATCH_BYTES", 1 << 20)
    write_wide(tmp_path / "raw", 1000, WIDE)
    sizes = [len(frame) for frame in transform._frames(tmp_path / "raw", 0)]
    assert (sum(sizes), max(sizes)) == (1000, (1 << 20) // (WIDE + 30))


@pytest.mark.long
def test_object_of_wide_rows_is_written_again_without_a_key(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_most", lambda: 400)
    write_wide(tmp_path / "raw", 60_000, 4000)
    (tmp_path / "wide").mkdir()
    keyed = KEPT.replace("unique: true", "primaryKey: true, primaryKeyPosition: 1")
    (tmp_path / "wide" / "contract.yaml").write_text(keyed.format(name="wide"))
    with open_engine(tmp_path, "400MB") as connection:
        rows = KeyRows(connection, load_contract(tmp_path / "wide" / "contract.yaml"), {"id": 7})
        assert rows.find(tmp_path / "raw") == [7]
        rows.write_without(tmp_path / "raw", [7], tmp_path / "clean")
    ids = pq.read_table(tmp_path / "clean", columns=["id"])["id"].to_pylist()
    assert ids == [number for number in range(60_000) if number != 7]


@pytest.mark.long
def test_wide_rows_in_row_groups_of_half_a_gigabyte_load_beside_what_is_too_wide(
    cloud: Cloud, house: Source, tmp_path: Path, record_property
):
    unpacked = write_wide(tmp_path / "wide.parquet", ROWS, WIDE).row_group(0).total_byte_size
    assert unpacked > 500 << 20
    assert (tmp_path / "wide.parquet").stat().st_size > SLICE, "it is taken in slices"
    write_wide(tmp_path / "wider.parquet", 2100, 600_000)
    good = house.put_bytes(DAY, "wide", (tmp_path / "wide.parquet").read_bytes())
    bad = house.put_bytes(DAY, "wider", (tmp_path / "wider.parquet").read_bytes())
    told = call(cloud, house, tmp_path)
    record_property("told", f"{told['seconds']:.0f} s, {told['memory'] >> 20} MB, {json.dumps(told['answer'])}")
    assert not told["answer"].get("remaining")
    assert (told["answer"]["rows_accepted"], told["answer"]["bad"]) == (ROWS, 1)
    entries = {e["raw_key"]: e for e in house.ledger()}
    assert (entries[good]["status"], entries[bad]["status"]) == ("loaded", "bad")
    assert entries[bad]["reason"].startswith("its rows are too wide")
    assert house.select("SELECT COUNT(*) AS n FROM {core}")[0]["n"] == ROWS
    assert told["memory"] < 1600 << 20
