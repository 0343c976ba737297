"""What COPY and UNLOAD were told, their options checked: the data between statement and execution."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

CopyFormat = Literal["PARQUET", "CSV", "TEXT", "JSON"]
UnloadFormat = Literal["PARQUET", "CSV", "TEXT", "JSON"]
Compression = Literal["", "gzip", "bz2", "zstd"]

MEGABYTE = 1 << 20
LARGEST_FILE = int(6.2 * 1024 * MEGABYTE)


@dataclass(frozen=True)
class TextOptions:
    """How fields of text files become values (DG/copy-parameters-data-format, copy-parameters-data-conversion).

    Attributes:
        delimiter: One character between fields.
        quote: CSV's quotation mark.
        null_as: The field that means NULL.
        date_format: YYYY-MM-DD and the like, or auto.
        time_format: A pattern, auto, epochsecs or epochmillisecs; nothing for the type's own default.
        invalid_character: What replaces each byte of invalid UTF-8, or None where that is an error.
        ignore_header: Lines to leave out at the start of each file.
        json_mapping: auto, auto ignorecase, noshred, or the s3:// URL of a JSONPaths file.
        max_error: The number of bad rows that makes the load fail; None never fails.
    """

    delimiter: str = "|"
    quote: str = '"'
    null_as: str = "\\N"
    empty_as_null: bool = False
    blanks_as_null: bool = False
    trim_blanks: bool = False
    truncate_columns: bool = False
    accept_any_date: bool = False
    date_format: str = "YYYY-MM-DD"
    time_format: str = ""
    invalid_character: str | None = None
    ignore_header: int = 0
    ignore_blank_lines: bool = False
    fill_record: bool = False
    escape: bool = False
    remove_quotes: bool = False
    round_decimals: bool = False
    json_mapping: str = "auto"
    max_error: int | None = 1


@dataclass(frozen=True)
class CopyStatement:
    """A COPY ... FROM 's3://...', its options checked.

    Attributes:
        table: Quoted name of the target.
        columns: Folded column names, empty for all.
        source: The s3:// URL, a manifest's or a key prefix.
        format: What the files hold.
        manifest: Whether the source is a manifest.
        serialize_to_json: Whether nested columns become SUPER.
        explicit_ids: Whether the files bring the values of IDENTITY columns.
        compression: How text files are compressed.
        no_load: Whether files are only checked.
        statistics: Whether STATUPDATE ON asks for an ANALYZE, which only the owner may.
        text: The options of text files; fill_record and invalid_character count for PARQUET too.
    """

    table: str
    columns: tuple[str, ...]
    source: str
    format: CopyFormat = "TEXT"
    manifest: bool = False
    serialize_to_json: bool = False
    explicit_ids: bool = False
    compression: Compression = ""
    no_load: bool = False
    statistics: bool = False
    text: TextOptions = field(default_factory=TextOptions)


@dataclass(frozen=True)
class UnloadStatement:
    """An UNLOAD ('select ...') TO 's3://...', its options checked (DG/r_UNLOAD).

    Attributes:
        query: The backend's text of the query.
        target: The s3:// URL that the names of the files start with.
        delimiter: One character between fields; nothing for PARQUET and JSON.
        null_as: What stands for NULL in text files.
        extension: What file names end with instead of the format's own ending, or None.
        partitions: Folded names of the columns that become folders.
        include: Whether these columns stay in the files.
        max_file_size: Bytes after which a further file is begun.
        row_group_size: Bytes of a row group of PARQUET.
    """

    query: str
    target: str
    format: UnloadFormat = "TEXT"
    delimiter: str = "|"
    null_as: str = ""
    header: bool = False
    add_quotes: bool = False
    escape: bool = False
    compression: Compression = ""
    extension: str | None = None
    manifest: bool = False
    verbose: bool = False
    allow_overwrite: bool = False
    clean_path: bool = False
    parallel: bool = True
    max_file_size: int = LARGEST_FILE
    row_group_size: int = 32 * MEGABYTE
    partitions: tuple[str, ...] = ()
    include: bool = False
