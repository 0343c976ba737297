"""The files of an UNLOAD: which block of rows goes to which, what they are called, and the manifest of them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from infrastructure.local.redshift.dialect.transfers import UnloadStatement
from infrastructure.local.redshift.unloading.columns import Column
from infrastructure.local.redshift.unloading.destination import Destination
from infrastructure.local.redshift.unloading.writers import Writer

_SLICES = 2
_ENDINGS = {"gzip": ".gz", "bz2": ".bz2", "zstd": ".zst", "": ""}


@dataclass(frozen=True)
class Unloaded:
    """A file that was put: URL, bytes, and rows with the header line."""

    url: str
    size: int
    rows: int


class Files:
    """The files of one UNLOAD.

    Args:
        statement: The UNLOAD.
        destination: Where full files go.
        make: Begins a file.

    Attributes:
        done: The files that were put, in order.
    """

    def __init__(self, statement: UnloadStatement, destination: Destination, make: Callable[[], Writer]) -> None:
        self._statement = statement
        self._destination = destination
        self._make = make
        self._open: dict[int, Writer] = {}
        self._parts: dict[tuple[str, int], int] = {}
        self._folder = ""
        self._blocks = 0
        self.done: list[Unloaded] = []

    def write(self, block: Any, folder: str = "") -> None:
        """Add rows to a file of the folder: one slice after the other has its turn, if PARALLEL is on."""
        if folder != self._folder:
            self.close()
            self._folder, self._blocks = folder, 0
        part = self._blocks % _SLICES if self._statement.parallel else 0
        self._blocks += 1
        writer = self._open.get(part)
        if writer is not None and writer.full(block):
            self._put(part)
            writer = None
        if writer is None:
            writer = self._open[part] = self._make()
        writer.write(block)

    def begin(self) -> None:
        """Begin the first file although there are no rows."""
        self._open[0] = self._make()

    def close(self) -> None:
        """Put all files that are open."""
        for part in sorted(self._open):
            self._put(part)

    def abandon(self) -> None:
        """Forget the files that are open; those that were put stay, as S3 knows no transactions."""
        for writer in self._open.values():
            writer.file.close()
        self._open.clear()

    def _put(self, part: int) -> None:
        writer = self._open.pop(part)
        size = writer.close()
        with writer.file:
            url = self._destination.put(self._name(part), writer.file, folder=self._folder)
        self.done.append(Unloaded(url, size, writer.rows))

    def _name(self, part: int) -> str:
        number = self._parts.get((self._folder, part), 0)
        self._parts[self._folder, part] = number + 1
        return (f"{part:04d}_part_{number:02d}" if self._statement.parallel else f"{number:03d}") + self._ending()

    def _ending(self) -> str:
        if self._statement.extension is not None:
            return f".{self._statement.extension}"
        if self._statement.format == "PARQUET":
            return ".parquet"
        return (".json" if self._statement.format == "JSON" else "") + _ENDINGS[self._statement.compression]


def put_manifest(
    statement: UnloadStatement, destination: Destination, files: Sequence[Unloaded], columns: Sequence[Column]
) -> None:
    """Put `<prefix>manifest`, with sizes, rows and columns if it is VERBOSE.

    COPY needs the sizes of Parquet files, so these are there without VERBOSE too.
    """
    document: dict[str, object] = {"entries": [_entry(statement, file) for file in files]}
    if statement.verbose:
        document["schema"] = {"elements": [column.described for column in columns]}
        document["meta"] = {
            "content_length": sum(file.size for file in files),
            "record_count": sum(file.rows for file in files),
        }
        document["author"] = {"name": "Amazon Redshift", "version": "1.0.0"}
    destination.put("manifest", io.BytesIO(json.dumps(document, indent=2).encode()))


def _entry(statement: UnloadStatement, file: Unloaded) -> dict[str, object]:
    entry: dict[str, object] = {"url": file.url}
    if statement.verbose:
        entry["meta"] = {"content_length": file.size, "record_count": file.rows}
    elif statement.format == "PARQUET":
        entry["meta"] = {"content_length": file.size}
    return entry
