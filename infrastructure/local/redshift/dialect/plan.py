"""What is to be done for one statement."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Control = Literal["", "begin", "commit", "rollback"]

# what the backend executes in place of a statement that it has no part in: no rows, no snapshot
NOTHING = "SET redshift.nothing TO ''"


@dataclass(frozen=True)
class CopyStatement:
    """A COPY ... FROM 's3://...', its options checked.

    Attributes:
        table: Quoted name of the target.
        columns: Folded column names, empty for all.
        source: The s3:// URL, a manifest's or a key prefix.
        manifest: Whether the source is a manifest.
        fill_record: Whether missing columns at the end are NULL.
        serialize_to_json: Whether nested columns become SUPER.
    """

    table: str
    columns: tuple[str, ...]
    source: str
    manifest: bool = False
    fill_record: bool = False
    serialize_to_json: bool = False


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
        tag: The command tag the client sees, if it is not the backend's.
        copy: The COPY that the proxy itself carries out in place of `sql`.
    """

    sql: str
    locks: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    control: Control = ""
    commits: bool = False
    outside: str | None = None
    tag: str | None = None
    copy: CopyStatement | None = field(default=None)

    @property
    def needs_transaction(self) -> bool:
        """Whether several statements have to succeed or fail together."""
        return bool(self.locks or self.before or self.after or self.copy)
