"""The bytes of a large Parquet object that are needed now, on disk at their places: the rest of the file is a hole."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdas.common.errors import AnalyticsError, ObjectError
from lambdas.common.lake import RawObject

CHANGED = ("PreconditionFailed", "NoSuchKey", "412", "404")
MAGIC = b"PAR1"
# Most footers fit; a longer one is read again as a whole.
TAIL = 1 << 20
CHUNK = 1 << 20
# A row group's bytes: they have to be fetched, read and put within one call.
MOST_GROUP_BYTES = 512 << 20
# What a range takes of the disk, in its own bytes: as it came, unpacked and written again, its two results.
COPIES = 3


class ChangedError(AnalyticsError):
    """The object is not there as it was listed."""


@dataclass(frozen=True, slots=True)
class Range:
    """Whole row groups: rows [first, end) of the object, in its bytes [start, stop)."""

    first: int
    end: int
    start: int
    stop: int


def plan_ranges(metadata: Any, most_bytes: int, disk: int) -> list[Range]:
    """The object's row groups in ranges of at most that many bytes, one row group at least. Empty ones are passed over.

    Args:
        metadata: pyarrow's FileMetaData of the object.
        most_bytes: of a range.
        disk: bytes, of which a range of several row groups may take its share unpacked as well.
    """
    ranges: list[Range] = []
    row = unpacked = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        if not group.num_rows:
            continue
        start, stop = _extent(group)
        end = row + group.num_rows
        unpacked += group.total_byte_size
        if ranges and stop - ranges[-1].start <= most_bytes and unpacked <= disk // COPIES:
            ranges[-1] = Range(ranges[-1].first, end, ranges[-1].start, stop)
        else:
            ranges.append(Range(row, end, start, stop))
            unpacked = group.total_byte_size
        row = end
    return ranges


def refuse_if_too_wide(ranges: Sequence[Range], disk: int) -> None:
    """Raise ObjectError where a range, of one row group then, is more than is taken at once; `disk` in bytes."""
    most = min(MOST_GROUP_BYTES, disk // COPIES)
    for place in ranges:
        if place.stop - place.start > most:
            raise ObjectError(
                f"its rows {place.first:,} to {place.end - 1:,} are one row group of {place.stop - place.start:,} "
                f"bytes, and {most:,} may be: it is taken at once, with {disk:,} bytes of disk (ProcessStorage). Write "
                "the file with smaller row groups (row_group_size in pyarrow, ROW_GROUP_SIZE in DuckDB)"
            )


def _extent(group: Any) -> tuple[int, int]:
    columns = [group.column(number) for number in range(group.num_columns)]
    starts = [_start(column) for column in columns]
    stops = [start + c.total_compressed_size for start, c in zip(starts, columns, strict=True)]
    return min(starts), max(stops)


def _start(column: Any) -> int:
    offset = column.dictionary_page_offset
    return int(min(offset, column.data_page_offset) if offset else column.data_page_offset)


class Ranges:
    """One object's bytes on disk, as far as they were read: those that were listed, where its ETag is given."""

    def __init__(self, s3: Any, bucket: str, item: RawObject, path: Path) -> None:
        self.path = path
        self._s3 = s3
        self._bucket = bucket
        self._item = item

    def read_footer(self) -> Any:
        """Bring the footer to its place; pyarrow's FileMetaData.

        Raises:
            ChangedError: the object is not there as it was listed.
            ObjectError: it is no readable Parquet.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        size = self._item.size
        with self.path.open("wb") as file:
            file.truncate(size)
            file.write(MAGIC)
        self._fetch(max(size - TAIL, 0), size)
        length = self._footer_length()
        if length > min(TAIL, size):
            self._fetch(size - length, size)
        try:
            return pq.read_metadata(self.path)
        except (pa.ArrowException, OSError) as error:
            raise ObjectError(f"no readable Parquet file: {str(error).splitlines()[0]}") from error

    def read(self, place: Range) -> None:
        """Bring the range's bytes to their place.

        Raises:
            ChangedError: the object is not there as it was listed.
        """
        self._fetch(place.start, place.stop)

    def read_columns(self, names: Sequence[str] | None) -> None:
        """Bring the footer and these columns to their places, all columns for None.

        Raises:
            ChangedError, ObjectError: as `read_footer`.
        """
        metadata = self.read_footer()
        groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        for column in (group.column(number) for group in groups for number in range(group.num_columns)):
            if names is None or column.path_in_schema.split(".")[0] in names:
                self._fetch(_start(column), _start(column) + column.total_compressed_size)

    def forget(self) -> None:
        """Give the disk back what was read; the footer stays."""
        tail = self._item.size - self._footer_length()
        with self.path.open("r+b") as file:
            footer = _read_from(file, tail)
            file.truncate(0)
            file.write(MAGIC)
            file.truncate(self._item.size)
            file.seek(tail)
            file.write(footer)

    def _footer_length(self) -> int:
        """Footer, its length and the magic behind it, in bytes; not more than the object has."""
        with self.path.open("rb") as file:
            file.seek(-8, os.SEEK_END)
            return min(int.from_bytes(file.read(4), "little") + 8, self._item.size)

    def _fetch(self, start: int, stop: int) -> None:
        asked = {"Bucket": self._bucket, "Key": self._item.key}
        if self._item.etag:
            asked["IfMatch"] = self._item.etag
        try:
            reply = self._s3.get_object(**asked, Range=f"bytes={start}-{stop - 1}")
        except self._s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in CHANGED:
                raise ChangedError(f"{self._item.key} changed since it was listed") from error
            raise
        with self.path.open("r+b") as file:
            file.seek(start)
            for chunk in reply["Body"].iter_chunks(CHUNK):
                file.write(chunk)


def _read_from(file: Any, place: int) -> bytes:
    file.seek(place)
    return bytes(file.read())
