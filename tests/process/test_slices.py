"""Large objects in slices: what they leave is what the same object leaves when it is taken whole."""

import io
import re
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.common.contract import load_contract
from lambdas.common.db.prove import Lake, _prove_files
from lambdas.common.lake import RawObject, list_objects, raw_key
from lambdas.process import former, ranges, slices, work
from lambdas.process.engine import Engine, open_engine
from lambdas.process.objects import Stager
from lambdas.process.plan import Tried, try_objects
from tests.process.forgetting import forgetter
from tests.process.slicing import BUCKET, GROUP, ROWS, SCRIPT, parquet, rows_with
from tests.process.slicing import s3 as s3
from tests.process.slicing import stage as stage
from tests.process.test_load import DAY, A, assert_equations_hold


@pytest.mark.parametrize("script", ["", SCRIPT], ids=["plain", "with transform.py"])
def test_slices_leave_what_the_whole_object_leaves(stage, tmp_path, script: str):
    body = parquet(rows_with(id={0: None, 120: "k3", 121: "k121", 499: "k120", 260: "k3"}, at={77: "no time"}))
    whole, _ = stage(body, "whole", sliced=False, script=script)
    parts, _ = stage(body, "parts", sliced=True, script=script)
    assert len(parts.staged.files) > 5
    assert parts.counts == whole.counts
    assert parts.accepted() == whole.accepted()
    assert sorted(parts.rejected(tmp_path), key=str) == sorted(whole.rejected(tmp_path), key=str)
    assert parts.rejected(tmp_path), "nothing was rejected: nothing is shown"


def test_calls_go_on_where_the_last_one_stopped(stage, tmp_path):
    body = parquet(rows_with(id={120: "k3", 499: "k120"}))
    whole, _ = stage(body, "whole", sliced=False)
    parts, calls = stage(body, "parts", sliced=True, calls=11)
    assert [(c.taken, c.slices) for c in calls] == [(0, n) for n in range(1, 11)] + [(1, 0)]
    assert parts.counts == whole.counts
    assert parts.accepted() == whole.accepted()
    assert parts.rejected(tmp_path) == whole.rejected(tmp_path)


@pytest.mark.long
def test_slices_of_another_size_do_not_hold_the_object_up(stage):
    body = parquet(rows_with())
    stage(body, "parts", sliced=True, slice_bytes=2500)
    parts, calls = stage(body, "parts", sliced=True, calls=11)
    assert [(c.taken, c.slices) for c in calls] == [(0, n) for n in range(1, 11)] + [(1, 0)]
    assert parts.counts[1] == ROWS


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"limit": 0.05}, r"of 500 rows are rejected, more than maxRejectedRatio 0.05"),
        ({"enough": 600}, r"^\[rule\] quality rule 'enough': the query gives 451"),
    ],
    ids=["too many rejected", "a rule over the object"],
)
def test_object_that_its_contract_refuses_is_set_aside_as_a_whole(stage, options, reason: str):
    parts, _ = stage(parquet(rows_with()), "parts", sliced=True, **options)
    assert parts.staged.entry.status == "bad"
    assert (parts.staged.entry.rows_in, parts.staged.files) == (0, {})
    assert re.search(reason, parts.staged.entry.reason), parts.staged.entry.reason


@pytest.mark.parametrize("sliced", [True, False])
@pytest.mark.parametrize(("limit", "status"), [(0.036, "bad"), (0.04, "loaded")])
def test_rejected_rows_of_all_slices_are_held_against_the_limit(stage, sliced: bool, limit: float, status: str):
    spread = {number: 999 if number % 25 == 0 else 1 for number in range(ROWS)}  # 20 rows, 2 in each slice
    found, _ = stage(parquet(rows_with(n=spread)), "parts", sliced=sliced, limit=limit)
    assert found.staged.entry.status == status
    said = found.staged.entry.reason or ""
    assert bool(re.match(r"(19|20) of 500 rows are rejected, more than maxRejectedRatio 0.036", said)) == (
        status == "bad"
    )


@pytest.mark.parametrize("sliced", [True, False])
def test_decimals_that_would_be_rounded_set_an_object_aside(stage, sliced: bool):
    table = pa.Table.from_pylist(rows_with())
    for kind in (pa.decimal256(50, 2), pa.list_(pa.decimal256(50, 2))):
        target = io.BytesIO()
        wide = pa.nulls(table.num_rows, kind)
        pq.write_table(table.append_column("wide", wide), target, row_group_size=GROUP)
        found, _ = stage(target.getvalue(), "parts", sliced=sliced)
        assert (found.staged.entry.status, found.staged.files) == ("bad", {})
        assert found.staged.entry.reason.startswith("wide: decimals of more than 38 digits, which would be rounded")


@pytest.mark.parametrize("damage", ["cut off", "no parquet", "a page"])
def test_damaged_large_object_is_set_aside_with_its_reason(stage, damage: str):
    body = parquet(rows_with())
    broken = {
        "cut off": body[: len(body) // 2],
        "no parquet": b"x" * 5000,
        "a page": body[:3000] + b"\xff" * 500 + body[3500:],
    }[damage]
    parts, _ = stage(broken, "parts", sliced=True)
    assert parts.staged.entry.status == "bad"
    assert "Parquet" in parts.staged.entry.reason
    assert "large.raw" not in parts.staged.entry.reason


def test_object_that_changes_between_two_slices_is_left_for_the_next_listing(stage, s3, monkeypatch):
    original = slices.Slicer._take_one

    def overwrite_then_take(self, item: RawObject, *args: Any) -> Any:
        done = original(self, item, *args)
        s3.put_object(Bucket=BUCKET, Key=item.key, Body=parquet(rows_with()[1:]))
        return done

    monkeypatch.setattr(slices.Slicer, "_take_one", overwrite_then_take)
    _, [staging] = stage(parquet(rows_with()), "parts", sliced=True)
    assert (staging.staged, staging.taken) == ([], 1)


@pytest.mark.long
def test_object_that_outgrows_one_copy_is_set_aside_for_good_and_says_the_limit(stage, monkeypatch):
    whole, _ = stage(parquet(rows_with()), "parts", sliced=True)
    first, second, *_ = [size for _, size in sorted(whole.staged.files.items())]
    monkeypatch.setattr(slices, "MOST_BYTES", first + second)
    parts, calls = stage(parquet(rows_with(v={0: 7})), "parts", sliced=True, calls=4)
    assert [(c.taken, c.slices) for c in calls] == [(0, 1), (0, 2), (1, 0), (1, 0)]
    assert (parts.staged.entry.status, parts.staged.files) == ("bad", {})
    assert re.search(f"first 150 of 500 rows take .* may take {first + second:,}:", parts.staged.entry.reason)


def test_large_object_without_rows_proves_an_empty_day(stage):
    parts, _ = stage(parquet([]), "parts", sliced=True)
    assert parts.counts == ("loaded", 0, 0, 0, 0, None, None)


def test_remarks_in_any_script_fit_into_what_s3_keeps_beside_an_object(stage, s3):
    table = pq.read_table(io.BytesIO(parquet(rows_with())))
    for number in range(4):
        kind = pa.struct([(f"{'поле' * 8}{number}{part}", pa.string()) for part in range(6)])
        table = table.append_column(f"{'столбец' * 5}{number}", pa.nulls(ROWS, kind).fill_null({}))
    buffer = io.BytesIO()
    pq.write_table(table, buffer, row_group_size=200)
    parts, _ = stage(buffer.getvalue(), "parts", sliced=True)
    assert "столбец" in parts.staged.entry.reason
    for key in parts.staged.files:
        head = s3.head_object(Bucket=BUCKET, Key=key)
        assert sum(len(name) + len(value) for name, value in head["Metadata"].items()) < 1800


def test_slice_that_got_lost_is_found_by_the_proof(stage, s3):
    parts, _ = stage(parquet(rows_with()), "parts", sliced=True)
    entry = {**asdict(parts.staged.entry), "rejected_key": None}
    files = set(parts.staged.files)
    proved = [
        list(_prove_files({entry["raw_key"]: entry}, Lake({entry["raw_key"]: entry["etag"]}, there)))
        for there in (files, files - {min(files)}, files - {max(files)}, files - {sorted(files)[4]}, set())
    ]
    assert [len(found) for found in proved] == [0, 1, 1, 1, 1]


def test_tables_see_a_large_object_at_once_or_not_at_all(keyed, monkeypatch):
    monkeypatch.setattr(slices, "SLICE_BYTES", 1)
    monkeypatch.setattr(work, "TIME_TO_COMMIT", 1000)  # no second slice is begun in a call
    key = keyed.put_bytes(DAY, A, parquet([replace_number(r) for r in rows_with()], group=200))
    seen = []
    for _ in range(4):
        summary = keyed.load(DAY)
        seen.append((summary.slices, summary.remaining, len(keyed.rows())))
    assert seen == [(1, DAY, 0), (2, DAY, 0), (3, DAY, 0), (0, None, ROWS)]
    assert_equations_hold(keyed)
    assert keyed.load(DAY).skipped == 1
    [entry] = keyed.ledger()
    assert entry["curated_key"].endswith("/")
    assert forgetter(keyed).forget_object(key).rows == ROWS
    assert keyed.rows() == []
    assert not list(list_objects(keyed.s3, keyed.bucket, f"curated/{keyed.contract.name}/"))


def replace_number(found: dict[str, Any]) -> dict[str, Any]:
    """The row with a number that the scratch contract lets pass."""
    return {**found, "n": found["n"] % 100}


def test_row_group_that_is_too_large_is_set_aside_before_any_of_it_is_fetched(stage, s3, monkeypatch):
    body = parquet(rows_with())
    monkeypatch.setattr(ranges, "MOST_GROUP_BYTES", len(body) // 20)
    asked, event = [], "before-parameter-build.s3.GetObject"
    s3.meta.events.register(event, lambda params, **_: asked.append(params["Range"]), "ranges")
    parts, _ = stage(body, "parts", sliced=True, calls=2)
    s3.meta.events.unregister(event, unique_id="ranges")
    assert (parts.staged.entry.status, parts.staged.entry.rows_in) == ("bad", 0)
    reason = r"its rows 0 to 49 are one row group of [\d,]+ bytes, and [\d,]+ may be: .* smaller row groups"
    assert re.search(reason, parts.staged.entry.reason), parts.staged.entry.reason
    assert set(asked) == {f"bytes=0-{len(body) - 1}"}, "more than the footer was read"


@pytest.mark.parametrize(("disk", "taken"), [(100, True), (2, False)], ids=["suffices", "is too small"])
def test_row_group_has_to_fit_on_the_disk_with_what_is_made_of_it(stage, monkeypatch, disk: int, taken: bool):
    body = parquet(rows_with())
    monkeypatch.setattr(slices, "disk_usage", lambda _: SimpleNamespace(total=disk * len(body) // 20))
    parts, _ = stage(body, "parts", sliced=True)
    assert (parts.staged.entry.status == "loaded") is taken
    if not taken:
        assert "ProcessStorage" in parts.staged.entry.reason


@pytest.mark.long
def test_of_the_slices_before_the_unique_columns_alone_are_read(stage, s3, tmp_path, monkeypatch):
    body = parquet(rows_with(id={0: None, 120: "k3", 121: "k121", 499: "k120 ", 260: "k3", 261: "k3"}))
    whole, _ = stage(body, "whole", sliced=False, rules=False)
    monkeypatch.setattr(ranges, "TAIL", 8)
    asked, event = [], "before-parameter-build.s3.GetObject"
    s3.meta.events.register(event, lambda params, **_: asked.append((params["Key"], params["Range"])), "ranges")
    parts, _ = stage(body, "parts", sliced=True, rules=False, calls=11)
    s3.meta.events.unregister(event, unique_id="ranges")
    assert (parts.counts, parts.accepted()) == (whole.counts, whole.accepted())
    assert parts.rejected(tmp_path) == whole.rejected(tmp_path)
    key = min(parts.staged.files)
    group = pq.read_metadata(io.BytesIO(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())).row_group(0)
    chunks = {c.path_in_schema: c for c in (group.column(n) for n in range(group.num_columns))}
    read = [name for name, c in chunks.items() if any(k == key and covers(r, c.data_page_offset) for k, r in asked)]
    assert read == ["id"]


def covers(asked: str, place: int) -> bool:
    """Whether that range of an HTTP request holds the byte."""
    first, last = asked.removeprefix("bytes=").split("-")
    return int(first) <= place <= int(last)


@pytest.mark.parametrize("rules", [True, False], ids=["with rules", "unique alone"])
def test_rows_looked_at_together_that_the_disk_does_not_hold_set_the_object_aside(stage, monkeypatch, rules: bool):
    monkeypatch.setattr(former, "disk_usage", lambda _: SimpleNamespace(total=30_000))
    parts, _ = stage(parquet(rows_with()), "parts", sliced=True, rules=rules)
    assert (parts.staged.entry.status, parts.staged.files) == ("bad", {})
    reason = "^the unique values of id " + ("and the rule 'enough' look" if rules else "look")
    assert re.search(reason + r" at all rows .* first [\d,]+ take [\d,]+ bytes", parts.staged.entry.reason)


@pytest.fixture
def plan(s3, stage, tmp_path: Path):
    """What a plan says of an object that was put; whatever it looks at, it leaves no trace."""

    def run(body: bytes, **options: Any) -> Tried:
        stage(body, "parts", sliced=True, calls=1, **options)
        for item in [o for zone in ("curated", "rejected") for o in list_objects(s3, BUCKET, f"{zone}/parts/")]:
            s3.delete_object(Bucket=BUCKET, Key=item.key)
        with open_engine(tmp_path) as connection:
            contract = load_contract(tmp_path / "parts" / "contract.yaml")
            stager = Stager(s3, BUCKET, contract, Engine(connection, contract), tmp_path / "parts")
            found = try_objects(stager, list(list_objects(s3, BUCKET, "raw/parts/")), float("inf"))
        assert {path.name for path in (tmp_path / "parts").iterdir()} == {"contract.yaml"}
        assert not [o for zone in ("curated", "rejected") for o in list_objects(s3, BUCKET, f"{zone}/parts/")]
        return found

    return run


def test_plan_tries_the_first_slice_of_a_large_object_and_says_so(plan):
    tried = plan(parquet(rows_with(at={7: "no time"}, id={8: "k3", 60: "k4"})))
    assert (tried.total("rows_in"), tried.total("rows_accepted"), tried.total("rows_rejected")) == (50, 48, 2)
    assert dict(tried.reasons) == {("at", "cast"): 1, ("id", "unique"): 1}
    [remark] = tried.remarks()
    assert (remark["raw_key"], remark["status"]) == (raw_key("parts", DAY, A), "tried in part")
    assert re.fullmatch(
        r"[\d,]+ bytes: of its 500 rows the first 50 were tried; a load takes it in 10 slices", remark["reason"]
    )


def test_plan_says_what_sets_a_large_object_aside(plan):
    tried = plan(b"x" * 5000)
    assert [(r["status"], "Parquet" in r["reason"]) for r in tried.remarks()] == [("bad", True)]
    assert plan(parquet([])).remarks() == []
