"""A COPY on its way, which its client may give up while its objects are still being listed or fetched."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from infrastructure.local.redshift.errors import cancelled

_Found = TypeVar("_Found")


class Interruption:
    """Whether a statement was given up.

    Args:
        query_id: The statement's.

    Attributes:
        query_id: The statement's.
        asked: Set once it was given up; threads at work look at it.
    """

    def __init__(self, query_id: int) -> None:
        self.query_id = query_id
        self.asked = threading.Event()
        self._told: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()

    def ask(self, detail: str | None = None) -> None:
        """Give the statement up; `detail` says why, if not for its client's wish."""
        self.asked.set()
        if not self._told.done():
            self._told.set_result(detail)

    async def thread(self, work: Callable[..., _Found], *arguments: object) -> _Found:
        """The result of work in another thread.

        Raises:
            RedshiftError: 57014, at once when the statement is given up; the thread ends when it notices.
        """
        working = asyncio.get_running_loop().run_in_executor(None, work, *arguments)
        return await self.first(working)

    async def first(self, working: asyncio.Future[_Found]) -> _Found:
        """What comes of `working`, unless the statement is given up before.

        Raises:
            RedshiftError: 57014.
        """
        waiting: set[asyncio.Future[Any]] = {working, self._told}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            working.add_done_callback(_forget)
            raise cancelled(self._told.result())
        return working.result()


def _forget(working: asyncio.Future[_Found]) -> None:
    """Look at the error of what nobody waits for any more."""
    if not working.cancelled():
        working.exception()
