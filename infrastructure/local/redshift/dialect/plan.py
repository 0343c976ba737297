"""What is to be done for one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from infrastructure.local.redshift.dialect.transfers import CopyStatement, UnloadStatement

Control = Literal["", "begin", "commit", "rollback"]

# what the backend executes in place of a statement that it has no part in: no rows, no snapshot
NOTHING = "SET redshift.nothing TO ''"


@dataclass(frozen=True)
class Plan:
    """One statement, ready for the backend.

    Attributes:
        sql: The text for the backend.
        locks: Quoted names of tables to be write-locked before it runs.
        before: Statements to run before it, in its transaction.
        after: Statements to run after it, in its transaction.
        control: Whether it begins or ends a transaction.
        commits: Whether it commits the transaction that it runs in.
        outside: Its name, if it may not run in a transaction block.
        inside: Its name, if it has to run in a transaction block.
        tag: The command tag the client sees, if it is not the backend's.
        copy: The COPY that the proxy itself carries out in place of `sql`.
        unload: The UNLOAD that the proxy itself carries out in place of `sql`.
        source: The statement as the client sent it.
    """

    sql: str
    locks: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    control: Control = ""
    commits: bool = False
    outside: str | None = None
    inside: str | None = None
    tag: str | None = None
    copy: CopyStatement | None = None
    unload: UnloadStatement | None = None
    source: str = ""

    @property
    def needs_transaction(self) -> bool:
        """Whether several statements have to succeed or fail together."""
        return bool(self.locks or self.before or self.after or self.copy or self.unload)
