"""Faults on demand, for tests: a chosen session meets trouble at a chosen statement.

Orders come over a Unix socket that only its owner may open, one JSON object a line, and each gets one JSON line back.
An endpoint that was not started for it has no such socket and no such object.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infrastructure.local.redshift import wire
from infrastructure.local.redshift.backend import Backend
from infrastructure.local.redshift.dialect.plan import Plan
from infrastructure.local.redshift.errors import RedshiftError, cancelled

_KINDS = frozenset({"pause", "lose_before", "lose_after", "error", "timeout", "slow"})
_REMEMBERED = 20_000
_PRESETS = {
    "1023": {
        "C": "XX000", "M": "1023",
        "D": "Serializable isolation violation on table - 100123, transactions forming the cycle are: 901, 902 (pid:1)",
    },
    "spectrum": {
        "C": "XX000", "M": "Spectrum Scan Error",
        "D": "error: Spectrum Scan Error code: 15001 context: Spectrum Scan Error: Retries exceeded query: 0 "
        "location: dory_util.cpp:945",
    },
}  # fmt: skip


class OrderError(ValueError):
    """An order that can not be followed; the message names what is wrong with it."""


@dataclass
class Fault:
    """One armed fault: which statement it waits for, and what has become of it."""

    kind: str
    session: re.Pattern[str]
    statement: re.Pattern[str]
    left: int
    error: RedshiftError
    seconds: float
    released: asyncio.Event = field(default_factory=asyncio.Event)
    reached: bool = False
    seen: dict[str, Any] = field(default_factory=dict)

    def fires(self, name: str, sql: str) -> bool:
        """Count this statement; whether it is the one."""
        if self.reached or not self.session.search(name) or not self.statement.search(sql):
            return False
        self.left -= 1
        return self.left == 0


class Faults:
    """The armed faults of an endpoint, and the statements that its sessions have sent."""

    def __init__(self) -> None:
        self._armed: dict[int, Fault] = {}
        self._numbers = itertools.count(1)
        self._sent: deque[tuple[str, str]] = deque(maxlen=_REMEMBERED)

    async def listen(self, path: Path) -> asyncio.Server:
        """Take orders at the socket `path`, which is made anew for its owner alone."""
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._take_orders, str(path), start_serving=False)
        path.chmod(0o600)
        await server.start_serving()
        return server

    async def meet(self, backend: Backend, plans: list[Plan]) -> bool:
        """What is armed for these statements happens now; whether the connection is to be lost after them.

        Raises:
            ConnectionLost: It is to be lost before them.
            RedshiftError: They are to fail with it, and nothing of them is done.
        """
        lost_after = False
        for plan in plans:
            name = backend.parameters.get("application_name", "")
            self._sent.append((name, plan.source))
            for fault in list(self._armed.values()):
                if fault.fires(name, plan.source):
                    fault.reached = True
                    fault.seen = {"statement": plan.source, "pid": backend.pid, "application_name": name}
                    lost_after |= await _happen(fault)
        return lost_after

    def order(self, order: dict[str, Any]) -> dict[str, Any]:
        """Follow one order and answer it.

        Raises:
            OrderError: It is not understood.
        """
        verb = order.get("do")
        if verb == "arm":
            number = next(self._numbers)
            self._armed[number] = _fault(order)
            return {"id": number}
        if verb == "clear":
            self._clear()
            return {}
        if verb == "statements":
            wanted = _pattern(order, "session")
            return {"statements": [sql for name, sql in self._sent if wanted.search(name)]}
        if verb not in {"state", "release"}:
            raise OrderError(f"do is arm, state, release, clear or statements, not {verb!r}")
        fault = self._armed.get(order.get("id", 0))
        if fault is None:
            raise OrderError(f"no fault has the id {order.get('id')!r}")
        if verb == "release":
            fault.released.set()
        return _state(fault)

    def _clear(self) -> None:
        for fault in self._armed.values():
            fault.released.set()
        self._armed.clear()
        self._sent.clear()

    async def _take_orders(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            try:
                answer = self.order(json.loads(line))
            except (ValueError, AttributeError) as problem:
                answer = {"error": str(problem)}
            writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()


async def _happen(fault: Fault) -> bool:
    if fault.kind == "pause":
        await fault.released.wait()
    elif fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
    elif fault.kind == "lose_before":
        raise wire.ConnectionLost
    elif fault.kind in {"error", "timeout"}:
        raise fault.error
    return fault.kind == "lose_after"


def _fault(order: dict[str, Any]) -> Fault:
    kind, nth = order.get("fault"), order.get("nth", 1)
    if kind not in _KINDS:
        raise OrderError(f"fault is one of {', '.join(sorted(_KINDS))}, not {kind!r}")
    if not isinstance(nth, int) or nth < 1:
        raise OrderError(f"nth counts from 1, not {nth!r}")
    error = _error(order.get("error")) if kind == "error" else cancelled("statement_timeout was reached")
    seconds = float(order.get("seconds", 1.0))
    return Fault(kind, _pattern(order, "session"), _pattern(order, "statement"), nth, error, seconds)


def _error(asked: object) -> RedshiftError:
    fields = _PRESETS.get(asked) if isinstance(asked, str) else asked
    if not isinstance(fields, dict) or not {"C", "M"} <= fields.keys() <= {"C", "M", "D"}:
        raise OrderError(f"error is {' or '.join(_PRESETS)} or an object with C, M and D, not {asked!r}")
    return RedshiftError(fields["C"], fields["M"], fields.get("D"))


def _pattern(order: dict[str, Any], key: str) -> re.Pattern[str]:
    try:
        return re.compile(order.get(key) or "", re.IGNORECASE | re.DOTALL)
    except (re.error, TypeError) as problem:
        raise OrderError(f"{key} is no regular expression: {problem}") from problem


def _state(fault: Fault) -> dict[str, Any]:
    paused = fault.kind == "pause" and fault.reached and not fault.released.is_set()
    unseen = {"statement": None, "pid": None, "application_name": None}
    return {"reached": fault.reached, "paused": paused, **(fault.seen or unseen)}
