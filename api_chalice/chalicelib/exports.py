"""Whole results as files: a request starts an UNLOAD in a function of its own, and is asked for until it is done.

The rows are first put into a table of the session's own, where every value of the request is bound; the statement
that Redshift runs for UNLOAD is a text and holds nothing of the client's.
"""

import datetime as dt
import json
import logging
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.common.db import redshift
from lambdas.common.db.sql import identifier, identifiers, literal
from lambdas.common.errors import AnalyticsError

from . import describe
from .answers import Answer, Asked, document
from .coverage import compile_coverage, read_coverage
from .errors import ApiError, Mistake
from .formats import dumps
from .parameters import ExportQuery, read_export, read_nothing
from .query import compile_rows
from .reader import OWN, Query
from .schemas import Catalogue
from .storage import Storage
from .warehouse import Snapshot

logger = logging.getLogger(__name__)

FORMATS = {"parquet": "FORMAT AS PARQUET", "csv": "FORMAT AS CSV HEADER EXTENSION 'csv'"}
MOST_BODY = 100_000
DAYS_KEPT = 7
LINK_SECONDS = 3600
# Longer than the function may run, its repeated attempts included.
GIVEN_UP_SECONDS = 3600
IDENTIFIER = re.compile(r"[0-9a-f]{32}")
FAILED = "The warehouse could not write the files; the log knows more under the export's id."


@dataclass(frozen=True, slots=True)
class Exports:
    """Exports over a catalogue. `connect` opens a session that may take long, `start` runs an id elsewhere."""

    catalogue: Callable[[], Catalogue]
    connect: Callable[[], Any]
    storage: Storage
    start: Callable[[str], None]
    now: Callable[[], dt.datetime]

    def create(self, asked: Asked) -> Answer:
        """202: the export is on its way.

        Raises:
            ApiError: 400 or 422, the body is wrong; 503, there is no place for exports.
        """
        read_nothing(asked.query)
        body = _object(asked.body)
        _read(self.catalogue(), body)
        name, now = uuid.uuid4().hex, self.now()
        state = {
            "id": name,
            "state": "queued",
            "request": body,
            "created_at": now,
            "expires_at": now + dt.timedelta(days=DAYS_KEPT),
        }
        self.storage.write(name, dumps(state))
        self.start(name)
        found = document({"data": _shown(state, []), "meta": None}, 202)
        return Answer(found.body, 202, {**found.headers, "Location": f"exports/{name}", "Retry-After": "2"})

    def get(self, name: str, asked: Asked) -> Answer:
        """The export's state, and its files once it is done.

        Raises:
            ApiError: 404, there is none of this id, or its time is over.
        """
        read_nothing(asked.query)
        state = self._state(name)
        files = self.storage.files(state["prefix"], LINK_SECONDS) if state["state"] == "done" else []
        headers = {"Cache-Control": "no-store"}
        if state["state"] in ("queued", "running"):
            headers["Retry-After"] = "2"
        return document({"data": _shown(state, files), "meta": state.get("meta")}, headers=headers)

    def run(self, name: str) -> None:
        """Write the files of an export that waits. Run again after a failure, it writes to another place."""
        state = self._state(name)
        if state["state"] == "done":
            return
        state |= {"state": "running", "prefix": f"{name}/{uuid.uuid4().hex[:8]}/"}
        self.storage.write(name, dumps(state))
        try:
            rows, meta = self._unload(state)
        except AnalyticsError:
            logger.exception("export %s failed", name)
            self.storage.write(name, dumps(state | {"state": "failed", "detail": FAILED, "finished_at": self.now()}))
            raise
        done = {"state": "done", "rows": rows, "meta": meta, "finished_at": self.now()}
        self.storage.write(name, dumps(state | done))

    def _state(self, name: str) -> dict[str, Any]:
        text = self.storage.read(name) if IDENTIFIER.fullmatch(name) else None
        state: dict[str, Any] = json.loads(text) if text else {}
        if not state or _moment(state["expires_at"]) <= self.now():
            unknown = Mistake("export", f"there is none of the id {name[:40]!r}; they are kept for {DAYS_KEPT} days")
            raise ApiError(404, "There is no such export.", (unknown,))
        over = _moment(state["created_at"]) + dt.timedelta(seconds=GIVEN_UP_SECONDS) <= self.now()
        if over and state["state"] in ("queued", "running"):
            return state | {"state": "failed", "detail": "It did not end in time."}
        return state

    def _unload(self, state: Mapping[str, Any]) -> tuple[int, Any]:
        """Write the files; how many rows they have, and what is known of them. All in one snapshot."""
        query = _read(self.catalogue(), state["request"])
        target = self.storage.address(state["prefix"])
        connection = self.connect()
        try:
            known_rows = Snapshot(connection).rows(compile_coverage(query.selection))
            known = read_coverage(query.selection, known_rows, self.catalogue().sources, self.now().date())
            redshift.execute(connection, _table(query))
            statement = compile_rows(query.selection, query.columns)
            names = identifiers(query.columns)
            redshift.execute(connection, f"INSERT INTO export_rows ({names}) {statement.sql}", statement.values)
            redshift.execute(connection, unload(target, query.form, self.storage.role))
            (count,) = redshift.query(connection, "SELECT pg_last_unload_count() AS rows")
            return int(count["rows"]), describe.meta(query.selection, known)
        finally:
            redshift.rollback(connection)
            redshift.close(connection)


def unload(target: str, form: str, role: str) -> str:
    """UNLOAD of the session's table; nothing in it comes from a client."""
    named = "default" if role == "default" else literal(role)
    return f"UNLOAD ('SELECT * FROM export_rows') TO {literal(target)} IAM_ROLE {named} {FORMATS[form]}"


def _table(query: ExportQuery) -> str:
    fields = [query.selection.dataset.fields[name] for name in query.columns]
    columns = ", ".join(f"{identifier(field.name)} {field.column.physical_type}" for field in fields)
    return f"CREATE TEMP TABLE export_rows ({columns})"


def _object(text: str) -> dict[str, Any]:
    """The JSON object in a body.

    Raises:
        ApiError: 400 or 413, there is none in it.
    """
    if len(text) > MOST_BODY:
        raise ApiError(413, "The body is too long.", (Mistake("body", f"may have at most {MOST_BODY} characters"),))
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "The body is no JSON.", (Mistake("body", "must be JSON"),)) from error
    if not isinstance(found, dict):
        raise ApiError(
            400, "The body is no object.", (Mistake("body", 'must be as {"dataset": "...", "format": "csv"}'),)
        )
    return found


def _read(catalogue: Catalogue, body: Mapping[str, Any]) -> ExportQuery:
    """The request in a body.

    Raises:
        ApiError: 422 with every mistake in it.
    """
    mistakes: list[Mistake] = []
    name, form = body.get("dataset"), body.get("format", "parquet")
    dataset = catalogue.datasets.get(name) if isinstance(name, str) else None
    if dataset is None:
        mistakes.append(Mistake("dataset", "has to name a dataset", tuple(catalogue.datasets)))
        mistakes += _foreign(catalogue, body)
    if not isinstance(form, str) or form not in FORMATS:
        mistakes.append(Mistake("format", "is not one of those allowed", tuple(FORMATS)))
    query = _query({key: value for key, value in body.items() if key not in ("dataset", "format")}, mistakes)
    if dataset is not None:
        try:
            found = read_export(dataset, query, str(form))
        except ApiError as error:
            mistakes += error.mistakes
    if dataset is None or mistakes:
        raise ApiError(422, "The body cannot be followed; see `errors`.", tuple(mistakes))
    return found


def _foreign(catalogue: Catalogue, body: Mapping[str, Any]) -> Iterator[Mistake]:
    """The members that no dataset would understand."""
    columns = {name for dataset in catalogue.datasets.values() for name in dataset.fields}
    own = ("dataset", "format", *OWN["exports"])
    for name in body:
        if name not in own and name not in columns and name.rpartition("__")[0] not in columns:
            yield Mistake(name[:200], "is no member of a request and no dataset's column", own)


def _query(body: Mapping[str, Any], mistakes: list[Mistake]) -> Query:
    """The members of a body as if they stood in a query string."""
    query: dict[str, list[str]] = {}
    for name, value in body.items():
        values = value if isinstance(value, list) else [value]
        if not values or any(isinstance(item, dict | list) or item is None for item in values):
            mistakes.append(Mistake(name[:200], "has to be a text, a number, a truth value or a list of these"))
        else:
            query[name] = [json.dumps(item) if isinstance(item, bool | int | float) else str(item) for item in values]
    return query


def _shown(state: Mapping[str, Any], files: list[dict[str, Any]]) -> dict[str, Any]:
    names = ("id", "state", "request", "created_at", "finished_at", "expires_at", "rows", "detail")
    return {name: state.get(name) for name in names} | {"files": files}


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)
