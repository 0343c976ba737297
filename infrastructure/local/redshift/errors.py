"""Errors as Redshift words them, and the translation of the backend's errors into them."""

from __future__ import annotations

import itertools
import re

SYNTAX_ERROR = "42601"
NOT_SUPPORTED = "0A000"
INTERNAL_ERROR = "XX000"
INVALID_PARAMETER = "22023"
ACTIVE_TRANSACTION = "25001"
FAILED_TRANSACTION = "25P02"
INVALID_AUTHORIZATION = "28000"


class RedshiftError(Exception):
    """A refusal or failure that goes to the client as an ErrorResponse.

    Args:
        code: SQLSTATE, five characters.
        message: The primary message, as Redshift words it where that is known.
        detail: The detail field, or None.
    """

    def __init__(self, code: str, message: str, detail: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.detail = detail

    def fields(self) -> dict[str, str]:
        """The fields of the ErrorResponse, by their one-letter names."""
        fields = {"S": "ERROR", "C": self.code, "M": self.message}
        if self.detail is not None:
            fields["D"] = self.detail
        return fields


class BackendError(RedshiftError):
    """An error that the backend raised; its fields are already Redshift's."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(fields.get("C", INTERNAL_ERROR), fields.get("M", ""), fields.get("D"))
        self._fields = fields

    def fields(self) -> dict[str, str]:
        """The fields as the backend sent them, translated."""
        return self._fields


def syntax_error(near: str) -> RedshiftError:
    """A 42601 that names the text at which Redshift's parser would stop."""
    where = f'syntax error at or near "{near}"' if near else "syntax error at end of input"
    return RedshiftError(SYNTAX_ERROR, where)


def not_supported(what: str) -> RedshiftError:
    """A 0A000 for what Redshift itself refuses."""
    return RedshiftError(NOT_SUPPORTED, f"{what} is not supported")


def not_covered(what: str) -> RedshiftError:
    """A 0A000 for what Redshift has and this local endpoint does not carry."""
    return RedshiftError(NOT_SUPPORTED, f"the local Redshift endpoint does not cover {what}")


TIMED_OUT = "statement_timeout was reached"
# a cancelled query is named by a number; here they only count those
_queries = itertools.count(1)


def cancelled(detail: str | None = None) -> RedshiftError:
    """A 57014 as Redshift words it (developer guide, r_statement_timeout)."""
    return RedshiftError("57014", f"Query ({next(_queries)}) canceled on user's request", detail)


_SYSTEM_VIEW = re.compile(r'relation "(pg_catalog\.)?(svv|stv|sys|stl|svl|svcs)_')
_WHOLE_INPUT = re.compile(r"^invalid input syntax for type (?:smallint|integer|bigint):")
_BYTE_GUARD = re.compile(r"^varchar_bytes_(\d+)_")
_CHAR_GUARD = re.compile(r"^char_bytes_(\d+)_")


def translate_fields(fields: dict[str, str]) -> dict[str, str]:
    """The backend's error fields in Redshift's codes and words; unknown ones pass unchanged.

    No position: it would count the letters of the translated text.
    """
    kept = {name: value for name, value in fields.items() if name not in "VnstcdqpPW"}
    code = fields.get("C")
    if code == "40001":
        return _conflict(kept)
    if code == "23514":
        return _too_long(kept, fields.get("n", ""))
    if code in {"28P01", "28000"}:
        kept["C"] = INVALID_AUTHORIZATION
    if code == "57014":
        timed_out = "statement timeout" in kept.get("M", "")
        kept |= cancelled(TIMED_OUT if timed_out else None).fields()
    if code == "42P01" and _SYSTEM_VIEW.search(kept.get("M", "")):
        kept["H"] = "the local Redshift endpoint does not have this system view"
    if code == "428C9":
        kept["C"] = NOT_SUPPORTED
        kept["M"] = "cannot set an identity column to a value"
    if code in {"22003", "22P02"}:
        _reword_value(kept)
    if code == "21000" and "MERGE command" in kept.get("M", ""):
        kept = {"S": kept["S"], "C": INTERNAL_ERROR, "M": "Found multiple matches to update the same tuple."}
    if code == "23502":
        return _null_value(kept, fields.get("c", ""))
    return kept


def _reword_value(kept: dict[str, str]) -> None:
    kept["M"] = _WHOLE_INPUT.sub("invalid input syntax for integer:", kept.get("M", ""))
    if kept["M"] == "numeric field overflow":
        kept["M"] = "Numeric data overflow (result precision)"
        kept.pop("D", None)


def _conflict(kept: dict[str, str]) -> dict[str, str]:
    kept["C"] = INTERNAL_ERROR
    kept["D"] = "Serializable isolation violation on table; " + kept.get("M", "")
    kept["M"] = "1023"
    return kept


def _too_long(kept: dict[str, str], constraint: str) -> dict[str, str]:
    if constraint.startswith("decimal_width_"):
        return {"S": kept["S"], "C": "22003", "M": "Numeric data overflow (result precision)"}
    for pattern, kind in ((_BYTE_GUARD, "character varying"), (_CHAR_GUARD, "character")):
        found = pattern.match(constraint)
        if found:
            kept["C"] = "22001"
            kept["M"] = f"value too long for type {kind}({found.group(1)})"
            kept.pop("D", None)
    return kept


def _null_value(kept: dict[str, str], column: str) -> dict[str, str]:
    kept["M"] = f"Cannot insert a NULL value into column {column}"
    kept.pop("D", None)
    return kept
