"""Framing of the PostgreSQL wire protocol, version 3, on asyncio transports."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable

from infrastructure.local.redshift.errors import RedshiftError

PROTOCOL_3 = 196608
SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
CANCEL_REQUEST = 80877102
_LENGTH = struct.Struct("!i")
_HEAD = struct.Struct("!ci")
_MAX_MESSAGE = 1 << 30
_READ_HIGH = 4 << 20


class ConnectionLost(Exception):  # noqa: N818 - it states an event, as asyncio's own names do
    """The other side of a channel is gone."""


class Channel(asyncio.Protocol):
    """One connection, read message by message and written with back-pressure.

    Args:
        on_lost: Called once when the connection ends, before waiting readers are told.

    Attributes:
        muted: Whether nothing is sent any more, though the connection stands.
    """

    def __init__(self, on_lost: Callable[[], object] | None = None) -> None:
        self.buffer = bytearray()
        self.on_lost = on_lost
        self.transport: asyncio.Transport | None = None
        self.lost = False
        self._reading_paused = False
        self._arrival: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._write_paused = False
        self.muted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport (asyncio's callback)."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - narrows for the type checker
        self.transport = transport
        connection = transport.get_extra_info("socket")
        if connection.family == socket.AF_INET:
            # An answer leaves in pieces; without this each statement waits 40 ms for a delayed acknowledgement.
            # asyncio sets it only on sockets that name their protocol, which accepted ones do not.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """Add what arrived and wake the reader (asyncio's callback)."""
        self.buffer += data
        if len(self.buffer) > _READ_HIGH and not self._reading_paused and self.transport:
            self._reading_paused = True
            self.transport.pause_reading()
        _wake(self._arrival)

    def eof_received(self) -> bool:
        """Close our side too (asyncio's callback)."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell everybody who waits (asyncio's callback)."""
        self.lost = True
        if self.on_lost:
            self.on_lost()
        _wake(self._arrival)
        _wake(self._writable)

    def pause_writing(self) -> None:
        """Remember that the other side is slow (asyncio's callback)."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """Wake writers that wait for room (asyncio's callback)."""
        self._write_paused = False
        _wake(self._writable)

    async def more(self, timeout: float | None = None) -> bool:
        """Wait for further bytes.

        Args:
            timeout: Seconds to wait at most, or None.

        Returns:
            Whether something arrived in time.

        Raises:
            ConnectionLost: The connection is gone and nothing more will come.
        """
        if self.lost:
            raise ConnectionLost
        self._resume_reading()
        self._arrival = asyncio.get_running_loop().create_future()
        before = len(self.buffer)
        if timeout is None:
            await self._arrival
        else:
            await asyncio.wait({self._arrival}, timeout=timeout)
        self._arrival = None
        if self.lost and len(self.buffer) == before:
            raise ConnectionLost
        return len(self.buffer) > before

    def _resume_reading(self) -> None:
        if self._reading_paused and self.transport:
            self._reading_paused = False
            self.transport.resume_reading()

    async def read(self, count: int) -> bytes:
        """Exactly `count` bytes."""
        while len(self.buffer) < count:
            await self.more()
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def has_message(self) -> bool:
        """Whether a whole message lies in the buffer."""
        return len(self.buffer) >= 5 and len(self.buffer) > _LENGTH.unpack_from(self.buffer, 1)[0]

    async def message(self) -> tuple[bytes, bytes]:
        """The next message as (type, payload)."""
        kind, length = _HEAD.unpack(await self.read(5))
        if not 4 <= length <= _MAX_MESSAGE:
            raise ConnectionLost
        return kind, await self.read(length - 4)

    def messages(self) -> list[tuple[bytes, bytes]]:
        """All whole messages in the buffer, without waiting."""
        found: list[tuple[bytes, bytes]] = []
        position, end = 0, len(self.buffer)
        while end - position >= 5:
            size = _LENGTH.unpack_from(self.buffer, position + 1)[0] + 1
            if end - position < size:
                break
            found.append(
                (bytes(self.buffer[position : position + 1]), bytes(self.buffer[position + 5 : position + size]))
            )
            position += size
        del self.buffer[:position]
        return found

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send without waiting; nothing happens on a lost connection."""
        if self.transport and not self.lost and not self.muted:
            self.transport.write(data)

    async def drain(self) -> None:
        """Wait until the other side has taken most of what was written."""
        if self._write_paused and not self.lost:
            self._writable = asyncio.get_running_loop().create_future()
            await self._writable
        if self.lost:
            raise ConnectionLost

    def abort(self) -> None:
        """Close at once, with no word of farewell and nothing more sent."""
        if self.transport:
            self.transport.abort()

    def close(self) -> None:
        """Close after what was written has been sent."""
        if self.transport:
            self.transport.close()


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter and not waiter.done():
        waiter.set_result(None)


def message(kind: bytes, payload: bytes = b"") -> bytes:
    """One framed message."""
    return _HEAD.pack(kind, len(payload) + 4) + payload


def startup(parameters: dict[str, str]) -> bytes:
    """A StartupMessage with the given parameters."""
    body = b"".join(f"{key}\0{value}\0".encode() for key, value in parameters.items())
    payload = _LENGTH.pack(PROTOCOL_3) + body + b"\0"
    return _LENGTH.pack(len(payload) + 4) + payload


def query(sql: str) -> bytes:
    """A simple Query message."""
    return message(b"Q", sql.encode() + b"\0")


def error(fields: dict[str, str]) -> bytes:
    """An ErrorResponse."""
    return message(b"E", fields_payload(fields))


def info(text: str) -> bytes:
    """A NoticeResponse of Redshift's level INFO."""
    return message(b"N", fields_payload({"S": "INFO", "C": "00000", "M": text}))


def fields_payload(fields: dict[str, str]) -> bytes:
    """The body of an ErrorResponse or NoticeResponse."""
    return b"".join(f"{name}{value}\0".encode() for name, value in fields.items()) + b"\0"


def parse_fields(payload: bytes) -> dict[str, str]:
    """The fields of an ErrorResponse or NoticeResponse."""
    parts = payload.split(b"\0")
    return {part[:1].decode(): part[1:].decode(errors="replace") for part in parts if part}


def ready(status: bytes) -> bytes:
    """A ReadyForQuery with a transaction status of I, T or E."""
    return message(b"Z", status)


def command_complete(tag: str) -> bytes:
    """A CommandComplete."""
    return message(b"C", tag.encode() + b"\0")


def cstring(payload: bytes, start: int = 0) -> tuple[str, int]:
    """The NUL-terminated text at `start`, and the place after it.

    Raises:
        RedshiftError: 08P01 where it does not end, 22021 where it is not UTF-8.
    """
    end = payload.find(b"\0", start)
    if end < 0:
        raise RedshiftError("08P01", "invalid string in message")
    try:
        return payload[start:end].decode(), end + 1
    except UnicodeDecodeError as problem:
        found = " ".join(f"0x{byte:02x}" for byte in payload[start + problem.start : start + problem.end])
        raise RedshiftError("22021", f'invalid byte sequence for encoding "UTF8": {found}') from problem


def data_row(payload: bytes) -> list[str | None]:
    """The columns of a DataRow in text format."""
    (count,) = struct.unpack_from("!h", payload)
    values: list[str | None] = []
    position = 2
    for _ in range(count):
        (size,) = _LENGTH.unpack_from(payload, position)
        position += 4
        values.append(None if size < 0 else payload[position : position + size].decode())
        position += max(size, 0)
    return values


def described_columns(payload: bytes) -> list[tuple[str, int, int]]:
    """Name, type number and type modifier of the columns of a RowDescription."""
    (count,) = struct.unpack_from("!h", payload)
    columns: list[tuple[str, int, int]] = []
    position = 2
    for _ in range(count):
        name, position = cstring(payload, position)
        _, _, oid, _, modifier, _ = struct.unpack_from("!ihihih", payload, position)
        columns.append((name, oid, modifier))
        position += 18
    return columns


def rows(names: Iterable[str], values: Iterable[Iterable[str | None]]) -> bytes:
    """A RowDescription of text columns and its DataRows."""
    columns = list(names)
    described = b"".join(name.encode() + b"\0" + struct.pack("!ihihih", 0, 0, 1043, -1, -1, 0) for name in columns)
    out = [message(b"T", struct.pack("!h", len(columns)) + described)]
    for row in values:
        cells = [None if value is None else value.encode() for value in row]
        body = b"".join(_LENGTH.pack(-1) if c is None else _LENGTH.pack(len(c)) + c for c in cells)
        out.append(message(b"D", struct.pack("!h", len(cells)) + body))
    return b"".join(out)
