"""Objects that nothing loads for their names: set aside with a reason, once, and no longer than they lie there."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.common.db.ledger import BAD, FORGOTTEN
from lambdas.common.db.prove import EVER
from lambdas.common.lake import day_prefix, list_raw
from lambdas.process import slices, work
from lambdas.process.engine import Engine, open_engine
from lambdas.process.healing import missing_days
from lambdas.process.objects import Stager
from lambdas.process.plan import try_objects
from lambdas.process.reports import list_lake
from tests.process.forgetting import forget
from tests.process.test_load import DAY, NEXT, A, B, assert_equations_hold, row
from tests.process.test_prove import proof_of

NAMES = [
    "export.csv",
    "data_x.parquet.gz",
    "sub/folder/data_1.parquet",
    "data_ä.parquet",
    "DATA_1.PARQUET",
    "data_with a blank.parquet",
    "data_%20.parquet",
    "data_'quoted\"\\.parquet",
    "data_.parquet",
    "line\nbreak",
    "",
    "sub/",
]
UNDATED = ["foo.parquet", "2026/13/45/data_1.parquet", "2024-03-01/data_1.parquet"]
ABOVE = ["", "2024/", "2024/03/"]


def put(source, name: str, body: bytes | None = None) -> str:
    """Put a good object under that name in the day's folder; its key."""
    key = day_prefix("raw", source.contract.name, DAY) + name
    source.s3.put_object(Bucket=source.bucket, Key=key, Body=parquet() if body is None else body)
    return key


def parquet() -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([row("hidden")]), buffer)
    return buffer.getvalue()


def in_force(source) -> dict[str, dict]:
    return {e["raw_key"]: e for e in source.ledger()}


def set_aside(source) -> set[str]:
    return {key for key, entry in in_force(source).items() if entry["status"] == BAD}


@pytest.fixture
def asked(keyed):
    """What S3 is asked for, by operation."""
    found: dict[str, list[dict]] = {"ListObjectsV2": [], "GetObject": []}
    events = keyed.s3.meta.events
    for name, calls in found.items():
        events.register(
            f"before-parameter-build.s3.{name}", lambda params, calls=calls, **_: calls.append(params), name
        )
    yield found
    for name in found:
        events.unregister(f"before-parameter-build.s3.{name}", unique_id=name)


def test_each_is_set_aside_once_with_what_to_do_and_the_others_load(keyed):
    keys = {put(keyed, name) for name in NAMES}
    keyed.put(DAY, B, [row("b")])
    summary = keyed.load(DAY)
    assert (summary.objects, summary.bad, summary.rows_accepted) == (len(NAMES) + 1, len(NAMES), 1)
    assert set_aside(keyed) == keys
    for key, entry in in_force(keyed).items():
        if key.endswith("/"):
            assert entry["reason"].startswith("a folder marker, as consoles make them: it holds no rows")
        elif key in keys:
            assert "expected raw/<source>/YYYY/MM/DD/data_<name>.parquet" in entry["reason"]
            assert "scripts/data_ingest.py SOURCE --file PATH" in entry["reason"]
    assert keyed.rows() == [("b", 1, 1)]
    assert keyed.load(DAY).skipped == len(NAMES) + 1
    assert len(keyed.ledger()) == len(NAMES) + 1
    assert_equations_hold(keyed)
    proof = proof_of(keyed)
    assert (proof.findings, proof.pending, proof.gone, proof.lapsed, proof.undated) == ((), (), (), (), ())


def test_new_content_is_recorded_anew_and_a_rebuild_too(keyed):
    key = put(keyed, "export.csv", b"a")
    keyed.load(DAY)
    put(keyed, "export.csv", b"b")
    assert (keyed.load(DAY).bad, len(keyed.ledger())) == (1, 2)
    assert set_aside(keyed) == {key}


def test_key_of_the_greatest_length_fits_into_the_ledger(keyed):
    prefix = day_prefix("raw", keyed.contract.name, DAY)
    rest = 1024 - len(prefix.encode())
    keys = {put(keyed, "x" * rest), put(keyed, "ä" * (rest // 2))}
    assert max(len(key.encode()) for key in keys) == 1024
    assert keyed.load(DAY).bad == 2
    assert set_aside(keyed) == keys


def test_nothing_of_one_is_read_however_large_and_no_more_is_listed_than_without(keyed, asked, monkeypatch):
    keyed.put(DAY, A, [row("a")])
    keyed.load(DAY)
    calls = len(asked["ListObjectsV2"])
    monkeypatch.setattr(slices, "SLICE_BYTES", 4)
    put(keyed, "export.csv", b"more than a slice has")
    asked["ListObjectsV2"].clear()
    asked["GetObject"].clear()
    assert keyed.load(DAY).bad == 1
    assert asked["GetObject"] == []
    assert len(asked["ListObjectsV2"]) == calls


def test_they_are_found_in_ranges_of_days_months_and_years(keyed):
    keys = {put(keyed, name) for name in NAMES[:3]}
    keyed.put(NEXT, "20240302T000000000000Z", [row("c", at="2024-03-02T10:00:00Z")])
    for days in (2, 30, 400):
        end = DAY.fromordinal(DAY.toordinal() + days)
        found = list_raw(keyed.s3, keyed.bucket, keyed.contract.name, DAY, end)
        assert len(found) == 4
        assert keys < {item.key for item in found}


@pytest.mark.parametrize("body", [b"PAR1 cut off", None], ids=["truncated", "misnamed"])
def test_what_was_set_aside_and_has_gone_is_withdrawn_by_the_next_load_and_heeded_until_then(keyed, body):
    key = keyed.put_bytes(DAY, A, body) if body else put(keyed, "export.csv")
    keyed.load(DAY)
    keyed.s3.delete_object(Bucket=keyed.bucket, Key=key)
    proof = proof_of(keyed)
    assert (proof.gone, proof.pending, proof.lapsed) == ((), (), (key,)), "no rows of it stay anywhere"
    assert missing_days(proof) == [f"{DAY}/{DAY}"], "healing asks for the load that withdraws it"
    assert keyed.load(DAY).objects == 0
    assert in_force(keyed)[key]["status"] == FORGOTTEN
    assert "lies under raw/ no more" in in_force(keyed)[key]["reason"]
    assert proof_of(keyed).lapsed == ()
    count = len(keyed.ledger())
    keyed.load(DAY)
    assert len(keyed.ledger()) == count, "it is withdrawn once"
    keyed.s3.put_object(Bucket=keyed.bucket, Key=key, Body=body or parquet())
    assert keyed.load(DAY).bad == 1, "it lies there again"


def test_what_lies_there_again_under_the_lock_is_not_withdrawn(keyed, monkeypatch):
    key = put(keyed, "export.csv")
    keyed.load(DAY)
    monkeypatch.setattr(work, "list_raw", lambda *_: [])
    keyed.load(DAY)
    assert in_force(keyed)[key]["status"] == BAD
    assert len(keyed.ledger()) == 1


def test_loaded_object_that_has_gone_is_not_withdrawn(keyed):
    key = keyed.put(DAY, A, [row("a")])
    keyed.load(DAY)
    keyed.s3.delete_object(Bucket=keyed.bucket, Key=key)
    keyed.load(DAY)
    assert (proof_of(keyed).gone, keyed.rows()) == ((key,), [("a", 1, 1)])


def test_what_lies_in_no_day_is_told_by_the_proof_and_folders_above_the_days_are_nothing(keyed):
    name, keys = keyed.contract.name, []
    for rest in (*UNDATED, *ABOVE):
        keys.append(f"raw/{name}/{rest}")
        keyed.s3.put_object(Bucket=keyed.bucket, Key=keys[-1], Body=b"")
    keyed.put(DAY, A, [row("a")])
    assert keyed.load(DAY).objects == 1
    proof = proof_of(keyed)
    assert (proof.findings, proof.pending) == ((), ())
    assert set(proof.undated) == set(keys[: len(UNDATED)])
    of_days = list_lake(keyed.s3, keyed.bucket, name, (DAY, NEXT))
    assert of_days.undated == ()
    assert set(list_lake(keyed.s3, keyed.bucket, name, EVER).undated) == set(proof.undated)


def test_plan_says_what_a_load_sets_aside(keyed, tmp_path):
    put(keyed, "export.csv")
    listed = list_raw(keyed.s3, keyed.bucket, keyed.contract.name, DAY, NEXT)
    with open_engine(tmp_path) as connection:
        engine = Engine(connection, keyed.contract)
        tried = try_objects(Stager(keyed.s3, keyed.bucket, keyed.contract, engine, tmp_path), listed, float("inf"))
    [remark] = tried.remarks()
    assert (remark["status"], remark["raw_key"]) == (BAD, listed[0].key)
    assert remark["reason"].startswith("its name breaks the pattern")


def test_one_is_forgotten_like_any_object_and_named_where_a_key_is_searched(keyed, caplog):
    key = put(keyed, "export.csv")
    marker = put(keyed, "")
    keyed.load(DAY)
    assert forget(keyed, id="hidden").unreadable == 1, "it may hold rows of the key; a folder holds none"
    assert f"{key} was not searched" in caplog.text
    assert forget(keyed, key).versions == 1
    assert in_force(keyed)[key]["status"] == FORGOTTEN
    assert forget(keyed, id="hidden").unreadable == 0
    assert [item.key for item in list_raw(keyed.s3, keyed.bucket, keyed.contract.name, DAY, NEXT)] == [marker]
