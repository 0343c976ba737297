"""One client's session after its authentication: statements in, answers out.

Messages of the extended protocol are gathered up to the next Sync, so that what has to run around a statement
(table locks, the COPY itself, follow-ups) can be put before and after it on the same backend connection.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from infrastructure.local.redshift import wire
from infrastructure.local.redshift.backend import Backend
from infrastructure.local.redshift.copying.run import Copier
from infrastructure.local.redshift.dialect.lexer import literal
from infrastructure.local.redshift.dialect.plan import Plan
from infrastructure.local.redshift.dialect.translate import translate
from infrastructure.local.redshift.errors import ACTIVE_TRANSACTION, FAILED_TRANSACTION, BackendError, RedshiftError
from infrastructure.local.redshift.relay import Columns, Relay, bound_as_text

logger = logging.getLogger(__name__)

_FLUSH_PATIENCE = 0.03
_ABORTED = "current transaction is aborted, commands ignored until end of transaction block"
_EMPTY = Plan("")
_IS_VIEW = "SELECT 1 FROM pg_catalog.pg_class WHERE oid = {}::pg_catalog.regclass AND relkind = 'v'"


class Session:
    """The statements of one client.

    Args:
        client: The client's connection.
        backend: The session's server process.
        copier: Carries out COPY.
    """

    def __init__(self, client: wire.Channel, backend: Backend, copier: Copier) -> None:
        self._client = client
        self._backend = backend
        self._copier = copier
        self._statements: dict[str, Plan] = {}
        self._portals: dict[str, Plan] = {}
        self._as_text: dict[str, Columns] = {}
        self._locked: set[str] = set()
        self._skipping = False

    async def run(self) -> None:
        """Serve until the client says goodbye.

        Raises:
            ConnectionLost: One of the two connections ended.
        """
        while True:
            kind, payload = await self._client.message()
            if kind == b"X":
                return
            if kind == b"Q":
                await self._simple(wire.cstring(payload)[0])
            elif kind in {b"P", b"B", b"D", b"E", b"C", b"S", b"H"}:
                await self._gather(kind, payload)
            elif kind not in {b"d", b"c", b"f"}:
                await self._fail(RedshiftError("08P01", f"invalid frontend message type {kind!r}"), sync=True)
            await self._client.drain()

    async def _gather(self, kind: bytes, payload: bytes) -> None:
        batch: list[tuple[bytes, bytes]] = []
        while kind != b"S":
            if kind != b"H":
                batch.append((kind, payload))
            elif not await self._more_comes():
                break
            kind, payload = await self._client.message()
        await self._extended(batch, sync=kind == b"S")

    async def _more_comes(self) -> bool:
        """After a Flush: whether the client goes on without waiting for answers."""
        while not self._client.has_message():
            if not await self._client.more(_FLUSH_PATIENCE):
                return False
        return True

    async def _extended(self, batch: list[tuple[bytes, bytes]], *, sync: bool) -> None:
        if self._skipping:
            self._skipping = not sync
            if sync:
                self._send_ready()
            return
        try:
            frames, parsed, executed = self._read(batch)
            await self._check(parsed + executed)
            wrapped = await self._prepare(parsed, executed)
        except RedshiftError as problem:
            self._forget(batch)
            await self._fail(problem, sync=sync)
            return
        self._backend.channel.write(frames + wire.message(b"S" if sync else b"H"))
        relay = Relay(self._backend, self._client, [plan.tag for plan in executed])
        if not sync:
            await relay.until_answers(sum(2 if k == b"D" and p[:1] == b"S" else 1 for k, p in batch))
            self._skipping = relay.failed
            return
        await relay.until_ready()
        self._remember(batch, relay.as_text)
        await self._complete(executed, wrapped=wrapped, failed=relay.failed)
        self._send_ready()

    def _read(self, batch: list[tuple[bytes, bytes]]) -> tuple[bytes, list[Plan], list[Plan]]:
        """The batch for the backend, and the plans that it parses and executes."""
        frames: list[bytes] = []
        parsed: list[Plan] = []
        executed: list[Plan] = []
        for kind, payload in batch:
            body = payload
            if kind == b"P":
                plan, body = self._parse(payload)
                parsed.append(plan)
            elif kind == b"B":
                body = self._bind(payload)
            elif kind == b"E":
                executed.append(self._portals.get(wire.cstring(payload)[0], _EMPTY))
            frames.append(wire.message(kind, body))
        if len(executed) > 1 and any(plan.copy or plan.commits for plan in executed):
            raise RedshiftError("0A000", "this statement can not be one of several in a pipeline")
        return b"".join(frames), parsed, executed

    def _bind(self, payload: bytes) -> bytes:
        portal, after = wire.cstring(payload)
        name, _ = wire.cstring(payload, after)
        self._portals[portal] = self._statements.get(name, _EMPTY)
        columns = self._as_text.get(name)
        return bound_as_text(payload, columns) if columns else payload

    def _parse(self, payload: bytes) -> tuple[Plan, bytes]:
        name, after = wire.cstring(payload)
        sql, after = wire.cstring(payload, after)
        plans = translate(sql)
        if len(plans) > 1:
            raise RedshiftError("42601", "cannot insert multiple commands into a prepared statement")
        plan = plans[0] if plans else _EMPTY
        self._statements[name] = plan
        self._as_text.pop(name, None)
        return plan, name.encode() + b"\0" + plan.sql.encode() + b"\0" + payload[after:]

    def _remember(self, batch: list[tuple[bytes, bytes]], columns: Columns | None) -> None:
        """Which columns of a described statement have to come as text when it is bound."""
        for kind, payload in batch:
            if columns and kind == b"D" and payload[:1] == b"S":
                self._as_text[wire.cstring(payload, 1)[0]] = columns

    def _forget(self, batch: Iterable[tuple[bytes, bytes]]) -> None:
        for kind, payload in batch:
            if kind == b"P":
                self._statements.pop(wire.cstring(payload)[0], None)

    async def _check(self, plans: list[Plan]) -> None:
        """Refuse what the state of the transaction does not allow."""
        for plan in plans:
            if self._backend.status == b"E" and plan.control not in {"commit", "rollback"}:
                raise RedshiftError(FAILED_TRANSACTION, _ABORTED)
            if self._backend.status == b"T" and plan.outside:
                raise RedshiftError(ACTIVE_TRANSACTION, f"{plan.outside} cannot run inside a transaction block")

    async def _prepare(self, parsed: list[Plan], executed: list[Plan]) -> bool:
        """Do what comes before the statements; whether a transaction was opened for them.

        A statement that writes is locked for when it is parsed already, because parsing takes the snapshot.
        """
        wrapped = self._backend.status == b"I" and any(plan.needs_transaction for plan in executed)
        if wrapped:
            await self._backend.query("BEGIN")
        try:
            if self._backend.status == b"T":
                await self._lock(parsed + executed)
            for plan in executed:
                for sql in plan.before:
                    await self._backend.query(sql)
                if plan.copy:
                    await self._copier.copy(self._backend, plan.copy)
        except RedshiftError:
            if wrapped:
                await self._end("ROLLBACK")
            raise
        return wrapped

    async def _lock(self, plans: list[Plan]) -> None:
        for plan in plans:
            for table in plan.locks:
                if table not in self._locked:
                    await self._backend.query(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
                    await self._refuse_view(table)
                    self._locked.add(table)

    async def _refuse_view(self, table: str) -> None:
        """PostgreSQL can write through a simple view. This reads, so it takes the snapshot: only after the lock."""
        found = await self._backend.query(_IS_VIEW.format(literal(table)))
        if found:
            raise RedshiftError("0A000", f"cannot change the view {table}")

    async def _complete(self, executed: list[Plan], *, wrapped: bool, failed: bool) -> None:
        """Do what comes after the statements; an error here is the client's too."""
        try:
            if not failed:
                for plan in executed:
                    for sql in plan.after:
                        await self._backend.query(sql)
            if any(plan.commits for plan in executed) and self._backend.status == b"T":
                await self._end("COMMIT")
            elif wrapped:
                await self._end("ROLLBACK" if failed else "COMMIT")
        except BackendError as problem:
            self._client.write(wire.error(problem.fields()))
            if wrapped:
                await self._end("ROLLBACK")

    async def _end(self, verb: str) -> None:
        await self._backend.query(verb)
        self._locked.clear()

    async def _fail(self, problem: RedshiftError, *, sync: bool) -> None:
        """Tell the client; an open transaction is aborted, as after any error."""
        if self._backend.status == b"T":
            try:
                await self._backend.query("ROLLBACK TO SAVEPOINT aborted_by_an_error")
            except BackendError:
                logger.debug("transaction aborted after %s", problem.code)
        self._client.write(wire.error(problem.fields()))
        if sync:
            self._send_ready()
        else:
            self._skipping = True

    def _send_ready(self) -> None:
        if self._backend.status == b"I":
            self._locked.clear()
        self._client.write(wire.ready(self._backend.status))

    async def _simple(self, sql: str) -> None:
        """The simple protocol; several statements form one transaction unless they manage it themselves."""
        try:
            plans = translate(sql)
        except RedshiftError as problem:
            await self._fail(problem, sync=True)
            return
        if not plans:
            self._client.write(wire.message(b"I"))
            self._send_ready()
            return
        together = len(plans) > 1 and self._backend.status == b"I" and not any(plan.control for plan in plans)
        if together and not any(plan.outside for plan in plans):
            await self._backend.query("BEGIN")
            done = await self._run_all(plans)
            if self._backend.status != b"I":
                await self._end("COMMIT" if done else "ROLLBACK")
        else:
            await self._run_all(plans)
        self._send_ready()

    async def _run_all(self, plans: tuple[Plan, ...]) -> bool:
        for plan in plans:
            if not await self._run_one(plan):
                return False
        return True

    async def _run_one(self, plan: Plan) -> bool:
        try:
            await self._check([plan])
            wrapped = await self._prepare([], [plan])
        except RedshiftError as problem:
            await self._fail(problem, sync=False)
            self._skipping = False
            return False
        self._backend.channel.write(wire.query(plan.sql))
        relay = Relay(self._backend, self._client, [plan.tag])
        await relay.until_ready()
        await self._complete([plan], wrapped=wrapped, failed=relay.failed)
        return not relay.failed
