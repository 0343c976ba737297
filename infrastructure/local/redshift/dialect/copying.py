"""COPY as a statement: its options, checked against what Redshift allows for Parquet."""

from __future__ import annotations

import re

from infrastructure.local.redshift.dialect.lexer import Tokens
from infrastructure.local.redshift.dialect.plan import NOTHING, CopyStatement, Plan
from infrastructure.local.redshift.errors import RedshiftError, not_covered, syntax_error

_ROLE = re.compile(r"^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+(,arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+)*$")
_COLUMNAR_REFUSES = {
    "DELIMITER", "IGNOREHEADER", "NULL", "DATEFORMAT", "TIMEFORMAT", "TRUNCATECOLUMNS", "COMPUPDATE", "GZIP", "BZIP2",
    "LZOP", "ZSTD", "ESCAPE", "REMOVEQUOTES", "QUOTE", "BLANKSASNULL", "EMPTYASNULL", "TRIMBLANKS", "ACCEPTANYDATE",
    "ENCODING", "IGNOREBLANKLINES", "ROUNDEC", "FIXEDWIDTH", "ENCRYPTED", "READRATIO", "NOLOAD", "IGNOREALLERRORS",
    "COMPROWS",
}  # fmt: skip


class _Options:
    def __init__(self) -> None:
        self.format = ""
        self.credentials = False
        self.flags: set[str] = set()
        self.refused: list[str] = []


def copy(tokens: Tokens) -> Plan:
    """COPY table [(columns)] FROM 's3://...' ...; stands after COPY."""
    table = tokens.qualified()
    columns = tuple(tokens.names_in_parentheses()) if tokens.peek() == "(" else ()
    tokens.expect("FROM")
    if tokens.peek() in {"STDIN", "PROGRAM"}:
        raise syntax_error(tokens.peek())
    source = tokens.string()
    options = _options(tokens)
    _check(source, options)
    statement = CopyStatement(
        table,
        columns,
        source,
        manifest="MANIFEST" in options.flags,
        fill_record="FILLRECORD" in options.flags,
        serialize_to_json="SERIALIZETOJSON" in options.flags,
    )
    return Plan(NOTHING, locks=(table,), copy=statement, tag="COPY")


def _options(tokens: Tokens) -> _Options:
    options = _Options()
    while not tokens.done:
        token = tokens.take()
        handler = _HANDLERS.get(token.upper)
        if handler:
            handler(tokens, options)
        elif token.upper in {"MANIFEST", "FILLRECORD", "SERIALIZETOJSON", "EXPLICIT_IDS"}:
            options.flags.add(token.upper)
        elif token.upper in _COLUMNAR_REFUSES:
            options.refused.append(token.upper)
            _skip_value(tokens)
        else:
            raise syntax_error(token.text)
    return options


def _skip_value(tokens: Tokens) -> None:
    tokens.accept("AS")
    if tokens.current and tokens.current.kind in {"string", "number"}:
        tokens.take()
    else:
        tokens.accept_any("ON", "OFF", "PRESET")


def _check(source: str, options: _Options) -> None:
    if not re.match(r"^s3://[^/]+/.+", source):
        raise RedshiftError("XX000", f"The specified S3 prefix '{source}' does not exist or is no s3:// URL")
    if options.format != "PARQUET":
        raise not_covered(f"COPY from {options.format or 'delimited text'}; PARQUET is covered")
    if options.refused:
        raise RedshiftError("0A000", f"{options.refused[0]} argument is not supported for PARQUET based COPY")
    if "EXPLICIT_IDS" in options.flags:
        raise not_covered("EXPLICIT_IDS")
    if not options.credentials:
        raise RedshiftError("42601", "No authorization was given: COPY needs IAM_ROLE or CREDENTIALS")


def _iam_role(tokens: Tokens, options: _Options) -> None:
    _authorize(options)
    if tokens.accept("DEFAULT"):
        return
    role = tokens.string()
    if not _ROLE.match(role):
        raise RedshiftError("XX000", f"Invalid IAM role ARN '{role}'")


def _credentials(tokens: Tokens, options: _Options) -> None:
    _authorize(options)
    tokens.accept("AS")
    tokens.string()


def _access_key(tokens: Tokens, options: _Options) -> None:
    _authorize(options)
    tokens.string()
    tokens.expect("SECRET_ACCESS_KEY")
    tokens.string()
    if tokens.accept_any("SESSION_TOKEN", "TOKEN"):
        tokens.string()


def _authorize(options: _Options) -> None:
    if options.credentials:
        raise RedshiftError("42601", "conflicting or redundant options")
    options.credentials = True


def _format(tokens: Tokens, options: _Options) -> None:
    tokens.accept("AS")
    options.format = tokens.take().upper
    if options.format not in {"PARQUET", "ORC", "CSV", "JSON", "AVRO", "SHAPEFILE", "DELIMITER"}:
        raise syntax_error(options.format)


def _region(tokens: Tokens, options: _Options) -> None:
    tokens.accept("AS")
    tokens.string()
    options.refused.append("REGION")


def _maxerror(tokens: Tokens, options: _Options) -> None:
    tokens.accept("AS")
    if tokens.integer() != 0:
        options.refused.append("MAXERROR")


def _accept_invalid(tokens: Tokens, _options: _Options) -> None:
    tokens.accept("AS")
    if tokens.current and tokens.current.kind == "string":
        tokens.take()


def _statupdate(tokens: Tokens, _options: _Options) -> None:
    tokens.accept_any("ON", "OFF", "TRUE", "FALSE")


def _parquet(_tokens: Tokens, options: _Options) -> None:
    options.format = "PARQUET"


def _csv(_tokens: Tokens, options: _Options) -> None:
    options.format = "CSV"


_HANDLERS = {
    "IAM_ROLE": _iam_role,
    "CREDENTIALS": _credentials,
    "ACCESS_KEY_ID": _access_key,
    "FORMAT": _format,
    "PARQUET": _parquet,
    "CSV": _csv,
    "REGION": _region,
    "MAXERROR": _maxerror,
    "ACCEPTINVCHARS": _accept_invalid,
    "STATUPDATE": _statupdate,
}
