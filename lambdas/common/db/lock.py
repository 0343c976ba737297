"""The lock of a source: an empty table of its own, so that neither readers nor other sources are blocked.

A session that loads says in its name until when it works at most. Whoever waits for the lock longer than a few seconds
looks who holds it, and ends a holder whose time is over: a frozen function would keep everybody out. The server's
own limit on idle sessions (`access.LOADER_IDLE_SECONDS`) is the second net.

The ledger is one table, which all sources write as the last of their transactions: whoever freezes between that and the
COMMIT would keep other sources out until its time is over. So nobody may hold it for longer than `HOLD_SECONDS`.
"""

import datetime as dt
import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from lambdas.common.db.redshift import autocommit, execute, query, rollback, set_timeout
from lambdas.common.db.sql import identifier, statement
from lambdas.common.errors import AnalyticsError, StatementCancelled, WarehouseBusy

logger = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE_SECONDS = 3
# Between its entry in the ledger and its COMMIT a loader has one small statement to run.
HOLD_SECONDS = 15
LEDGER = "load_ledger"
# What a statement of the ledger may take that waits for nobody, as on a warehouse that wakes up.
SLOW_SECONDS = 2 * HOLD_SECONDS
# Left of the limit when the lock is given up: the transaction itself takes some.
SPARE_SECONDS = 10
UNTIL = re.compile(r"\buntil (\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z)")
# Functions' clocks differ by less.
CLOCK_SECONDS = 1


def session_name(source: str, limit: float, load_id: str) -> str:
    """What a loading session calls itself: `load <source> until <UTC> <load_id>`.

    `limit` is the time.monotonic() at which its function is over. The deadline stands within the first 63 characters,
    which is all that some servers keep.
    """
    until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=limit - time.monotonic())
    return f"load {source[:30]} until {until:%Y-%m-%dT%H:%M:%SZ} {load_id}"


def lock_source(connection: Any, source: str, limit: float) -> None:
    """Take the source's lock as the first statement of a transaction, before any snapshot.

    `limit` is the time.monotonic() by which the transaction has to be over.

    Raises:
        WarehouseBusy: somebody else holds the lock and may; the transaction is rolled back.
    """
    while True:
        left = limit - SPARE_SECONDS - time.monotonic()
        with autocommit(connection):  # a SET inside the transaction would be undone with it
            set_timeout(connection, min(PATIENCE_SECONDS, left))
        try:
            execute(connection, f"LOCK {identifier('ops.lock_' + source)}")
            break
        except StatementCancelled as error:
            rollback(connection)
            if left <= PATIENCE_SECONDS:
                raise WarehouseBusy(f"another load of {source} holds its lock and may") from error
            end_overdue(connection, source)
    set_timeout(connection, limit - time.monotonic())


def end_overdue(connection: Any, source: str) -> list[int]:
    """End the sessions that hold the source's lock beyond the time in their names; their process ids.

    Nobody is ended who says no time. A look that fails is logged and changes nothing: the wait goes on.
    """
    return _end(connection, f"lock_{source}", lambda holder, until: _is_over(until))


class LedgerHeld(WarehouseBusy):
    """Another source's load holds the ledger; the transaction is to be run again, in the same session."""


class LedgerTurn:
    """One loader's wait for the ledger, over several runs of its transaction."""

    def __init__(self, limit: float) -> None:
        """`limit` is the time.monotonic() by which the transaction has to be over."""
        self._limit = limit
        self._patience = float(PATIENCE_SECONDS)
        self._seen: dict[tuple[int, str], float] = {}

    @contextmanager
    def appending(self, connection: Any) -> Iterator[None]:
        """The statements of the block write the ledger, and wait for it within the loader's patience.

        Raises:
            LedgerHeld: they waited longer; the transaction is to be rolled back.
        """
        set_timeout(connection, min(self._patience, self._left()))
        try:
            yield
        except StatementCancelled as error:
            raise LedgerHeld("another source's load holds the ledger and may") from error
        set_timeout(connection, self._left())

    def has_time(self) -> bool:
        """Whether the transaction may be run once more."""
        return self._left() > SPARE_SECONDS

    def pass_over(self, connection: Any) -> list[int]:
        """End who holds the ledger beyond its time, or for too long; their process ids. Next time patience is double.

        Where nobody holds it, one's own statement was slow: next time it gets what it may need.
        """
        met = []

        def is_to_end(holder: tuple[int, str], until: dt.datetime) -> bool:
            met.append(holder)
            return _is_over(until) or self._holds_long(holder)

        ended = _end(connection, LEDGER, is_to_end)
        self._patience = max(self._patience * 2, 0 if met else SLOW_SECONDS)
        return ended

    def _left(self) -> float:
        return self._limit - time.monotonic()

    def _holds_long(self, holder: tuple[int, str]) -> bool:
        now = time.monotonic()
        return now - self._seen.setdefault(holder, now) >= HOLD_SECONDS


def take_turns(connection: Any, limit: float, transact: Callable[[LedgerTurn], T]) -> T:
    """Run a transaction that writes the ledger, again while another source holds it; what it answers.

    `limit` is the time.monotonic() by which it has to be over. What the session has staged outlives the rollback.

    Raises:
        LedgerHeld: no time is left.
    """
    turn = LedgerTurn(limit)
    while True:
        try:
            return transact(turn)
        except LedgerHeld:
            if not turn.has_time():
                raise
            turn.pass_over(connection)


def _end(connection: Any, table: str, is_to_end: Callable[[tuple[int, str], dt.datetime], bool]) -> list[int]:
    """End those who hold a table of ops and are to be ended, by process id and transaction; none who says no time."""
    ended = []
    try:
        with autocommit(connection):
            for holder in _holders(connection, table):
                until = _until(connection, holder[0])
                if until and is_to_end(holder, until):
                    logger.warning("session %d holds ops.%s beyond its time: it is ended", holder[0], table)
                    query(connection, "SELECT pg_terminate_backend(%s)", (holder[0],))
                    ended.append(holder[0])
    except AnalyticsError as error:
        logger.warning("who holds ops.%s could not be found out: %s", table, error)
    return ended


def _holders(connection: Any, table: str) -> list[tuple[int, str]]:
    tables = query(connection, statement("lock_table"), (table,))
    rows = [row for t in tables for row in query(connection, statement("lock_holders"), (t["id"],))]
    return [(int(row["pid"]), str(row["xid"])) for row in rows]


def _until(connection: Any, pid: int) -> dt.datetime | None:
    """The time that the session's name says, if any. Its newest line: process ids are used again."""
    rows = query(connection, statement("session_name"), (pid,))
    found = UNTIL.search(str(rows[0]["application_name"])) if rows else None
    return dt.datetime.strptime(found[1], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC) if found else None


def _is_over(until: dt.datetime) -> bool:
    return until + dt.timedelta(seconds=CLOCK_SECONDS) < dt.datetime.now(dt.UTC)
