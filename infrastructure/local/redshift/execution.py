"""What runs around the statements of a session, on the same backend connection.

Before them: locks, checks, the endpoint's own part (COPY). After them: follow-ups, and the end of a transaction that
was opened for them alone.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from infrastructure.local.redshift import wire
from infrastructure.local.redshift.backend import Backend
from infrastructure.local.redshift.dialect.lexer import literal
from infrastructure.local.redshift.dialect.plan import Plan
from infrastructure.local.redshift.dialect.scope import ColumnsNeeded, KnownColumns
from infrastructure.local.redshift.dialect.translate import translate
from infrastructure.local.redshift.errors import (
    ACTIVE_TRANSACTION,
    FAILED_TRANSACTION,
    TIMED_OUT,
    BackendError,
    RedshiftError,
    cancelled,
)
from infrastructure.local.redshift.faults import Faults
from infrastructure.local.redshift.history import DEFAULT_LABEL, History, Statement, label_after
from infrastructure.local.redshift.interruption import Interruption
from infrastructure.local.redshift.lookup import known_columns
from infrastructure.local.redshift.relay import Relay
from infrastructure.local.redshift.transfers import Transfers

logger = logging.getLogger(__name__)

_ABORTED = "current transaction is aborted, commands ignored until end of transaction block"
# a text up to this length is read within some milliseconds; the other sessions do not wait for a longer one
_READ_AT_ONCE = 2_000
_LAST_QUERY = "pg_last_query_id"
_NOTE_QUERY = "SELECT pg_catalog.set_config('redshift.last_query_id', '{}', false)"
_TIMEOUT = "SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'statement_timeout'"
_IS_VIEW = "SELECT 1 FROM pg_catalog.pg_class WHERE oid = {}::pg_catalog.regclass AND relkind = 'v'"


class Execution:
    """The surroundings of one session's statements.

    Args:
        client: The client's connection.
        backend: The session's server process.
        transfers: Carries out COPY and UNLOAD.
        history: Is told what was run.
        faults: What tests have ordered to go wrong, or None.

    Attributes:
        implicit: Whether a transaction is open that the client has not begun.
    """

    def __init__(
        self, client: wire.Channel, backend: Backend, transfers: Transfers, history: History, faults: Faults | None
    ) -> None:
        self._client = client
        self._backend = backend
        self._transfers = transfers
        self._history = history
        self._running: list[Statement] = []
        self._last_id = -1
        self._label = DEFAULT_LABEL
        self._faults = faults
        self._locked: set[str] = set()
        self._interrupt: asyncio.Future[None] | None = None
        self._transfer: Interruption | None = None
        self.implicit = False

    async def plans(self, sql: str) -> tuple[Plan, ...]:
        """The plans of a text; what they depend on is looked up, after the locks of a statement that writes.

        Raises:
            RedshiftError: It is refused.
        """
        try:
            return await self._translated(sql)
        except ColumnsNeeded as needed:
            if self._backend.status == b"E":
                raise RedshiftError(FAILED_TRANSACTION, _ABORTED) from needed
            if self._backend.status == b"T":
                await self._lock([Plan("", locks=needed.locks)])
            return await self._translated(sql, await known_columns(self._backend, needed.tables))

    async def _translated(self, sql: str, known: KnownColumns | None = None) -> tuple[Plan, ...]:
        if len(sql) <= _READ_AT_ONCE:
            return translate(sql, known)
        reading = asyncio.ensure_future(asyncio.to_thread(translate, sql, known))
        self._interrupt = asyncio.get_running_loop().create_future()
        try:
            waiting: set[asyncio.Future[Any]] = {reading, self._interrupt}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if self._interrupt.done():
                raise cancelled()
            return reading.result()
        finally:
            self._interrupt = None
            reading.cancel()

    def interrupt(self) -> bool:
        """Give up the statement that is being read; whether there was one. A COPY gives up its work on S3 besides."""
        if self._transfer:
            self._transfer.ask()
        if self._interrupt is None:
            return False
        if not self._interrupt.done():
            self._interrupt.set_result(None)
        return True

    async def before(self, parsed: list[Plan], executed: list[Plan], *, together: bool = False) -> None:
        """Do what comes before the statements.

        A statement that writes is locked for when it is parsed already, because parsing takes the snapshot.

        Args:
            parsed: The statements that are only parsed now.
            executed: The statements that are executed now.
            together: Whether they succeed or fail together with others.

        Raises:
            RedshiftError: They must not be run.
            ConnectionLost: A test wants it so.
        """
        self._check(parsed + executed)
        await self._meet_faults(executed)
        self._running = [self._history.begin(plan) for plan in executed]
        try:
            await self._prepare(parsed, executed, together=together)
        except RedshiftError as problem:
            self._remember([], problem.message)
            raise

    async def _prepare(self, parsed: list[Plan], executed: list[Plan], *, together: bool) -> None:
        if self._backend.status == b"I" and any(_wants_transaction(plan, together=together) for plan in executed):
            await self._backend.query("BEGIN")
            self.implicit = True
        if self._backend.status == b"T":
            await self._lock(parsed + executed)
        for statement in self._running:
            plan = statement.plan
            if _LAST_QUERY in plan.source.lower():
                await self._backend.query(_NOTE_QUERY.format(self._last_id))
            for sql in plan.before:
                await self._backend.query(sql)
            if plan.copy or plan.unload:
                await self._run_transfer(plan, statement.query_id)

    def _remember(self, tags: list[str], failure: str) -> None:
        """Tell the history how the last statements ended: the first ones with tags, the next one perhaps failed."""
        for place, statement in enumerate(self._running):
            tag = tags[place] if place < len(tags) else ""
            if tag or failure:
                self._history.end(statement, self._backend, self._label, tag=tag, failure="" if tag else failure)
                self._last_id = statement.query_id
                self._label = label_after(statement.plan, self._label) if tag else self._label
                failure = failure if tag else ""
        self._running = []

    async def _run_transfer(self, plan: Plan, query_id: int) -> None:
        """Carry out a COPY or UNLOAD within the session's statement_timeout (milliseconds; 0 is none)."""
        loop = asyncio.get_running_loop()
        ((milliseconds,),) = await self._backend.query(_TIMEOUT)
        self._transfer = Interruption(query_id)
        after = int(milliseconds or 0) / 1000
        timer = loop.call_later(after, self._transfer.ask, TIMED_OUT) if after else None
        try:
            for told in await self._transfers.run(self._backend, plan, self._transfer):
                self._client.write(wire.info(told))
        finally:
            self._transfer = None
            if timer:
                timer.cancel()

    def _check(self, plans: list[Plan]) -> None:
        """Refuse what the state of the transaction does not allow."""
        for plan in plans:
            if self._backend.status == b"E" and plan.control not in {"commit", "rollback"}:
                raise RedshiftError(FAILED_TRANSACTION, _ABORTED)
            if self._backend.status == b"I" and plan.inside:
                raise RedshiftError("25P01", f"{plan.inside} may only be used in transaction blocks")
            if self._backend.status == b"T" and plan.outside:
                raise RedshiftError(ACTIVE_TRANSACTION, f"{plan.outside} cannot run inside a transaction block")

    async def _meet_faults(self, plans: list[Plan]) -> None:
        if not self._faults:
            return
        try:
            self._client.muted |= await self._faults.meet(self._backend, plans)
        except wire.ConnectionLost:
            self._client.abort()
            raise
        except RedshiftError:
            if self._backend.status == b"T" and any(plan.control == "commit" for plan in plans):
                await self.end("ROLLBACK")  # a commit that fails leaves no transaction open
            raise

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

    async def after(self, executed: list[Plan], relay: Relay, *, together: bool = False) -> bool:
        """Do what comes after the statements; an error here is the client's too.

        Returns:
            Whether all went well.
        """
        failed = relay.failed
        self._remember(relay.completed, relay.failure)
        if self.implicit and any(plan.control for plan in executed):
            self.implicit = False  # the client has taken the transaction over, or ended it
        try:
            if not failed:
                for plan in executed:
                    for sql in plan.after:
                        await self._backend.query(sql)
            if any(plan.commits for plan in executed) and self._backend.status == b"T":
                await self.end("COMMIT")
            elif not together:
                await self.finish(failed=failed)
        except BackendError as problem:
            self._client.write(wire.error(problem.fields()))
            await self.finish(failed=True)
            failed = True
        self._lose()
        return not failed

    def _lose(self) -> None:
        if self._client.muted:
            self._client.abort()
            raise wire.ConnectionLost

    async def finish(self, *, failed: bool) -> None:
        """End the transaction that was opened for the statements, if one was.

        Raises:
            BackendError: It can not be committed.
        """
        if self.implicit:
            await self.end("ROLLBACK" if failed else "COMMIT")

    async def end(self, verb: str) -> None:
        """Commit or roll back."""
        self.implicit = False
        self.unlocked()
        await self._backend.query(verb)

    def unlocked(self) -> None:
        """A transaction has ended, and its locks with it."""
        self._locked.clear()

    async def abort(self) -> None:
        """After an error of the endpoint's own: an open transaction is aborted, as after any error."""
        if self._backend.status == b"T":
            try:
                await self._backend.query("ROLLBACK TO SAVEPOINT aborted_by_an_error")
            except BackendError as problem:
                logger.debug("transaction aborted: %s", problem.code)


def _wants_transaction(plan: Plan, *, together: bool) -> bool:
    return plan.needs_transaction or (together and not plan.control and not plan.outside)
