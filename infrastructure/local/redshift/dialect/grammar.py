"""sqlglot's Redshift with two changes: functions keep their names, and types keep their words.

sqlglot is made to translate and forgives much; here nothing may be translated that was not decided on, so
function calls stay calls by name (functions.py decides on each) and type names are read by types.py.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.dialects.redshift import Redshift
from sqlglot.generators.postgres import PostgresGenerator
from sqlglot.parsers.redshift import RedshiftParser
from sqlglot.tokenizer_core import TokenType

_SPECIAL_SYNTAX = {"CAST", "CONVERT", "EXTRACT", "POSITION", "SUBSTRING", "TRIM", "TRY_CAST"}


class _StrictParser(RedshiftParser):
    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    FUNCTION_PARSERS = {k: v for k, v in RedshiftParser.FUNCTION_PARSERS.items() if k in _SPECIAL_SYNTAX}  # noqa: RUF012
    NO_PAREN_FUNCTION_PARSERS = {  # noqa: RUF012
        **RedshiftParser.NO_PAREN_FUNCTION_PARSERS,
        "SYSDATE": lambda self: exp.Anonymous(this="sysdate", expressions=[]),
        "SESSION_USER": lambda self: exp.var("session_user"),
    }

    def _parse_types(self, *args: Any, **kwargs: Any) -> Any:
        start = self._index
        found = super()._parse_types(*args, **kwargs)
        if isinstance(found, exp.DataType):
            tokens = self._tokens[start : self._index]
            if tokens:
                found.meta["text"] = self.sql[tokens[0].start : tokens[-1].end + 1]
        return found

    def _parse_approximate_count(self) -> Any:
        call = self._parse_function()
        if call is not None:
            call.meta["approximate"] = True
        return call


class StrictRedshift(Redshift):
    """What clients send."""

    class Tokenizer(Redshift.Tokenizer):
        """Redshift's, in which $1,$2 are two parameters and never the tag of a dollar-quoted string."""

        HEREDOC_STRINGS: ClassVar[list[str | tuple[str, str]]] = []
        SINGLE_TOKENS = {**Redshift.Tokenizer.SINGLE_TOKENS, "$": TokenType.PARAMETER}  # noqa: RUF012

    Parser = _StrictParser


def _cast_sql(self: PostgresGenerator, node: exp.Cast) -> str:
    name = node.to.meta.get("backend") or self.sql(node, "to")
    return f"CAST({self.sql(node, 'this')} AS {name})"


class _BackendGenerator(PostgresGenerator):
    TRANSFORMS = {**PostgresGenerator.TRANSFORMS, exp.Cast: _cast_sql}  # noqa: RUF012


class BackendSql(Postgres):
    """What the embedded PostgreSQL gets."""

    Generator = _BackendGenerator


def generate(tree: exp.Expr) -> str:
    """The text of a tree for the backend, every identifier quoted."""
    return tree.sql(dialect=BackendSql, identify=True, normalize_functions=False, comments=False)
