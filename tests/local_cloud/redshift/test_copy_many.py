"""COPY of many small objects, and of objects that S3 is slow to give."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.local_cloud.redshift import processes
from tests.local_cloud.redshift.conftest import BUCKET, fails
from tests.local_cloud.redshift.lake import Run, put_manifest
from tests.local_cloud.redshift.processes import ADMIN_PASSWORD, Endpoint

MANY = 40
LIST = b"""<?xml version="1.0"?><ListBucketResult><Name>lake</Name><IsTruncated>false</IsTruncated>
<Contents><Key>slow/a</Key><Size>100</Size></Contents></ListBucketResult>"""


@pytest.fixture(scope="module")
def entries(s3: Any) -> list[dict[str, Any]]:
    """A manifest's entries of small objects, each with a row of its own."""
    found = []
    for number in range(MANY):
        sink = io.BytesIO()
        pq.write_table(pa.table({"id": pa.array([number])}), sink)
        key = f"many/{number}.parquet"
        s3.put_object(Bucket=BUCKET, Key=key, Body=sink.getvalue())
        size = {"content_length": len(sink.getvalue())}
        found.append({"url": f"s3://{BUCKET}/{key}", "mandatory": True, "meta": size})
    return found


def copied(url: str, options: str = "manifest") -> str:
    return f"copy t from '{url}' iam_role default format as parquet {options}"


@pytest.fixture
def table(run: Run, connection: Any) -> None:
    run("create temp table t (id bigint)")
    connection.commit()


@pytest.mark.usefixtures("table")
def test_many_objects_are_loaded_each_once(run: Run, s3: Any, entries: list[dict[str, Any]]) -> None:
    absent = {"url": f"s3://{BUCKET}/many/none.parquet", "mandatory": False, "meta": {"content_length": 1}}
    run(copied(put_manifest(s3, "many.manifest", [*entries, absent])))
    assert run("select count(*), sum(id), count(distinct id) from t") == [[MANY, MANY * (MANY - 1) // 2, MANY]]
    assert run("select source_file_count, file_count_scanned from sys_load_history where query_id = pg_last_copy_id()")
    run("delete from t")
    run(copied(f"s3://{BUCKET}/many/", ""))
    assert run("select count(*), count(distinct id) from t") == [[MANY, MANY]]


@pytest.mark.usefixtures("table")
def test_one_wrong_entry_among_many_is_found(run: Run, connection: Any, s3: Any, entries: list[dict[str, Any]]) -> None:
    absent = {"url": f"s3://{BUCKET}/many/none.parquet", "mandatory": True, "meta": {"content_length": 1}}
    shorter = {**entries[7], "meta": {"content_length": 1}}
    for wrong, text in ((absent, "mandatory file"), (shorter, "size mismatch")):
        url = put_manifest(s3, "wrong.manifest", [*entries[:7], wrong, *entries[8:]])
        assert text in fails(run, copied(url))["M"]
        connection.rollback()
    assert run("select count(*) from t") == [[0]]


class _Slow(ThreadingHTTPServer):
    """An S3 that lists one object and then gives no more answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.wanted = threading.Event()
        self.over = threading.Event()


class _Answers(BaseHTTPRequestHandler):
    server: _Slow

    def do_GET(self) -> None:
        if "list-type" in self.path and "none" not in self.path:
            self.send_response(200)
            self.send_header("Content-Length", str(len(LIST)))
            self.end_headers()
            self.wfile.write(LIST)
            return
        self.server.wanted.set()
        self.server.over.wait(60)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def slow() -> Iterator[_Slow]:
    server = _Slow()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory, slow: _Slow) -> Iterator[Endpoint]:
    state: Path = tmp_path_factory.mktemp("slow") / "state"
    endpoint = processes.start(state, s3=f"http://127.0.0.1:{slow.server_address[1]}")
    yield endpoint
    slow.over.set()
    endpoint.stop()


@pytest.fixture
def session(waiting: Endpoint) -> Iterator[Any]:
    dsn = f"host=127.0.0.1 port={waiting.port} dbname=analytics user=admin sslmode=disable"
    with contextlib.closing(psycopg2.connect(dsn, password=ADMIN_PASSWORD)) as connection:
        connection.cursor().execute("create temp table t (id bigint)")
        connection.commit()
        yield connection


def usable(session: Any) -> bool:
    """Whether the session goes on after its statement was ended."""
    session.rollback()
    cursor = session.cursor()
    cursor.execute("select count(*) from t")
    return bool(cursor.fetchone() == (0,))


@pytest.mark.long
@pytest.mark.parametrize("prefix", ["slow/", "none/"], ids=["while it fetches", "while it lists"])
def test_a_copy_is_cancelled_while_it_waits_for_s3(session: Any, slow: _Slow, prefix: str) -> None:
    slow.wanted.clear()
    ending: Callable[[], None] = lambda: slow.wanted.wait(30) and session.cancel()  # noqa: E731
    threading.Thread(target=ending).start()
    with pytest.raises(psycopg2.errors.QueryCanceled, match="canceled on user's request"):
        session.cursor().execute(copied(f"s3://{BUCKET}/{prefix}", ""))
    assert usable(session)


@pytest.mark.long
def test_statement_timeout_ends_a_copy_that_waits_for_s3(session: Any) -> None:
    session.cursor().execute("set statement_timeout to 300")
    session.commit()
    with pytest.raises(psycopg2.errors.QueryCanceled) as caught:
        session.cursor().execute(copied(f"s3://{BUCKET}/slow/", ""))
    assert caught.value.diag.message_detail == "statement_timeout was reached"
    assert usable(session)
