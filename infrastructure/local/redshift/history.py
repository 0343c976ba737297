"""Which statements ran, as SYS_QUERY_HISTORY, STL_QUERY and their like show them (catalog/queries.sql).

It is kept in memory and written to its file when somebody is about to look, so that a statement costs nothing more.
"""

from __future__ import annotations

import re
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from infrastructure.local.redshift.backend import Backend
from infrastructure.local.redshift.dialect.lexer import tokenize
from infrastructure.local.redshift.dialect.plan import Plan
from infrastructure.local.redshift.journal import Journal, entry, now

_KEPT = 5_000
_LONGEST_TEXT = 65_535
_LOOKS = re.compile(r"\b(sys_query_history|sys_query_text|stl_query|stl_querytext|svl_qlog)\b", re.IGNORECASE)
_LABEL = re.compile(
    r"\s*(?:set\s+(?:session\s+|local\s+)?query_group\s*(?:to|=)\s*'?([^';]*)'?|reset\s+(?:query_group|all))\s*",
    re.IGNORECASE,
)
_SECRET = re.compile(
    r"\b(?:password|credentials|access_key_id|secret_access_key|session_token|master_symmetric_key)\b", re.IGNORECASE
)
_KINDS = {
    "SELECT": "SELECT", "WITH": "SELECT", "(": "SELECT", "INSERT": "INSERT", "UPDATE": "UPDATE", "DELETE": "DELETE",
    "MERGE": "MERGE", "COPY": "COPY", "UNLOAD": "UNLOAD", "CREATE": "DDL", "ALTER": "DDL", "DROP": "DDL",
    "TRUNCATE": "DDL", "REFRESH": "REFRESH_MATERIALIZED_VIEW",
}  # fmt: skip
DEFAULT_LABEL = "default"


@dataclass
class Statement:
    """One statement that runs."""

    query_id: int
    plan: Plan
    start: str = field(default_factory=now)
    began: float = field(default_factory=time.perf_counter)


class History:
    """What the sessions of one endpoint ran.

    Args:
        folder: The backend's data directory.
    """

    def __init__(self, folder: Path) -> None:
        self._journal = Journal.of_queries(folder)
        self._ended: deque[dict[str, object]] = deque(maxlen=_KEPT)

    def begin(self, plan: Plan) -> Statement:
        """Note that a statement begins, and let those who look into the history see what came before it."""
        if self._ended and _LOOKS.search(plan.source):
            ended = [*self._ended]
            self._ended.clear()
            self._journal.write("query", ended)
        return Statement(self._journal.next_id(), plan)

    def end(self, statement: Statement, backend: Backend, label: str, *, tag: str = "", failure: str = "") -> None:
        """Note how it ended: by the tag of its completion, or with an error's message."""
        rows = tag.rpartition(" ")[2]
        status = "success" if not failure else "canceled" if "canceled on user" in failure else "failed"
        self._ended.append(entry(
            query_id=statement.query_id, session_id=backend.pid, database_name=backend.database, query_label=label,
            user_name=backend.parameters.get("session_authorization"), query_type=_kind(statement.plan), status=status,
            start_time=statement.start, end_time=now(), elapsed_time=int((time.perf_counter() - statement.began) * 1e6),
            error_message=failure[:512], returned_rows=int(rows) if tag.startswith("SELECT") and rows.isdigit() else 0,
            query_text=_without_secrets(statement.plan.source)[:_LONGEST_TEXT],
        ))  # fmt: skip


def _without_secrets(sql: str) -> str:
    """The text with *** for each string that follows a word for a password or a key."""
    if not _SECRET.search(sql):
        return sql
    kept, done = [], 0
    tokens = tokenize(sql)
    for place, token in enumerate(tokens):
        if token.kind in {"string", "dollar"} and any(
            _SECRET.fullmatch(word.text) for word in tokens[max(0, place - 3) : place]
        ):
            kept.append(sql[done : token.start] + "'***'")
            done = token.end
    return "".join(kept) + sql[done:]


def _kind(plan: Plan) -> str:
    words = plan.source.split(maxsplit=1)
    word = (words[0] if words else "").upper().rstrip(";")
    if word == "CREATE" and re.match(
        r"create\s+(?:local\s+)?(?:temp\w*\s+)?table\s+\S+[^;]*?\sas\s*[\s(]", plan.source, re.I
    ):
        return "CTAS"
    return _KINDS.get("(" if word.startswith("(") else word, "UTILITY")


def label_after(plan: Plan, label: str) -> str:
    """The session's query_group after a statement."""
    found = _LABEL.fullmatch(plan.source)
    return label if not found else (found[1] or "").strip() or DEFAULT_LABEL
