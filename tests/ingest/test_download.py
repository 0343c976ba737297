"""Servers that drip, break off, are overrun or gone: they get no more than the time, and are asked again or not."""

import gzip
import importlib
import socket
import threading
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from lambdas.common.errors import SourceError, SourceUnavailable
from lambdas.ingest import download
from lambdas.ingest.rest import prepare_dlt
from tests.ingest.test_files import CSV, files

LISTING = b"<ListBucketResult><Contents><Key>in/a.csv</Key><Size>9</Size></Contents></ListBucketResult>"


@contextmanager
def listening(serve):
    """A port of which each connection is given to `serve`, one after the other."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept():
            try:
                while True:
                    with server.accept()[0] as client:
                        serve(client)
            except OSError:
                return  # closed by the test

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(20)


def drip(client, pieces, pause):
    try:
        for piece in pieces:
            client.sendall(piece)
            time.sleep(pause)
    except OSError:
        return  # the other side has had enough


def given_up(bench, block, seconds, **more):
    """How long a source was read that had so many seconds, and what it then said."""
    began = time.monotonic()
    with pytest.raises(SourceUnavailable) as caught:
        bench.ingest({**files(block, "csv"), **more}, seconds=seconds)
    return time.monotonic() - began, str(caught.value)


@pytest.mark.long
def test_server_that_drips_is_left_when_the_time_is_up(bench):
    prepare_dlt()
    importlib.import_module("dlt.sources.helpers.requests")  # which takes as long as the server gets

    def serve(client):
        client.recv(65_536)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n")
        drip(client, [b"x"] * 200, 0.1)

    with listening(serve) as port:
        seconds, said = given_up(bench, {"bucket_url": f"http://127.0.0.1:{port}/a.csv"}, 3)
    assert seconds < 12
    assert "the time was up after" in said
    assert "bytes of a.csv" in said


@pytest.mark.long
def test_s3_that_drips_is_left_when_the_time_is_up(bench, cloud, monkeypatch):
    for name, value in cloud.env.items():
        monkeypatch.setenv(name, value)
    bench.s3.put_object(Bucket=bench.bucket, Key="in/a.csv", Body=b"id,at\n" + b"1,2024-01-01\n" * 600_000)
    there = urlsplit(cloud.env["AWS_ENDPOINT_URL"])

    def serve(client):
        """What comes from the cloud itself, but slowly."""
        with socket.create_connection((there.hostname, there.port)) as server:
            request = client.recv(65_536).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
            server.sendall(request)
            drip(client, iter(lambda: server.recv(65_536), b""), 0.1)

    with listening(serve) as port:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        seconds, said = given_up(bench, {"bucket_url": f"s3://{bench.bucket}/in"}, 2)
    assert seconds < 6
    assert "bytes of in/a.csv" in said


@pytest.fixture
def s3(api, monkeypatch):
    """The HTTP server of the test in S3's place."""
    names = {"AWS_ENDPOINT_URL": api.url, "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    for name, value in {**names, "AWS_DEFAULT_REGION": "eu-central-1"}.items():
        monkeypatch.setenv(name, value)
    return api


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (500, "InternalError", SourceUnavailable),
        (503, "SlowDown", SourceUnavailable),
        (400, "RequestTimeout", SourceUnavailable),
        (403, "AccessDenied", SourceError),
        (404, "NoSuchBucket", SourceError),
    ],
)
def test_outage_of_s3_passes_and_a_refusal_stays(bench, s3, listed, status, code, error):
    body, xml = f"<Error><Code>{code}</Code></Error>".encode(), {"Content-Type": "application/xml"}
    s3.answer = lambda path, _asked, _n: (200, LISTING, xml) if listed and "a.csv" not in path else (status, body, xml)
    with pytest.raises(error, match=rf"s3://lake/in.*{code}"):
        bench.ingest(files({"bucket_url": "s3://lake/in"}, "csv"))


def test_s3_that_is_not_there_or_silent_is_unavailable(bench, s3, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        _, said = given_up(bench, {"bucket_url": "s3://lake/in"}, 60, timeout=0.3)
    assert "Read timeout" in said
    _, said = given_up(bench, {"bucket_url": "s3://lake/in"}, 60)
    assert "Could not connect" in said


@pytest.mark.long
@pytest.mark.parametrize("attempts", [1, 2])
@pytest.mark.parametrize("place", ["http", "s3"])
def test_file_that_breaks_off_is_asked_for_anew(bench, s3, place, attempts):
    broken = []

    def answer(path, _asked, _number):
        if "a.csv" not in path:
            return 200, LISTING, {"Content-Type": "application/xml"}
        if not broken:
            broken.append(path)
            return 200, CSV.encode()[:-9], {"Content-Length": str(len(CSV)), "Connection": "close"}
        return 200, CSV.encode()

    s3.answer = answer
    block = {"bucket_url": f"{s3.url}a.csv" if place == "http" else "s3://lake/in"}
    extract = {**files(block, "csv"), "attempts": attempts}
    if attempts == 1:
        with pytest.raises(SourceUnavailable):
            bench.ingest(extract)
    else:
        assert bench.ingest(extract)["rows"] == 3


def test_answer_that_the_server_packs_on_the_way_is_unpacked(bench, api, monkeypatch):
    monkeypatch.setattr(download, "CHUNK", 1000)
    text = "id,at,name\n" + "".join(f"{n},2024-01-01,{n}\n" for n in range(5000))
    api.answer = lambda *_: (200, gzip.compress(text.encode()), {"Content-Encoding": "gzip"})
    assert bench.ingest(files({"bucket_url": f"{api.url}a.csv"}, "csv"))["rows"] == 5000


PAGE = {"rest_api": {"client": {"base_url": ""}, "resources": [{"name": "things", "endpoint": {"path": "things"}}]}}
HEADS = [b"Content-Length: 400\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n", b"Content-Encoding: gzip\r\n\r\n"]


@pytest.mark.long
@pytest.mark.parametrize("head", HEADS, ids=["of a length", "in chunks", "packed"])
def test_api_that_drips_is_left_when_the_time_is_up(bench, head):
    prepare_dlt()
    importlib.import_module("dlt.sources.rest_api")
    whole = gzip.compress(b" " * 400) if b"gzip" in head else b" " * 200
    pieces = [whole[place : place + 1] for place in range(len(whole))]

    def serve(client):
        client.recv(65_536)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + head)
        drip(client, [b"1\r\n%b\r\n" % one for one in pieces] if b"chunked" in head else pieces * 5, 0.1)

    with listening(serve) as port:
        PAGE["rest_api"]["client"]["base_url"] = f"http://127.0.0.1:{port}/"
        began = time.monotonic()
        with pytest.raises(SourceUnavailable, match=r"the time was up after \d+ bytes of an answer"):
            bench.ingest(PAGE, seconds=3)
    assert time.monotonic() - began < 8
