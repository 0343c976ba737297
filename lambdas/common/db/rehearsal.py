"""A session that sends nothing: what a load or a migration would send is noted, by the very code that sends it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

# Gives the rows of a statement with its parameters.
Answer = Callable[[str, Sequence[Any]], Sequence[Mapping[str, Any]]]


class Rehearsal:
    """Stands where a connection does.

    `statements` are those that would have reached the warehouse, in their order and as its history shows them: values
    that are bound as $1, $2 and so on.
    """

    def __init__(self, answer: Answer) -> None:
        """`answer` knows what the statements ask; those that only change something have no rows."""
        self.statements: list[str] = []
        self.autocommit = False
        self._answer = answer
        self._open = False

    def cursor(self) -> "RehearsedCursor":
        """A cursor whose statements are noted."""
        return RehearsedCursor(self)

    def run(self, sql: str, args: Sequence[Any] | None) -> Sequence[Mapping[str, Any]]:
        """Note a statement, and the beginning of its transaction, as the driver sends them; its rows."""
        from redshift_connector.core import convert_paramstyle

        if not self.autocommit and not self._open:
            self.statements.append("begin transaction")
            self._open = True
        self.statements.append((convert_paramstyle("format", sql)[0] if args else sql).strip())
        return self._answer(sql, args or ())

    def commit(self) -> None:
        """Note the end of the transaction."""
        self.statements.append("commit")
        self._open = False

    def rollback(self) -> None:
        """Note that the transaction is given up, if there is one."""
        if self._open:
            self.statements.append("rollback")
        self._open = False


class RehearsedCursor:
    """What `lambdas.common.db.redshift` needs of a cursor."""

    rowcount = -1

    def __init__(self, session: Rehearsal) -> None:
        self._session = session
        self._rows: Sequence[Mapping[str, Any]] = ()

    def __enter__(self) -> "RehearsedCursor":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    @property
    def description(self) -> list[tuple[str]]:
        """The names of the rows' columns."""
        return [(name,) for name in (self._rows[0] if self._rows else ())]

    def execute(self, sql: str, args: Sequence[Any] | None = None) -> None:
        """Note the statement."""
        self._rows = self._session.run(sql, args)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rows of the last statement."""
        return [tuple(row.values()) for row in self._rows]
