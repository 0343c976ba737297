"""Each format in each packing from each place: the same rows, and the very same objects."""

import datetime as dt
import gzip
import json

import pyarrow as pa
import pytest

from lambdas.common.errors import SourceError
from tests.ingest.conftest import key
from tests.ingest.test_files import arrow, files, parquet, zipped

pytestmark = pytest.mark.long
ROWS = [{"id": 1, "at": "2024-01-01T10:00:00Z", "name": "01"}, {"id": 2, "at": "2024-01-01T11:00:00Z", "name": "é"}]
TABLE = pa.Table.from_pylist([{**row, "at": dt.datetime.fromisoformat(row["at"])} for row in ROWS])
FORMATS = {
    "csv": ("id,at,name\n" + "".join(f"{row['id']},{row['at']},{row['name']}\n" for row in ROWS)).encode(),
    "json": json.dumps(ROWS).encode(),
    "ndjson": "".join(json.dumps(row) + "\n" for row in ROWS).encode(),
    "parquet": parquet(TABLE),
    "arrow": arrow(TABLE, pa.ipc.new_file),
}
PACKINGS = {
    "plain": lambda content: content,
    "gzip": lambda content: gzip.compress(content, mtime=0),
    "zip": lambda content: zipped(inner_any=content),
}


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("kind", FORMATS)
def test_rows_are_the_same_from_a_folder_s3_and_http(bench, api, cloud, monkeypatch, kind, packing):
    for name, value in cloud.env.items():
        monkeypatch.setenv(name, value)
    body = PACKINGS[packing](FORMATS[kind])
    bench.s3.put_object(Bucket=bench.bucket, Key="in/a.any", Body=body)
    api.answer = lambda _path, _asked, _number: (200, body)
    places = (
        bench.write("a.any", body),
        {"bucket_url": f"s3://{bench.bucket}/in", "file_glob": "a.any"},
        {"bucket_url": f"{api.url}a.any"},
    )
    done = [bench.ingest(files(place, kind))["objects"] for place in places]
    assert done == [{"put": 1, "unchanged": 0, "emptied": 0}, *[{"put": 0, "unchanged": 1, "emptied": 0}] * 2]
    assert list(bench.etags()) == [key("2024-01-01")]
    found = bench.rows("2024-01-01")
    assert [row["name"] for row in found] == ["01", "é"]
    assert [row["id"] for row in found] == (["1", "2"] if kind == "csv" else [1, 2])


NAMES = ("a.csv", "b.txt", "sub/c.csv", "sub/d.txt", "sub/2024/e.csv", "x/2024/f.csv")
GLOBS = {
    "*": "a.csv b.txt",
    "*.csv": "a.csv",
    "./a.*": "a.csv",
    "?.csv": "a.csv",
    "[!a].*": "b.txt",
    "*/*": "sub/c.csv sub/d.txt",
    "*/*.csv": "sub/c.csv",
    "sub/*.csv": "sub/c.csv",
    "sub?c.csv": "",
    "sub[/]c.csv": "",
    "s*.csv": "",
    "*/2024/*": "sub/2024/e.csv x/2024/f.csv",
    "**/*.csv": "a.csv sub/c.csv sub/2024/e.csv x/2024/f.csv",
    "**/2024/*.csv": "sub/2024/e.csv x/2024/f.csv",
    "sub/**/*.csv": "sub/c.csv sub/2024/e.csv",
    "sub/**": "sub/c.csv sub/d.txt sub/2024/e.csv",
    "**": " ".join(NAMES),
    "**.csv": "a.csv",
}


@pytest.fixture
def tree(bench, cloud, monkeypatch):
    """The same files in a folder and on S3, where consoles mark folders; each has a row that names it."""
    for name, value in cloud.env.items():
        monkeypatch.setenv(name, value)
    for name in NAMES:
        path = bench.folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"id,at,name\n1,2024-01-01,{name}\n")
        bench.s3.put_object(Bucket=bench.bucket, Key=f"in/{name}", Body=path.read_bytes())
    for marker in ("in/", "in/sub/", "in/empty/"):
        bench.s3.put_object(Bucket=bench.bucket, Key=marker, Body=b"")
    return str(bench.folder / "in"), f"s3://{bench.bucket}/in"


@pytest.mark.parametrize("glob", GLOBS)
def test_a_glob_means_the_same_files_in_a_folder_and_on_s3(bench, tree, glob):
    for place in tree:
        extract = files({"bucket_url": place, "file_glob": glob}, "csv")
        if GLOBS[glob]:
            bench.ingest(extract)
            assert {row["name"] for row in bench.rows("2024-01-01")} == set(GLOBS[glob].split()), place
        else:
            with pytest.raises(SourceError, match="no file matches"):
                bench.ingest(extract)
