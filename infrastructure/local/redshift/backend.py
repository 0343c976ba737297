"""A connection to the embedded PostgreSQL server, as the proxy uses it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import struct
from collections.abc import AsyncGenerator

from infrastructure.local.redshift import wire
from infrastructure.local.redshift.errors import BackendError, translate_fields

_NAME = b"rs_side\0"
_SYNC = wire.message(b"S")
_UNNAMED_PORTAL = wire.message(b"C", b"P\0")
_CLOSED = wire.message(b"C", b"P" + _NAME) + wire.message(b"C", b"S" + _NAME)
_BIND_EXECUTE = wire.message(b"B", _NAME + _NAME + bytes(6)) + wire.message(b"E", _NAME + bytes(4))


class Backend:
    """One server process, spoken to over the Unix socket.

    Attributes:
        channel: The raw connection.
        status: The transaction status after the last exchange: I, T or E.
        pid: The server process, once the session has begun.
        key: What a request to cancel has to show: the process and a secret.
        database: The name of the session's database.
        parameters: What the server has reported of the session's settings.
        portal_ends: Whether the client is about to bind its unnamed portal anew: what is still open in it would keep
            a side statement from changing the table that it read.
    """

    def __init__(self, channel: wire.Channel) -> None:
        self.channel = channel
        self.status = b"I"
        self.pid = 0
        self.key = b""
        self.database = ""
        self.parameters: dict[str, str] = {}
        self.portal_ends = False

    @classmethod
    async def open(cls, socket: str) -> Backend:
        """Connect to the socket; nothing is sent yet."""
        loop = asyncio.get_running_loop()
        _, channel = await loop.create_unix_connection(wire.Channel, socket)
        return cls(channel)

    @classmethod
    async def trusted(cls, socket: str, *, user: str, database: str) -> Backend:
        """A connection of a user whom the server trusts on its socket."""
        backend = await cls.open(socket)
        backend.channel.write(wire.startup({"user": user, "database": database}))
        await backend._finish()
        return backend

    async def query(self, sql: str) -> list[list[str | None]]:
        """Run one statement of our own making and return its rows as text.

        It has a name of its own below: the simple protocol would destroy the client's unnamed statement and portal.

        Raises:
            BackendError: The server refused it.
        """
        self.channel.write(self._begun(sql) + _CLOSED + _SYNC)
        return await self._finish()

    async def script(self, sql: str) -> None:
        """Run several statements of our own making.

        Raises:
            BackendError: The server refused one.
        """
        self.channel.write(wire.query(sql))
        await self._finish()

    async def description(self, statement: str) -> bytes:
        """The RowDescription of a prepared statement; empty if it has no rows.

        Raises:
            BackendError: There is no such statement.
        """
        self.channel.write(wire.message(b"D", b"S" + statement.encode() + b"\0") + _SYNC)
        await self._finish()
        return self._description

    def _begun(self, sql: str) -> bytes:
        forgotten, self.portal_ends = (_UNNAMED_PORTAL if self.portal_ends else b""), False
        parse = wire.message(b"P", _NAME + sql.encode() + b"\0\0\0")
        return forgotten + _CLOSED + parse + _BIND_EXECUTE

    async def copy_in(self, sql: str, chunks: AsyncGenerator[bytes, None]) -> int:
        """Run a COPY ... FROM STDIN and feed it.

        Returns:
            The number of rows copied.

        Raises:
            BackendError: The server refused the statement or a row.
        """
        self.channel.write(self._begun(sql))
        kind, payload = await self.channel.message()
        while kind not in b"GE":
            kind, payload = await self.channel.message()
        if kind == b"E":
            self.channel.write(_SYNC)
            await self._finish(wire.parse_fields(payload))
        try:
            await self._feed(chunks)
        except BaseException as problem:
            self.channel.write(wire.message(b"f", b"source failed\0") + _SYNC)
            await self._finish(ignore=True)
            raise problem
        self.channel.write(wire.message(b"c") + _CLOSED + _SYNC)
        await self._finish()
        return int(self._tag.rpartition(" ")[2])

    async def describe(self, sql: str) -> list[tuple[str, int, int]]:
        """The columns of a query's result: name, type number and type modifier; the query is not run.

        Raises:
            BackendError: The server refused it.
        """
        name = b"rs_described\0"
        parse = wire.message(b"P", name + sql.encode() + b"\0\0\0")
        self.channel.write(
            parse + b"".join(wire.message(kind, b"S" + name) for kind in (b"D", b"C")) + wire.message(b"S")
        )
        described = b"\0\0"
        failure: dict[str, str] | None = None
        while True:
            kind, payload = await self.channel.message()
            if kind == b"T":
                described = payload
            elif kind == b"E":
                failure = wire.parse_fields(payload)
            elif kind == b"Z":
                self.status = payload
                break
        if failure:
            raise BackendError(translate_fields(failure))
        return wire.described_columns(described)

    async def copy_out(self, sql: str) -> AsyncGenerator[list[bytes], None]:
        """Run a COPY ... TO STDOUT; the rows as they arrive, many at a time.

        Raises:
            BackendError: The server refused the statement or failed on its way.
        """
        self.channel.write(self._begun(sql) + _CLOSED + _SYNC)
        failure: dict[str, str] | None = None
        ended = False
        try:
            while not ended:
                rows: list[bytes] = []
                for kind, payload in self.channel.messages():
                    if kind == b"d":
                        rows.append(payload)
                    elif kind == b"E":
                        failure = wire.parse_fields(payload)
                    elif kind == b"Z":
                        self.status, ended = payload, True
                if rows:
                    yield rows
                elif not ended:
                    await self.channel.more()
        finally:
            if not ended:
                self._cancel()
                await self._finish(ignore=True)
        if failure:
            raise BackendError(translate_fields(failure))

    _tag = ""
    _description = b""

    async def _feed(self, chunks: AsyncGenerator[bytes, None]) -> None:
        async with contextlib.aclosing(chunks):
            async for chunk in chunks:
                # an error of the server ends the feeding: it is waiting in the buffer
                if self.channel.buffer[:1] == b"E":
                    return
                self.channel.write(wire.message(b"d", chunk))
                await self.channel.drain()

    async def _finish(self, failure: dict[str, str] | None = None, *, ignore: bool = False) -> list[list[str | None]]:
        found: list[list[str | None]] = []
        self._description = b""
        while True:
            kind, payload = await self.channel.message()
            if kind == b"Z":
                self.status = payload
                break
            if kind == b"D":
                found.append(wire.data_row(payload))
            elif kind == b"T":
                self._description = payload
            elif kind == b"E":
                failure = failure or wire.parse_fields(payload)
            elif kind == b"C":
                self._tag = wire.cstring(payload)[0]
            else:
                self.note(kind, payload)
        if failure and not ignore:
            raise BackendError(translate_fields(failure))
        return found

    def note(self, kind: bytes, payload: bytes) -> None:
        """Remember what a message of the server says of the session itself."""
        if kind == b"K":
            self.key = payload
            (self.pid,) = struct.unpack_from("!i", payload)
        elif kind == b"S":
            name, after = wire.cstring(payload)
            self.parameters[name] = wire.cstring(payload, after)[0]

    def _cancel(self) -> None:
        """End the running statement, whose rest nobody wants."""
        if self.pid and not self.channel.lost:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGINT)

    def kill(self) -> None:
        """End the session at once, whatever it is doing or waiting for: closing its connection alone would not."""
        if self.pid and not self.channel.lost:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
        self.channel.close()

    def close(self) -> None:
        """End the session."""
        self.channel.write(wire.message(b"X"))
        self.channel.close()
