"""Answers of the backend on their way to the client, changed where Redshift's differ.

Rows go through in whole spans; only messages that carry meaning for the session are looked at.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from infrastructure.local.redshift import wire
from infrastructure.local.redshift.backend import Backend
from infrastructure.local.redshift.errors import RedshiftError, translate_fields

# what Redshift reports instead of, and beside, PostgreSQL's version: by the others drivers tell that it is Redshift
# (Amazon's ODBC driver and Go's pq read padb_version, asyncpg padb_revision)
_VERSIONS = {"server_version": "8.0.2", "padb_version": "1.0.77467", "padb_revision": "77467"}
# PostgreSQL 8.0 did not report it; libpq then escapes backslashes, which Redshift's strings take for escapes
_UNREPORTED = {"standard_conforming_strings"}
_SUPER_OID = 4000
_TEXT_OID = 25
_VARCHAR_OID = 1043
_JSON_OID = 114
# types whose numbers a Redshift client knows; any other is shown as text. An INTERVAL is one of those others:
# Redshift's binary form of it is not PostgreSQL's
_KNOWN_OIDS = frozenset(
    [16, 17, 18, 19, 20, 21, 22, 23, 26, 28, 700, 701, 705, 1000, 1002, 1005, 1007, 1009, 1015, 1021, 1028, 1034,
     1042, 1043, 1082, 1083, 1114, 1184, 1266, 1700, 2275]
)  # fmt: skip
# how many columns a result has, and which of them go as text
Columns = tuple[int, tuple[int, ...]]
_LENGTH = struct.Struct("!i")
_FIELD = struct.Struct("!ihihih")
_SPOKEN = frozenset(b"ZECTSGHW")


class Relay:
    """One exchange: what comes back until the backend is ready.

    Args:
        backend: Where the answers come from.
        client: Where they go.
        tags: Command tags to show in place of the backend's, one per execution; None keeps it.

    Attributes:
        failed: Whether an error came back.
        failure: Its message.
        completed: The backend's command tags, one per execution that ended well.
        description: The last RowDescription as the backend sent it; empty if there was none.
    """

    def __init__(self, backend: Backend, client: wire.Channel, tags: Sequence[str | None]) -> None:
        self._backend = backend
        self._client = client
        self._tags = iter(tags)
        self.failed = False
        self.failure = ""
        self.completed: list[str] = []
        self.description = b""
        self._ready = False

    async def until_ready(self) -> None:
        """Pass on everything before ReadyForQuery, which is kept back."""
        while not self._ready:
            await self._step()

    async def _step(self) -> None:
        buffer = self._backend.channel.buffer
        start = position = 0
        end = len(buffer)
        while end - position >= 5 and not self._ready:
            size = _LENGTH.unpack_from(buffer, position + 1)[0] + 1
            if end - position < size:
                break
            kind = buffer[position]
            if kind in _SPOKEN:
                self._client.write(bytes(buffer[start:position]))
                self._speak(bytes((kind,)), bytes(buffer[position + 5 : position + size]))
                start = position + size
            position += size
        self._client.write(bytes(buffer[start:position]))
        del buffer[:position]
        await self._client.drain()
        if not position:
            await self._backend.channel.more()

    def _speak(self, kind: bytes, payload: bytes) -> None:
        if kind == b"Z":
            self._backend.status = payload
            self._ready = True
        elif kind == b"E":
            self.failed = True
            fields = translate_fields(wire.parse_fields(payload))
            self.failure = fields.get("M", "")
            self._client.write(wire.error(fields))
        elif kind == b"C":
            self.completed.append(wire.cstring(payload)[0])
            tag = next(self._tags, None)
            self._client.write(wire.command_complete(tag) if tag else wire.message(kind, payload))
        elif kind == b"T":
            self.description = payload
            self._client.write(wire.message(kind, described(payload)[0]))
        elif kind == b"S":
            self._backend.note(kind, payload)
            self._client.write(parameter_status(payload))
        else:
            self._client.write(wire.message(kind, payload))


def described(payload: bytes) -> tuple[bytes, Columns | None]:
    """A RowDescription with the type numbers that Redshift uses, and the columns that became text by that."""
    as_text: list[int] = []
    changed = bytearray(payload)
    (count,) = struct.unpack_from("!h", payload)
    position = 2
    for index in range(count):
        position = payload.index(b"\0", position) + 1
        table, attribute, oid, size, modifier, form = _FIELD.unpack_from(payload, position)
        shown = _shown_oid(oid)
        # a text has the same form as a VARCHAR, in binary too
        if shown == _VARCHAR_OID and oid not in {_VARCHAR_OID, _TEXT_OID}:
            as_text.append(index)
        if shown != oid:
            _FIELD.pack_into(changed, position, table, attribute, shown, size, modifier, form)
        position += _FIELD.size
    return bytes(changed), (count, tuple(as_text)) if as_text else None


def bound_as_text(payload: bytes, columns: Columns) -> bytes:
    """A Bind that asks for the given result columns in text format, whatever the client asked for."""
    count, as_text = columns
    asked = result_formats(payload)
    wanted = list(asked) if len(asked) == count else list(asked or (0,)) * count
    for index in as_text:
        wanted[index] = 0
    return payload[: -2 * len(asked) - 2] + struct.pack(f"!h{count}h", count, *wanted)


def result_formats(payload: bytes) -> tuple[int, ...]:
    """The formats that a Bind asks for: one a column, one for all, or none, which is text.

    Raises:
        RedshiftError: 08P01 where the message ends too early.
    """
    try:
        return _formats(payload)
    except struct.error as problem:
        raise RedshiftError("08P01", "insufficient data left in message") from problem


def _formats(payload: bytes) -> tuple[int, ...]:
    _, position = wire.cstring(payload)
    _, position = wire.cstring(payload, position)
    (formats,) = struct.unpack_from("!h", payload, position)
    position += 2 + 2 * formats
    (parameters,) = struct.unpack_from("!h", payload, position)
    position += 2
    for _ in range(parameters):
        position += 4 + max(_LENGTH.unpack_from(payload, position)[0], 0)
    return struct.unpack_from(f"!{struct.unpack_from('!h', payload, position)[0]}h", payload, position + 2)


def _shown_oid(oid: int) -> int:
    if oid == _JSON_OID:
        return _SUPER_OID
    return oid if oid in _KNOWN_OIDS else _VARCHAR_OID


def parameter_status(payload: bytes) -> bytes:
    """The ParameterStatus for the client, with Redshift's versions; nothing for what Redshift does not report."""
    name, _ = wire.cstring(payload)
    if name in _UNREPORTED:
        return b""
    if name != "server_version":
        return wire.message(b"S", payload)
    return b"".join(wire.message(b"S", f"{name}\0{value}\0".encode()) for name, value in _VERSIONS.items())
