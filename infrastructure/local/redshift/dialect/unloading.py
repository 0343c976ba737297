"""UNLOAD as a statement: its query, read by the same door as any other, and its options (DG/r_UNLOAD)."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

from infrastructure.local.redshift.dialect import options, query
from infrastructure.local.redshift.dialect.lexer import Tokens
from infrastructure.local.redshift.dialect.options import Given, Value, redundant
from infrastructure.local.redshift.dialect.plan import NOTHING, Plan
from infrastructure.local.redshift.dialect.transfers import (
    LARGEST_FILE,
    MEGABYTE,
    Compression,
    UnloadFormat,
    UnloadStatement,
)
from infrastructure.local.redshift.errors import (
    INVALID_PARAMETER,
    NOT_SUPPORTED,
    RedshiftError,
    not_covered,
    syntax_error,
)

_COMPRESSIONS: dict[str, Compression] = {"GZIP": "gzip", "BZIP2": "bz2", "ZSTD": "zstd"}
_FORMATS = ("PARQUET", "CSV", "JSON")
_AGAINST = {
    "PARQUET": ("DELIMITER", "ADDQUOTES", "ESCAPE", "NULL", "HEADER", *_COMPRESSIONS),
    "CSV": ("ADDQUOTES",),
    "JSON": ("DELIMITER", "HEADER", "ADDQUOTES", "ESCAPE", "NULL"),
    "TEXT": (),
}


def _manifest(tokens: Tokens) -> Value:
    return "VERBOSE" if tokens.accept("VERBOSE") else True


def _partitions(tokens: Tokens) -> Value:
    tokens.expect("BY")
    names = tokens.names_in_parentheses()
    return (*names, "") if tokens.accept("INCLUDE") else tuple(names)


def _size(tokens: Tokens) -> int:
    """[AS] n [MB | GB], in bytes; n may be a fraction."""
    tokens.accept("AS")
    token = tokens.take()
    if token.kind != "number":
        raise syntax_error(token.text)
    unit = 1024 if tokens.accept_any("MB", "GB") == "GB" else 1
    return int(Decimal(token.text) * unit * MEGABYTE)


_READERS: dict[str, options.Reader] = {
    "PARQUET": options.flag,
    "CSV": options.flag,
    "JSON": options.flag,
    "PARTITION": _partitions,
    "MANIFEST": _manifest,
    "HEADER": options.flag,
    "DELIMITER": options.character,
    "GZIP": options.flag,
    "BZIP2": options.flag,
    "ZSTD": options.flag,
    "ADDQUOTES": options.flag,
    "NULL": options.text,
    "ESCAPE": options.flag,
    "ALLOWOVERWRITE": options.flag,
    "CLEANPATH": options.flag,
    "PARALLEL": options.switch,
    "MAXFILESIZE": _size,
    "ROWGROUPSIZE": _size,
    "REGION": options.text,
    "EXTENSION": options.text,
    "ENCRYPTED": options.flag,  # at rest, in S3: what is read back is the same
}
_NOT_COVERED = frozenset({"FIXEDWIDTH", "KMS_KEY_ID", "MASTER_SYMMETRIC_KEY", "ORC", "AVRO", "SHAPEFILE"})


def unload(tokens: Tokens) -> Plan:
    """UNLOAD ('select ...') TO 's3://...' ...; stands after UNLOAD."""
    tokens.expect("(")
    sql = _query(tokens)
    tokens.expect(")", "TO")
    target = options.check_url(tokens.string())
    given = options.read(tokens, _READERS, _NOT_COVERED)
    _check(given)
    return Plan(NOTHING, unload=_statement(sql, target, given), tag="UNLOAD")


def _query(tokens: Tokens) -> str:
    """The backend's text of the query; it is one literal, whose quotation marks are doubled, or between $$ and $$."""
    sql = tokens.string().strip().removesuffix(";")
    if query.parse(sql).args.get("limit"):
        raise RedshiftError(NOT_SUPPORTED, "Limit clause is not supported")
    return query.query_text(sql)


def _statement(sql: str, target: str, given: Given) -> UnloadStatement:
    named = [name for name in _FORMATS if name in given]
    form = cast("UnloadFormat", named[0] if named else "TEXT")
    partitions = cast("tuple[str, ...]", given.get("PARTITION", ()))
    extension = given.get("EXTENSION")
    return UnloadStatement(
        sql,
        target + ("/" if partitions and not target.endswith("/") else ""),
        format=form,
        delimiter=str(given.get("DELIMITER", "," if form == "CSV" else "|")),
        null_as=str(given.get("NULL", "")),
        header="HEADER" in given,
        add_quotes="ADDQUOTES" in given,
        escape="ESCAPE" in given,
        compression=next((_COMPRESSIONS[name] for name in _COMPRESSIONS if name in given), ""),
        extension=None if extension is None else str(extension),
        manifest="MANIFEST" in given,
        verbose=given.get("MANIFEST") == "VERBOSE",
        allow_overwrite="ALLOWOVERWRITE" in given,
        clean_path="CLEANPATH" in given,
        parallel=given.get("PARALLEL") is not False,
        max_file_size=cast("int", given.get("MAXFILESIZE", LARGEST_FILE)),
        row_group_size=cast("int", given.get("ROWGROUPSIZE", 32 * MEGABYTE)),
        partitions=tuple(name for name in partitions if name),
        include="" in partitions,
    )


def _check(given: Given) -> None:
    for group in (_FORMATS, tuple(_COMPRESSIONS), ("ALLOWOVERWRITE", "CLEANPATH")):
        named = [name for name in group if name in given]
        if len(named) > 1:
            raise redundant(" and ".join(named))
    form = next((name for name in _FORMATS if name in given), "TEXT")
    for name in _AGAINST[form]:
        if name in given:
            raise RedshiftError(NOT_SUPPORTED, f"{_shown(name)} is not supported for UNLOAD to {form}")
    if form == "CSV" and "ESCAPE" in given:
        raise not_covered("ESCAPE for UNLOAD to CSV")
    if form != "PARQUET" and "ROWGROUPSIZE" in given:
        raise RedshiftError(NOT_SUPPORTED, "ROWGROUPSIZE is only supported for UNLOAD to PARQUET")
    _check_size(given, "MAXFILESIZE", 5 * MEGABYTE, LARGEST_FILE, "5 MB and 6.2 GB")
    _check_size(given, "ROWGROUPSIZE", 32 * MEGABYTE, 128 * MEGABYTE, "32 MB and 128 MB")
    if "AUTHORIZATION" not in given:
        raise RedshiftError("42601", "No authorization was given: UNLOAD needs IAM_ROLE or CREDENTIALS")


def _check_size(given: Given, name: str, least: int, most: int, bounds: str) -> None:
    size = given.get(name)
    if size is not None and not least <= cast("int", size) <= most:
        raise RedshiftError(INVALID_PARAMETER, f"{name} must be between {bounds}")


def _shown(name: str) -> str:
    return "NULL AS" if name == "NULL" else name
