"""A disk that is full: an object that had all of it is set aside, one that others left no room for is not."""

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.common.lake import list_objects, raw_key
from lambdas.process.ranges import plan_ranges
from tests.cloud import PROJECT
from tests.process.slicing import BUCKET, parquet, rows_with
from tests.process.slicing import s3 as s3
from tests.process.test_large_object import CONTRACT, DAY

ALONE = ("unshare", "-rm")
KEPT = CONTRACT.replace("varchar(64)", "varchar(65535)").replace("left(payload, 64)", "payload")


def packed(megabytes: int, group: int = 1 << 30) -> bytes:
    """Texts that zstd packs to a fraction and snappy does not: what repeats lies further back than snappy looks."""
    made, rows = np.random.default_rng(1).integers(97, 123, (200, 1000), dtype="u1"), megabytes * 1000
    texts = [f"{n} {made[n % 200].tobytes().decode()}" for n in range(rows)]
    numbers, times = list(range(rows)), ["2024-03-01T10:00:00Z"] * rows
    table = pa.table({"id": numbers, "at": times, "n": [n % 99 for n in numbers], "payload": texts})
    target = io.BytesIO()
    pq.write_table(table, target, compression="zstd", use_dictionary=False, row_group_size=group)
    return target.getvalue()


def verdicts(told: list[list]) -> list[tuple]:
    """What plan and load have in common: of a full disk not where in a file it was noticed; of slices not the rows."""
    return [(status, None if status == "WorkspaceFull" else reason) for status, _, reason in told]


@pytest.fixture
def staged(s3, tmp_path: Path):
    """What becomes of these objects on a disk of 40 MB, which is what a plan says of them."""
    if not shutil.which("unshare") or subprocess.run([*ALONE, "true"], check=False).returncode:
        pytest.skip("no mount of one's own may be made here")
    (tmp_path / "packed").mkdir()
    path = tmp_path / "packed" / "contract.yaml"
    path.write_text(KEPT.format(name="packed"))

    def stage(*bodies: bytes, filled: int = 0, large: int = 1 << 30):
        for number, body in enumerate(bodies):
            s3.put_object(Bucket=BUCKET, Key=raw_key("packed", DAY, f"2024010{number}"), Body=body)
        given = [s3.meta.endpoint_url, BUCKET, "raw/packed/", str(path), str(filled), str(large)]
        command = [*ALONE, sys.executable, "-m", "tests.process.small_disk", *given]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        planned, told = json.loads(done.stdout.splitlines()[-1])
        assert verdicts(planned) == verdicts(told)
        return told

    yield stage
    for item in list_objects(s3, BUCKET, "raw/packed/"):
        s3.delete_object(Bucket=BUCKET, Key=item.key)


@pytest.mark.long
@pytest.mark.parametrize("large", [1 << 30, 1], ids=["taken whole", "in slices"])
def test_object_that_the_whole_disk_does_not_hold_is_set_aside_and_the_others_load(staged, large):
    first, second, third = staged(packed(1), packed(60), packed(2), large=large)
    assert (first[0], second[0], third[0]) == ("loaded", "bad", "loaded")
    assert (first[1], third[1]) == (1000, 2000)
    assert second[2].startswith("its rows take more than the 41,943,040 bytes of disk")
    assert "ProcessStorage" in second[2]


@pytest.mark.long
def test_disk_that_others_fill_sets_nothing_aside(staged):
    told = staged(packed(1), packed(30), filled=20 << 20)
    assert [status for status, *_ in told] == ["loaded", "WorkspaceFull"]


@pytest.mark.long
def test_objects_that_fit_alone_load_although_they_do_not_together(staged):
    told = staged(*[packed(24)] * 3)
    assert [(status, rows) for status, rows, _ in told] == [("loaded", 24_000)] * 3


@pytest.mark.long
def test_large_object_of_small_row_groups_is_taken_in_slices_that_fit_unpacked(staged):
    body = packed(60, group=5000)
    [[status, rows, _]] = staged(body, large=len(body) - 1)
    assert (status, rows) == ("loaded", 60_000)


def test_range_of_several_row_groups_takes_its_share_of_the_disk_unpacked():
    metadata = pq.read_metadata(io.BytesIO(parquet(rows_with())))
    size = metadata.row_group(0).total_byte_size
    for disk, ranges in ((1 << 30, 1), (size * 7, 5), (1, 10)):
        found = plan_ranges(metadata, 1 << 30, disk)
        assert len(found) == ranges
        assert (found[0].first, found[-1].end) == (0, metadata.num_rows)
