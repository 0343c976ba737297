"""The files of UNLOAD: names, parts, folders, manifests, and what was there before."""

from __future__ import annotations

import bz2
import gzip
import io
import json
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.local_cloud.redshift.conftest import fails
from tests.local_cloud.redshift.lake import Bucket, Run, fill, unload


@pytest.fixture
def bucket(s3: Any) -> Bucket:
    return Bucket(s3)


@pytest.fixture
def table(run: Run, connection: Any) -> None:
    fill(run, connection)


NAMES = [
    ("", "0000_part_00"),
    ("parallel off", "000"),
    ("gzip", "0000_part_00.gz"),
    ("csv bzip2 parallel off", "000.bz2"),
    ("zstd parallel true", "0000_part_00.zst"),
    ("json", "0000_part_00.json"),
    ("csv gzip extension 'csv.gz'", "0000_part_00.csv.gz"),
    ("parquet parallel false", "000.parquet"),
]


@pytest.mark.usefixtures("table")
def test_names_of_files(run: Run, bucket: Bucket) -> None:
    for options, name in NAMES:
        run(unload(bucket, f"{options} cleanpath", name="prefix_"))
        assert bucket.names() == [f"prefix_{name}"], options


@pytest.mark.usefixtures("table")
def test_compressed_files_hold_the_text(run: Run, bucket: Bucket) -> None:
    for options, unpack in (("gzip", gzip.decompress), ("bzip2", bz2.decompress)):
        run(unload(bucket, f"{options} cleanpath", "select i2 from t order by i2"))
        (name,) = bucket.names()
        assert unpack(bucket.read(name)) == b"1\n2\n3\n"


@pytest.mark.usefixtures("table")
def test_a_verbose_manifest_tells_files_columns_and_totals(run: Run, bucket: Bucket) -> None:
    run(unload(bucket, "csv header manifest verbose", "select i2, v, n from t order by i2", name="t_"))
    manifest = json.loads(bucket.read("t_manifest"))
    size = len(bucket.read("t_0000_part_00"))
    assert manifest["entries"] == [
        {"url": f"{bucket.url}t_0000_part_00", "meta": {"content_length": size, "record_count": 4}}
    ]
    assert manifest["meta"] == {"content_length": size, "record_count": 4}
    assert manifest["schema"]["elements"] == [
        {"name": "i2", "type": {"base": "smallint"}},
        {"name": "v", "type": {"base": "character varying", "max_length": 20}},
        {"name": "n", "type": {"base": "numeric", "precision": 12, "scale": 2}},
    ]
    assert manifest["author"]["name"] == "Amazon Redshift"


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_partitions_become_folders(run: Run, bucket: Bucket, form: str) -> None:
    query = "select i2, d, case when i2 = 2 then 'a/b' else v end as v from t"
    run(unload(bucket, f"{form} partition by (d, v)", query))
    end = ".parquet" if form == "parquet" else ""
    assert bucket.names() == sorted(
        [
            f"d=1969-12-31/v=/0000_part_00{end}",
            f"d=2020-01-02/v=a|%22b%27%5C,é/0000_part_00{end}",
            f"d=__HIVE_DEFAULT_PARTITION__/v=a%2Fb/0000_part_00{end}",
        ]
    )
    name = f"d=__HIVE_DEFAULT_PARTITION__/v=a%2Fb/0000_part_00{end}"
    if form == "csv":
        assert bucket.read(name) == b"2\n"
    else:
        assert pq.ParquetFile(io.BytesIO(bucket.read(name))).schema_arrow.names == ["i2"]


@pytest.mark.usefixtures("table")
def test_partition_columns_stay_with_include(run: Run, bucket: Bucket) -> None:
    run(unload(bucket, "csv partition by (i2) include", "select v, i2 from t where i2 = 3", name="x"))
    assert bucket.names() == ["x/i2=3/0000_part_00"]
    assert bucket.read("x/i2=3/0000_part_00") == b",3\n"


@pytest.mark.usefixtures("table")
def test_files_that_exist_are_only_touched_when_told_so(run: Run, connection: Any, bucket: Bucket) -> None:
    bucket.put("old")
    bucket.put("0000_part_00", b"overwritten")
    error = fails(run, unload(bucket))
    assert error["M"].startswith("Specified unload destination on S3 is not empty. Consider using a different bucket")
    connection.rollback()
    run(unload(bucket, "allowoverwrite"))
    assert bucket.names() == ["0000_part_00", "old"]
    assert bucket.read("0000_part_00") != b"overwritten"
    run(unload(bucket, "cleanpath parallel off"))
    assert bucket.names() == ["000"]
    bucket.put("i2=3/old")
    bucket.put("i2=9/old")
    run(unload(bucket, "cleanpath partition by (i2)"))
    assert bucket.names() == ["000", "i2=1/0000_part_00", "i2=2/0000_part_00", "i2=3/0000_part_00", "i2=9/old"]


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(("options", "names"), [("parquet", []), ("json", []), ("csv header", ["0000_part_00"])])
def test_no_rows(run: Run, bucket: Bucket, options: str, names: list[str]) -> None:
    run(unload(bucket, f"{options} manifest", "select i2, v from t where i2 > 100"))
    assert bucket.names() == [*names, "manifest"]
    assert len(json.loads(bucket.read("manifest"))["entries"]) == len(names)
    if names:
        assert bucket.read(names[0]) == b"i2,v\n"


BIG = "select x.i2 + 10 * y.i2 as k, repeat('0123456789', 100) as v from {0} x, {0} y, {0} z, {0} a, {0} b, {0} c"


@pytest.fixture
def digits(run: Run) -> None:
    run("create temp table ten (i2 int)")
    run("insert into ten values (0),(1),(2),(3),(4)")


@pytest.mark.long
@pytest.mark.usefixtures("digits")
@pytest.mark.parametrize(("form", "slices"), [("csv", 2), ("csv parallel off", 1), ("parquet maxfilesize 5 mb", 2)])
def test_large_results_are_split_into_files(run: Run, bucket: Bucket, form: str, slices: int) -> None:
    size = "" if "max" in form else "maxfilesize as 5.5"
    run(unload(bucket, f"{form} {size}", BIG.format("ten")))
    names = bucket.names()
    assert len(names) > slices
    if slices == 2:
        assert {name[:10] for name in names} == {"0000_part_", "0001_part_"}
    else:
        assert names == [f"{number:03d}" for number in range(len(names))]
    if form.startswith("csv"):
        assert all(len(bucket.read(name)) <= 5.5 * (1 << 20) for name in names)
        assert sum(bucket.read(name).count(b"\n") for name in names) == 5**6
    else:
        assert sum(pq.ParquetFile(io.BytesIO(bucket.read(name))).metadata.num_rows for name in names) == 5**6


@pytest.mark.long
@pytest.mark.usefixtures("digits")
def test_parallel_off_keeps_the_order_over_all_files(run: Run, bucket: Bucket) -> None:
    run(unload(bucket, "parallel off maxfilesize 5 mb", BIG.format("ten") + " order by k desc"))
    values = [int(line.split(b"|")[0]) for name in bucket.names() for line in bucket.read(name).splitlines()]
    assert values == sorted(values, reverse=True)
