"""A connection to the embedded PostgreSQL server, as the proxy uses it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from infrastructure.local.redshift import wire
from infrastructure.local.redshift.errors import BackendError, translate_fields


class Backend:
    """One server process, spoken to over the Unix socket.

    Attributes:
        channel: The raw connection.
        status: The transaction status after the last exchange: I, T or E.
    """

    def __init__(self, channel: wire.Channel) -> None:
        self.channel = channel
        self.status = b"I"

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
        """Run SQL of our own making and return its rows as text.

        Raises:
            BackendError: The server refused it.
        """
        self.channel.write(wire.query(sql))
        return await self._finish()

    async def copy_in(self, sql: str, chunks: AsyncGenerator[bytes, None]) -> int:
        """Run a COPY ... FROM STDIN and feed it.

        Returns:
            The number of rows copied.

        Raises:
            BackendError: The server refused the statement or a row.
        """
        self.channel.write(wire.query(sql))
        kind, payload = await self.channel.message()
        while kind not in b"GE":
            kind, payload = await self.channel.message()
        if kind == b"E":
            await self._finish(wire.parse_fields(payload))
        try:
            await self._feed(chunks)
        except BaseException as problem:
            self.channel.write(wire.message(b"f", b"source failed\0"))
            await self._finish(ignore=True)
            raise problem
        self.channel.write(wire.message(b"c"))
        await self._finish()
        return int(self._tag.rpartition(" ")[2])

    _tag = ""

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
        while True:
            kind, payload = await self.channel.message()
            if kind == b"Z":
                self.status = payload
                break
            if kind == b"D":
                found.append(wire.data_row(payload))
            elif kind == b"E":
                failure = failure or wire.parse_fields(payload)
            elif kind == b"C":
                self._tag = wire.cstring(payload)[0]
        if failure and not ignore:
            raise BackendError(translate_fields(failure))
        return found

    def close(self) -> None:
        """End the session."""
        self.channel.write(wire.message(b"X"))
        self.channel.close()
