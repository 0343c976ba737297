"""COPY as a statement: its options, checked against what Redshift allows for each format (DG/r_COPY)."""

from __future__ import annotations

from typing import cast

from infrastructure.local.redshift.dialect import options
from infrastructure.local.redshift.dialect.lexer import Tokens
from infrastructure.local.redshift.dialect.options import Given, redundant
from infrastructure.local.redshift.dialect.plan import NOTHING, Plan
from infrastructure.local.redshift.dialect.transfers import Compression, CopyFormat, CopyStatement, TextOptions
from infrastructure.local.redshift.errors import (
    INVALID_PARAMETER,
    NOT_SUPPORTED,
    RedshiftError,
    not_covered,
    syntax_error,
)

_MAX_ERROR_LIMIT = 100_000
_COMPRESSIONS: dict[str, Compression] = {"GZIP": "gzip", "BZIP2": "bz2", "ZSTD": "zstd"}
_FORMATS = ("PARQUET", "CSV", "JSON")
_MAPPINGS = {"auto", "auto ignorecase", "noshred"}

_READERS: dict[str, options.Reader] = {
    "PARQUET": options.flag,
    "CSV": options.flag,
    "JSON": options.optional_text("auto"),
    "QUOTE": options.character,
    "DELIMITER": options.character,
    "GZIP": options.flag,
    "BZIP2": options.flag,
    "ZSTD": options.flag,
    "MANIFEST": options.flag,
    "REGION": options.text,
    "ACCEPTANYDATE": options.flag,
    "ACCEPTINVCHARS": options.optional_text("?"),
    "BLANKSASNULL": options.flag,
    "DATEFORMAT": options.text,
    "EMPTYASNULL": options.flag,
    "ENCODING": options.one_of("UTF8", "UTF16", "UTF16LE", "UTF16BE", "ISO88591"),
    "ESCAPE": options.flag,
    "EXPLICIT_IDS": options.flag,
    "FILLRECORD": options.flag,
    "IGNOREBLANKLINES": options.flag,
    "IGNOREHEADER": options.number,
    "NULL": options.text,
    "REMOVEQUOTES": options.flag,
    "ROUNDEC": options.flag,
    "TIMEFORMAT": options.text,
    "TRIMBLANKS": options.flag,
    "TRUNCATECOLUMNS": options.flag,
    "COMPROWS": options.number,
    "COMPUPDATE": lambda tokens: bool(tokens.accept("PRESET")) or options.switch(tokens),
    "IGNOREALLERRORS": options.flag,
    "MAXERROR": options.number,
    "NOLOAD": options.flag,
    "STATUPDATE": options.switch,
    "SERIALIZETOJSON": options.flag,
}
_NOT_COVERED = frozenset(
    {"AVRO", "ORC", "SHAPEFILE", "SIMPLIFY", "FIXEDWIDTH", "LZOP", "ENCRYPTED", "MASTER_SYMMETRIC_KEY", "KMS_KEY_ID",
     "READRATIO", "SSH", "JOB"}
)  # fmt: skip
# DG/copy-usage_notes-copy-from-columnar; SERIALIZETOJSON by DG/ingest-super. MAXERROR 0 is no limit and passes
_COLUMNAR = {
    "AUTHORIZATION", "PARQUET", "ACCEPTINVCHARS", "FILLRECORD", "STATUPDATE", "MANIFEST", "EXPLICIT_IDS",
    "SERIALIZETOJSON",
}  # fmt: skip
_AGAINST = {
    "CSV": {"REMOVEQUOTES", "ESCAPE", "SERIALIZETOJSON"},
    "TEXT": {"QUOTE", "SERIALIZETOJSON"},
    "JSON": {"DELIMITER", "QUOTE", "ESCAPE", "REMOVEQUOTES", "IGNOREHEADER", "FILLRECORD", "IGNOREBLANKLINES",
             "SERIALIZETOJSON"},
}  # fmt: skip


def copy(tokens: Tokens) -> Plan:
    """COPY table [(columns)] FROM 's3://...' ...; stands after COPY."""
    table = tokens.qualified()
    columns = tuple(tokens.names_in_parentheses()) if tokens.peek() == "(" else ()
    if len(set(columns)) < len(columns):
        raise RedshiftError("42701", "a column is specified more than once in the list of columns")
    tokens.expect("FROM")
    source = _source(tokens)
    given = options.read(tokens, _READERS, _NOT_COVERED)
    statement = CopyStatement(
        table,
        columns,
        source,
        format=_format(given),
        manifest="MANIFEST" in given,
        serialize_to_json="SERIALIZETOJSON" in given,
        explicit_ids="EXPLICIT_IDS" in given,
        compression=_compression(given),
        no_load="NOLOAD" in given,
        statistics=given.get("STATUPDATE") is True,
        text=_text(given),
    )
    _check(statement, given)
    return Plan(NOTHING, copy=statement, tag="COPY")


def _source(tokens: Tokens) -> str:
    if tokens.peek() in {"STDIN", "PROGRAM"}:
        raise syntax_error(tokens.peek())
    source = tokens.string()
    scheme = source.partition("://")[0]
    if scheme in {"dynamodb", "emr"}:
        raise not_covered(f"COPY from {scheme}")
    return options.check_url(source)


def _format(given: Given) -> CopyFormat:
    named = [name for name in _FORMATS if name in given]
    if len(named) > 1:
        raise redundant(" and ".join(named))
    return cast("CopyFormat", named[0]) if named else "TEXT"


def _compression(given: Given) -> Compression:
    named = [name for name in _COMPRESSIONS if name in given]
    if len(named) > 1:
        raise redundant(" and ".join(named))
    return _COMPRESSIONS[named[0]] if named else ""


def _text(given: Given) -> TextOptions:
    replacement = given.get("ACCEPTINVCHARS")
    return TextOptions(
        delimiter=str(given.get("DELIMITER", "," if "CSV" in given else "|")),
        quote=str(given.get("QUOTE", '"')),
        null_as=str(given.get("NULL", "\\N")),
        empty_as_null="EMPTYASNULL" in given or given.get("NULL") == "",
        blanks_as_null="BLANKSASNULL" in given,
        trim_blanks="TRIMBLANKS" in given,
        truncate_columns="TRUNCATECOLUMNS" in given,
        accept_any_date="ACCEPTANYDATE" in given,
        date_format=str(given.get("DATEFORMAT", "YYYY-MM-DD")),
        time_format=str(given.get("TIMEFORMAT", "")),
        invalid_character=None if replacement is None else str(replacement),
        ignore_header=cast("int", given.get("IGNOREHEADER", 0)),
        ignore_blank_lines="IGNOREBLANKLINES" in given,
        fill_record="FILLRECORD" in given,
        escape="ESCAPE" in given,
        remove_quotes="REMOVEQUOTES" in given,
        round_decimals="ROUNDEC" in given,
        json_mapping=str(given.get("JSON", "auto")),
        max_error=None if "IGNOREALLERRORS" in given else max(cast("int", given.get("MAXERROR", 0)), 1),
    )


def _check(statement: CopyStatement, given: Given) -> None:
    if statement.format == "PARQUET":
        _check_columnar(given)
    else:
        _check_text(statement, given)
    if "AUTHORIZATION" not in given:
        raise RedshiftError("42601", "No authorization was given: COPY needs IAM_ROLE or CREDENTIALS")


def _check_columnar(given: Given) -> None:
    for name, value in given.items():
        if name not in _COLUMNAR and (name, value) != ("MAXERROR", 0):
            shown = "NULL AS" if name == "NULL" else name
            raise RedshiftError(NOT_SUPPORTED, f"{shown} argument is not supported for PARQUET based COPY")


def _check_text(statement: CopyStatement, given: Given) -> None:
    for name in sorted(_AGAINST[statement.format] & set(given)):
        kind = "delimited text" if statement.format == "TEXT" else statement.format
        raise RedshiftError("42601", f"{name} is not compatible with COPY from {kind}")
    if {"MAXERROR", "IGNOREALLERRORS"} <= set(given):
        raise redundant("MAXERROR and IGNOREALLERRORS")
    if cast("int", given.get("MAXERROR", 0)) > _MAX_ERROR_LIMIT:
        raise RedshiftError(INVALID_PARAMETER, f"MAXERROR must be between 0 and {_MAX_ERROR_LIMIT}")
    if given.get("ENCODING", "UTF8") != "UTF8":
        raise not_covered(f"ENCODING {given['ENCODING']}")
    replacement = str(given.get("ACCEPTINVCHARS", "?"))
    if len(replacement) != 1 or not replacement.isascii() or replacement == "\0":
        raise RedshiftError(INVALID_PARAMETER, "ACCEPTINVCHARS takes one ASCII character other than NUL")
    if "\n" in str(given.get("NULL", "")) or "\0" in str(given.get("NULL", "")):
        raise not_covered("NULL AS with a line feed or NUL")
    if statement.format == "JSON" and statement.text.json_mapping not in _MAPPINGS:
        options.check_url(statement.text.json_mapping)
