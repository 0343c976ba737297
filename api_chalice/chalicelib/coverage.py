"""What is known of the days in a range: loaded, proved empty, missing; and as of when the answer is.

The ledger is read by the day in the raw key. A mart is seen as its last refresh saw it: its sources' entries up
to the generations of then.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from lambdas.common.source import SourceConfig

from .cursor import fingerprint
from .query import Statement
from .reader import Selection
from .schemas import Dataset

MOST_RUNS = 100
LOADED, EMPTY = 2, 1
ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Known:
    """`as_of` is naive UTC, None where nothing was ever loaded; so is `coverage` of a mart never refreshed.

    `version` changes with every commit that could change an answer. `days` tells by ordinal what is known of each.
    """

    start: dt.date | None
    end: dt.date | None
    as_of: dt.datetime | None
    coverage: dict[str, Any] | None
    version: str = ""
    days: Mapping[int, str] = field(default_factory=dict)


@cache
def sql_text(name: str) -> str:
    """The text of sql/<name>.sql without its comments."""
    lines = (Path(__file__).parent / "sql" / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("--"))


def compile_version(dataset: Dataset) -> Statement:
    """SELECT of the few values of which `version_of` makes the dataset's version."""
    if dataset.subquery:
        return Statement(sql_text("version_loads"))
    return Statement(sql_text(f"seen_{dataset.contract.kind}"), (dataset.name,))


def version_of(rows: Iterable[Mapping[str, Any]]) -> str:
    """The version that rows of `compile_version` or `compile_coverage` tell: other after every load and refresh."""
    return fingerprint(*sorted({(r["source"], str(r["generation"]), str(r["refreshed_at"])) for r in rows}))


def compile_coverage(selection: Selection) -> Statement:
    """SELECT of the runs of days that `read_coverage` understands."""
    return _over_days("coverage", selection)


def compile_days(selection: Selection) -> Statement:
    """SELECT of one row for each day of which the ledger knows."""
    return _over_days("days", selection)


def _over_days(name: str, selection: Selection) -> Statement:
    contract = selection.dataset.contract
    first, last = _first_day(selection), _end_day(selection)
    conditions = ["l.raw_day IS NOT NULL"]
    values: list[Any] = [selection.dataset.name]
    for sign, day in ((">=", first), ("<", last)):
        if day is not None:
            conditions.append(f"l.raw_day {sign} %s")
            values.append(day)
    sql = sql_text(name).replace("{seen}", sql_text(f"seen_{contract.kind}"))
    return Statement(sql.replace("{days}", " AND ".join(conditions)), tuple(values))


def read_coverage(
    selection: Selection, rows: Sequence[Mapping[str, Any]], sources: Mapping[str, SourceConfig], today: dt.date
) -> Known:
    """What the rows of `compile_coverage` say, against what was to be expected up to yesterday, UTC."""
    contract = selection.dataset.contract
    seen: dict[str, list[Mapping[str, Any]]] = {} if contract.kind == "mart" else {contract.name: []}
    moments: list[dt.datetime | None] = []
    for row in rows:
        runs = seen.setdefault(row["source"], [])
        moments.append(row["as_of"])
        if row["state"] is not None:
            runs.append(row)
    as_of = min((m for m in moments if m), default=None) if None not in moments else None
    if not seen:
        return Known(_first_day(selection), _end_day(selection), None, None, version_of(rows))
    parts = [_Days.of(selection, runs, sources.get(name), today) for name, runs in seen.items()]
    known = _combined(selection, parts, as_of, [row for runs in seen.values() for row in runs])
    return replace(known, version=version_of(rows))


@dataclass(frozen=True, slots=True)
class _Days:
    """Ordinals of one source's days."""

    loaded: frozenset[int]
    empty: frozenset[int]
    missing: frozenset[int]

    @classmethod
    def of(
        cls,
        selection: Selection,
        runs: Iterable[Mapping[str, Any]],
        source: SourceConfig | None,
        today: dt.date,
    ) -> "_Days":
        states: dict[int, set[int]] = {0: set(), EMPTY: set(), LOADED: set()}
        for run in runs:
            states[int(run["state"])].update(range(run["first_day"].toordinal(), run["last_day"].toordinal() + 1))
        known = states[LOADED] | states[EMPTY]
        expected = _expected(selection, source, known, today)
        return cls(frozenset(states[LOADED]), frozenset(states[EMPTY]), frozenset((expected | states[0]) - known))


def _expected(selection: Selection, source: SourceConfig | None, known: set[int], today: dt.date) -> set[int]:
    """Days that should be there. Without schedule or end none is awaited behind what came, unless it is asked for."""
    if source is None:
        return set()
    today = source.last_day(today - dt.timedelta(days=1)) + dt.timedelta(days=1)
    first, end = _first_day(selection), _end_day(selection)
    low = max(source.start, first) if first else source.start
    high = min(today, end) if end else today
    if end is None and not source.scheduled and source.end is None:
        high = min(high, dt.date.fromordinal(max(known) + 1)) if known else low
    return set(range(low.toordinal(), high.toordinal()))


def _combined(
    selection: Selection, parts: Sequence[_Days], as_of: dt.datetime | None, runs: Sequence[Mapping[str, Any]]
) -> Known:
    """A day is missing where one source misses it, loaded where one has rows, empty where none has."""
    missing = frozenset().union(*(part.missing for part in parts))
    loaded = frozenset().union(*(part.loaded for part in parts)) - missing
    empty = frozenset().union(*(part.empty for part in parts)) - missing - loaded
    days = missing | loaded | empty
    gaps = list(_runs(sorted(missing)))
    coverage = {
        "days": len(days),
        "days_loaded": len(loaded),
        "days_empty": len(empty),
        "days_missing": len(missing),
        "missing": gaps[:MOST_RUNS],
        "missing_truncated": len(gaps) > MOST_RUNS,
        "rows_rejected": sum(int(run["rows_rejected"]) for run in runs),
        "rows_late": sum(int(run["rows_late"]) for run in runs),
        "objects_bad": sum(int(run["objects_bad"]) for run in runs),
    }
    start = _first_day(selection) or (dt.date.fromordinal(min(days)) if days else None)
    end = _end_day(selection) or (dt.date.fromordinal(max(days) + 1) if days else None)
    states = dict.fromkeys(missing, "missing") | dict.fromkeys(loaded, "loaded") | dict.fromkeys(empty, "empty")
    return Known(start, end, as_of, coverage, days=states)


def _runs(ordinals: Sequence[int]) -> Iterable[dict[str, dt.date]]:
    """The days as half-open runs."""
    start = 0
    for place in range(1, len(ordinals) + 1):
        if place == len(ordinals) or ordinals[place] != ordinals[place - 1] + 1:
            first, last = ordinals[start], ordinals[place - 1]
            yield {"from": dt.date.fromordinal(first), "to": dt.date.fromordinal(last) + ONE_DAY}
            start = place


def _first_day(selection: Selection) -> dt.date | None:
    return selection.start.date() if selection.start else None


def _end_day(selection: Selection) -> dt.date | None:
    """The day behind the last that the range touches."""
    if selection.end is None or selection.end.date() == dt.date.max:
        return None
    whole = selection.end.time() == dt.time(0)
    return selection.end.date() if whole else selection.end.date() + ONE_DAY
