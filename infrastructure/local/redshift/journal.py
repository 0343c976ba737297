"""What COPY, UNLOAD and other statements did, where Redshift's system views find it (catalog/loads.sql, queries.sql).

A log file beside the backend's data and not a table: an entry has to survive the rollback of the statement that it
tells about, and has to be seen in the very transaction, whatever its snapshot is.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path

_NAME = "rs_transfers.jsonl"
_QUERIES = "rs_queries.jsonl"
_FULL = 4 << 20
# the backend may run under another account; the folder keeps everybody else out
_READABLE = 0o644
_FIRST_ID = 1000


class Journal:
    """An append-only file of entries, the oldest forgotten when it grows too long.

    Args:
        folder: The backend's data directory.
        name: The file's name.
    """

    def __init__(self, folder: Path, name: str = _NAME) -> None:
        self._path = folder / name
        self._last_id = 0

    @classmethod
    def of_queries(cls, folder: Path) -> Journal:
        """The one of all statements."""
        return cls(folder, _QUERIES)

    def next_id(self) -> int:
        """A query id, greater than all that were given before, by earlier endpoints on this data too."""
        if not self._last_id:
            journals = (self, Journal(self._path.parent, _NAME))
            lines = (line for journal in journals for line in journal._lines())
            self._last_id = max((int(json.loads(line)["query_id"]) for line in lines), default=_FIRST_ID)
        self._last_id += 1
        return self._last_id

    def write(self, kind: str, entries: list[dict[str, object]]) -> None:
        """Append entries of one kind: load, load_file, load_error, unload, unload_file or query."""
        lines = [json.dumps({"kind": kind, **entry}, separators=(",", ":"), default=str) for entry in entries]
        if not lines:
            return
        with self._path.open("a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))
            size = file.tell()
        self._path.chmod(_READABLE)
        if size > _FULL:
            self._forget_half()

    def _lines(self) -> list[str]:
        return self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []

    def _forget_half(self) -> None:
        lines = self._lines()
        rest = self._path.with_suffix(".new")
        rest.write_text("".join(f"{line}\n" for line in lines[len(lines) // 2 :]), encoding="utf-8")
        rest.chmod(_READABLE)
        rest.replace(self._path)


def now() -> str:
    """The time in UTC without a zone, as system views show it."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def entry(**fields: object) -> dict[str, object]:
    """An entry's fields."""
    return fields


def merged(*parts: Mapping[str, object]) -> dict[str, object]:
    """Several parts of an entry in one."""
    return {name: value for part in parts for name, value in part.items()}
