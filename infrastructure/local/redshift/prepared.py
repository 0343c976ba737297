"""The prepared statements and portals of one client, in the messages of the extended protocol."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from infrastructure.local.redshift import wire
from infrastructure.local.redshift.dialect.plan import Plan
from infrastructure.local.redshift.errors import RedshiftError
from infrastructure.local.redshift.relay import Columns, bound_as_text, described, result_formats

Message = tuple[bytes, bytes]
_EMPTY = Plan("")


class Prepared:
    """What the client has parsed and bound.

    Args:
        plans: Reads a text as Redshift's SQL.
    """

    def __init__(self, plans: Callable[[str], Awaitable[tuple[Plan, ...]]]) -> None:
        self._plans = plans
        self._statements: dict[str, Plan] = {}
        self._portals: dict[str, Plan] = {}
        # of the statements whose rows were described: which columns have to come as text
        self._as_text: dict[str, Columns | None] = {}

    async def parse(self, payload: bytes) -> tuple[Plan, bytes]:
        """The plan of a Parse, and the Parse for the backend.

        Raises:
            RedshiftError: The statement is refused.
        """
        name, after = wire.cstring(payload)
        sql, after = wire.cstring(payload, after)
        self._statements.pop(name, None)
        self._as_text.pop(name, None)
        plans = await self._plans(sql)
        if len(plans) > 1:
            raise RedshiftError("42601", "cannot insert multiple commands into a prepared statement")
        plan = self._statements[name] = plans[0] if plans else _EMPTY
        return plan, name.encode() + b"\0" + plan.sql.encode() + b"\0" + payload[after:]

    def bind(self, payload: bytes) -> bytes:
        """The Bind for the backend."""
        portal, after = wire.cstring(payload)
        name, _ = wire.cstring(payload, after)
        self._portals[portal] = self._statements.get(name, _EMPTY)
        columns = self._as_text.get(name)
        return bound_as_text(payload, columns) if columns else payload

    def executed(self, payload: bytes) -> Plan:
        """The plan that an Execute runs."""
        return self._portals.get(wire.cstring(payload)[0], _EMPTY)

    def close(self, payload: bytes) -> None:
        """Forget what a Close names."""
        names = self._statements if payload[:1] == b"S" else self._portals
        names.pop(wire.cstring(payload, 1)[0], None)

    def learn(self, statement: str, description: bytes) -> None:
        """Keep what the backend says of a statement's rows; no description, no rows."""
        self._as_text[statement] = described(description)[1] if description else None

    def unknown(self, segment: list[Message]) -> str | None:
        """The statement of which rows are wanted in binary form, while it is not known which of them can be."""
        for kind, payload in segment:
            if kind == b"B":
                name = wire.cstring(payload, wire.cstring(payload)[1])[0]
                return name if wants_binary(payload) and name not in self._as_text else None
        return None


def wants_binary(payload: bytes) -> bool:
    """Whether a Bind asks for results in binary form."""
    return 1 in result_formats(payload)


def segments(batch: list[Message]) -> Iterator[list[Message]]:
    """The batch cut after every Execute, and before a Bind for binary results, whose statement must be known first."""
    segment: list[Message] = []
    for kind, payload in batch:
        if kind == b"B" and segment and wants_binary(payload):
            yield segment
            segment = []
        segment.append((kind, payload))
        if kind == b"E":
            yield segment
            segment = []
    if segment:
        yield segment
