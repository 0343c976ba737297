"""Whatever a client sends, the session ends with an error of its own and never with the endpoint's."""

from __future__ import annotations

import pytest

from infrastructure.local.redshift import wire
from tests.local_cloud.redshift.processes import ADMIN_PASSWORD, Endpoint
from tests.local_cloud.redshift.wirelike import Client

SYNC = wire.message(b"S")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (wire.message(b"Q", b"select '\xe9'\0"), "22021"),
        (wire.message(b"Q", b"select 1"), "08P01"),
        (wire.message(b"Q"), "08P01"),
        (wire.message(b"P", b"abc") + SYNC, "08P01"),
        (wire.message(b"P", b"\0select '\xff'\0\0\0") + SYNC, "22021"),
        (wire.message(b"P", b"\0select 1\0\0\0") + wire.message(b"B", b"\0\0") + SYNC, "08P01"),
        (wire.message(b"E") + SYNC, "08P01"),
        (wire.message(b"C") + SYNC, "08P01"),
        (wire.query("select " + "abs(" * 3000 + "1" + ")" * 3000), "54001"),
        (wire.query("select " + "case when 1=1 then " * 3000 + "1" + " end" * 3000), "54001"),
        (wire.query("select a into from t"), "42601"),
        (wire.query("set client_encoding to 'LATIN1'"), "0A000"),
    ],
)
def test_an_error_names_what_is_wrong(endpoint: Endpoint, sent: bytes, code: str) -> None:
    client = Client(endpoint.port, "admin", ADMIN_PASSWORD)
    client._send(sent)
    kind, payload = client._message()
    assert (kind, wire.parse_fields(payload)["C"]) == (b"E", code)
    client.close()
    assert "Traceback" not in endpoint.log.read_text()


def test_nesting_of_everyday_depth_is_read(endpoint: Endpoint) -> None:
    client = Client(endpoint.port, "admin", ADMIN_PASSWORD)
    assert client.query("select " + "replace(" * 100 + "'x'" + ", 'a', 'b')" * 100)[0] == "row x"
    client.close()
