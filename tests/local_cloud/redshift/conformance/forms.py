"""The same statement in other clothes: what is refused has to be refused in these too."""

from __future__ import annotations

import re

_PIECE = re.compile(
    r"""'(?:[^'\\]|\\.|'')*' | "[^"]*" | \$\$.*?\$\$ | --[^\n]* | /\*.*?\*/ | [A-Za-z_]\w* | .""",
    re.VERBOSE | re.DOTALL,
)


def other_case(sql: str) -> str:
    """Every word in the case that it does not have; quoted text stays."""
    return "".join(piece.swapcase() if piece[0].isalpha() else piece for piece in _PIECE.findall(sql))


def with_comments(sql: str) -> str:
    """A comment and a line break where there was a blank."""
    return "".join("/* select */\n" if piece == " " else piece for piece in _PIECE.findall(sql))


def in_a_cte(sql: str) -> str:
    """A query behind a name."""
    return f"with hidden as ({sql}) select count(*) from hidden"


def nested(sql: str) -> str:
    """A query below a query."""
    return f"select 1 where exists (select * from ({sql}) inner_query)"


def forms(sql: str, *, queries: bool) -> list[str]:
    """All of them; with `queries` also those in which a query hides below another."""
    found = [other_case(sql), with_comments(sql)]
    if queries and sql.lower().startswith("select "):
        found += [in_a_cte(sql), nested(sql)]
    return found
