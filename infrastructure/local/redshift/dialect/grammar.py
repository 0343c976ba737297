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

LABEL = "label"
_SPECIAL_SYNTAX = {"CAST", "CONVERT", "EXTRACT", "POSITION", "SUBSTRING", "TRIM", "TRY_CAST"}


class _StrictParser(RedshiftParser):
    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    UNARY_PARSERS = {  # noqa: RUF012
        **RedshiftParser.UNARY_PARSERS,
        TokenType.PIPE_SLASH: lambda self: exp.Anonymous(this="sqrt", expressions=[self._parse_unary()]),
        TokenType.DPIPE_SLASH: lambda self: exp.Anonymous(this="cbrt", expressions=[self._parse_unary()]),
    }
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

    def _parse_alias(self, *args: Any, **kwargs: Any) -> Any:
        """After AS any word is the name of a result, also a reserved one."""
        named = bool(self._curr) and self._curr.token_type == TokenType.ALIAS
        found = super()._parse_alias(*args, **kwargs)
        if named and isinstance(found, exp.Alias):
            found.args["alias"].meta[LABEL] = True
        return found

    def _parse_star_op(self, *keywords: str) -> Any:
        """* EXCLUDE a, b or * EXCLUDE (a, b): all names that follow."""
        if "EXCLUDE" not in keywords or not self._match_text_seq("EXCLUDE"):
            return super()._parse_star_op(*keywords)
        wrapped = self._match(TokenType.L_PAREN)
        names = self._parse_csv(self._parse_id_var)
        if wrapped:
            self._match_r_paren()
        if not names:
            self.raise_error("EXCLUDE takes names of columns")
        return names

    def _parse_table(self, *args: Any, **kwargs: Any) -> Any:
        return self._parse_path_in_from() or super()._parse_table(*args, **kwargs)

    def _parse_path_in_from(self) -> Any:
        """A path into a SUPER value as an item of FROM: [UNPIVOT] t.s[0].items [AS] alias [AT place]."""
        start = self._index
        unpivot = bool(self._match(TokenType.UNPIVOT))
        if not unpivot and not self._path_follows():
            return None
        path = self._parse_column()
        self._match(TokenType.ALIAS)
        alias = self._parse_id_var(any_token=False, tokens=self.TABLE_ALIAS_TOKENS)
        place = self._parse_id_var() if alias and self._match_text_seq("AT") else None
        if not path or not alias or isinstance(path, exp.Anonymous):
            self._retreat(start)
            return None
        item = exp.Unnest(expressions=[path], alias=exp.TableAlias(columns=[alias]), offset=place)
        item.meta["path"] = "unpivot" if unpivot else "items"
        return item

    def _path_follows(self) -> bool:
        """Whether the words that come next are a path and no table: brackets, more than three names, or an AT."""
        ahead = self._tokens[self._index :]
        at, names, brackets = 0, 0, False
        while at < len(ahead):
            kind = ahead[at].token_type
            if names and kind == TokenType.L_BRACKET and at + 2 < len(ahead):
                brackets, at = True, at + 3
            elif kind == TokenType.DOT or not names:
                step = 1 if kind == TokenType.DOT else 0
                names, at = names + 1, at + step + 1
            else:
                break
        at += at < len(ahead) and ahead[at].token_type == TokenType.ALIAS
        followed = at + 1 < len(ahead) and ahead[at + 1].text.upper() == "AT"
        plain = bool(ahead) and ahead[0].token_type in {TokenType.VAR, TokenType.IDENTIFIER}
        return plain and (brackets or names > 3 or followed)

    def _parse_approximate_count(self) -> Any:
        call: Any = self._parse_function()
        inner: Any = call.this if isinstance(call, exp.WithinGroup) else call
        name = inner.name.lower() if isinstance(inner, exp.Anonymous) else ""
        distinct = name == "count" and bool(inner.find(exp.Distinct))
        if not distinct and name != "percentile_disc":
            self.raise_error("APPROXIMATE goes before COUNT(DISTINCT ...) or PERCENTILE_DISC")
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
    return tree.sql(dialect=BackendSql, identify=True, normalize_functions=False, comments=False, copy=False)
