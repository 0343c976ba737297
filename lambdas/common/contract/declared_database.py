"""What is wrong with a `sql_database` of a defs.yaml: its address, and words in braces that nobody fills."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lambdas.common.contract.places import Path, hint, near

DIALECTS = ("sqlite", "postgresql", "mysql", "mariadb", "mssql", "oracle")
FILLED = ("start", "end")
WORD = re.compile(r"\{([A-Za-z_]\w*)\}")
TEXT = re.compile(r"'(?:[^']|'')*'")


def find_database_mistakes(path: Path, config: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Each mistake with its path. What a token brings, only a run can tell."""
    if "url" not in config or ("table" in config) == ("query" in config):
        yield path, "sql_database needs url, and either table or query"
    elif mistake := _address_mistake(str(config["url"])):
        yield (*path, "url"), mistake
    for word in _unfilled(str(config.get("query", ""))):
        yield (*path, "query"), f"token {{{word}}} is not filled{hint(word, FILLED)}"


def _address_mistake(url: str) -> str | None:
    import sqlalchemy

    scheme, mark, _ = url.partition("://")
    if "{" in scheme:
        return None
    if not mark:
        return "url is no address of a database, as in postgresql+psycopg2://user@host/name or sqlite:////data/file.db"
    try:
        sqlalchemy.make_url(f"{scheme}://").get_dialect().import_dbapi()
    except sqlalchemy.exc.ArgumentError as error:
        return f"{scheme}:// is no kind of database that SQLAlchemy knows ({error}){near(scheme, DIALECTS)}"
    except ImportError:
        there = "write postgresql+psycopg2://" if scheme == "postgresql" else "it goes into requirements/ingest.in"
        return f"the driver that {scheme}:// asks for is not there; {there}"
    return None


def _unfilled(query: str) -> Iterator[str]:
    """Words in braces. Inside a text ('{a}' is a list of PostgreSQL's) only those that are nearly right."""
    bare = TEXT.sub("", query)
    for word in dict.fromkeys(WORD.findall(query)):
        if word not in FILLED and (f"{{{word}}}" in bare or near(word, FILLED)):
            yield word
