"""Connections whose statements have one time together: the server's own limit is for each statement alone."""

import time
from typing import Any

from lambdas.common.db.redshift import set_timeout
from lambdas.common.errors import StatementCancelled


class Limited:
    """A connection as any other, but each statement gets what is left until `deadline` (time.monotonic)."""

    def __init__(self, connection: Any, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline

    def cursor(self) -> Any:
        """A cursor for one statement.

        Raises:
            StatementCancelled: no time is left to begin it.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise StatementCancelled("no time is left to begin another statement")
        set_timeout(self._connection, left)
        return self._connection.cursor()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)
