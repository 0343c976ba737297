"""Whether an endpoint answers on a port, asked as a client would."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from collections.abc import Iterator

from infrastructure.local.redshift import wire
from infrastructure.local.redshift.settings import ADMIN, DATABASE, HOST


def check(port: int, timeout: float = 3.0) -> bool:
    """Whether endpoint and server below ask for a password on 127.0.0.1.

    Args:
        port: The endpoint's port.
        timeout: Seconds to wait for each answer.
    """
    try:
        with socket.create_connection((HOST, port), timeout) as plain, _secured(plain) as connection:
            connection.sendall(wire.startup({"user": ADMIN, "database": DATABASE}))
            return bool(connection.recv(1) == b"R")
    except OSError:
        return False


@contextlib.contextmanager
def _secured(connection: socket.socket) -> Iterator[socket.socket]:
    connection.sendall(struct.pack("!ii", 8, wire.SSL_REQUEST))
    if connection.recv(1) != b"S":
        yield connection
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with context.wrap_socket(connection) as secured:
        yield secured
