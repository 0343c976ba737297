"""A client that says on the wire exactly what a test wants to have said."""

from __future__ import annotations

import hashlib
import socket
import struct

from infrastructure.local.redshift import wire


class Client:
    """One connection; answers are told in short words."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._stream = self._socket.makefile("rb")
        self._send(wire.startup({"user": user, "database": "analytics"}))
        while (answer := self._message())[0] != b"Z":
            if answer[0] == b"R" and answer[1][:4] == b"\0\0\0\5":
                inner = hashlib.md5((password + user).encode()).hexdigest()
                digest = hashlib.md5(inner.encode() + answer[1][4:]).hexdigest()
                self._send(wire.message(b"p", f"md5{digest}\0".encode()))
            assert answer[0] != b"E", answer

    def close(self) -> None:
        """End the connection."""
        self._stream.close()
        self._socket.close()

    def query(self, sql: str) -> list[str]:
        """A simple Query."""
        self._send(wire.query(sql))
        return self._answers()

    def pipeline(self, statements: list[str], *, binary: bool = False, flush_after: bool = False) -> list[str]:
        """All statements without names, then one Sync."""
        body = b"".join(parse(sql) + bind(binary=binary) + execute(0) for sql in statements)
        self._send(body + wire.message(b"S") + (wire.message(b"H") if flush_after else b""))
        return self._answers()

    def portions(self, sql: str, rows: int) -> tuple[list[str], list[str]]:
        """The same portal executed twice, each time for so many rows."""
        self._send(parse(sql) + bind() + execute(rows) + wire.message(b"S"))
        first = self._answers()
        self._send(execute(rows) + wire.message(b"S"))
        return first, self._answers()

    def _answers(self) -> list[str]:
        found: list[str] = []
        while not found or not found[-1].startswith("ready"):
            kind, payload = self._message()
            if kind == b"D":
                found.append("row " + ",".join(str(value) for value in wire.data_row(payload)))
            elif kind == b"C":
                found.append(wire.cstring(payload)[0])
            elif kind == b"E":
                found.append("error " + wire.parse_fields(payload)["C"])
            elif kind == b"s":
                found.append("suspended")
            elif kind == b"Z":
                found.append("ready " + payload.decode())
        return found

    def _message(self) -> tuple[bytes, bytes]:
        kind, size = struct.unpack("!ci", self._stream.read(5))
        return kind, self._stream.read(size - 4)

    def _send(self, data: bytes) -> None:
        self._socket.sendall(data)


def parse(sql: str) -> bytes:
    """A Parse of the unnamed statement."""
    return wire.message(b"P", b"\0" + sql.encode() + b"\0" + bytes(2))


def bind(*, binary: bool = False) -> bytes:
    """A Bind of the unnamed portal, without parameters."""
    return wire.message(b"B", bytes(2) + bytes(4) + struct.pack("!hh", 1, int(binary)))


def execute(rows: int) -> bytes:
    """An Execute of the unnamed portal."""
    return wire.message(b"E", b"\0" + struct.pack("!i", rows))
