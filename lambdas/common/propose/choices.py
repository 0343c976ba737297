"""What concerns several columns: the event time, the key and its version, the words for no value."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lambdas.common.propose.profile import Profiled

TIMES = ("timestamp", "date")
OTHER_TIMES = re.compile(r"updat|modif|chang|expir|until|end|deliver|birth|due|clos", re.I)
EVENT = re.compile(r"time|date|stamp|day|_at$|^at$|^ts$", re.I)
ALONE = re.compile(r"(^|_)(id|uuid|guid|key|nr|no|number|code|sku|isbn|iban|reference|ref)$", re.I)
PART = re.compile(
    r"(^|_)(id|uuid|key|nr|no|code|station|sensor|meter|device|site|symbol|ticker|origin|location|store|machine|name)$",
    re.I,
)
VERSION = re.compile(r"updat|modif|chang|revis|version", re.I)
PRIVATE = re.compile(r"mail|phone|mobile|iban|passport|ssn|birth|surname|last_?name|first_?name|address", re.I)
# Fewer rows say nothing about what comes together by chance, or is always there.
ENOUGH = 20


@dataclass(slots=True)
class Chosen:
    """`event` None: no column holds a time. `null_words` are the schema's; `own_words` those of single columns."""

    event: str | None
    key: tuple[str, ...] = ()
    version: str | None = None
    null_words: tuple[str, ...] = ()
    own_words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)


def choose(
    connection: Any,
    relation: str,
    columns: Sequence[Profiled],
    declared: Sequence[str] = (),
    shared: Sequence[str] = (),
    *,
    knows_null: bool = False,
) -> Chosen:
    """The choices for these columns of the relation; what is unsure about them is in the notes.

    `knows_null`: the source tells no value from an empty text, as a CSV does not. `declared` are the raw columns that
    the source itself says are its key; `shared` is a key that rows turned out to share once their values were read.
    """
    chosen = Chosen(None)
    _choose_words(columns, chosen, knows_null=knows_null)
    _choose_event(columns, chosen)
    chosen.key = tuple(c.name for raw in declared for c in columns if c.raw == raw and is_full(c, chosen))
    if len(chosen.key) != len(declared) or not declared:
        _choose_key(connection, relation, columns, chosen)
    if shared and chosen.key == tuple(shared):
        chosen.key = ()
    _say_key(columns, chosen, declared=bool(declared))
    if columns[0].rows >= ENOUGH:
        chosen.required = tuple(column.name for column in columns if is_full(column, chosen))
        chosen.notes.append("required: wherever no row of the sample lacks a value; take it away where one may")
    private = [column.name for column in columns if PRIVATE.search(column.name)]
    if private:
        chosen.notes.append(f"{', '.join(private)}: about people? classification: restricted keeps them from the API")
    return chosen


def is_full(column: Profiled, chosen: Chosen) -> bool:
    """Whether every row of the sample has a value."""
    return column.filled == column.rows and not set(column.found.null_words) & set(_words(column, chosen))


def _words(column: Profiled, chosen: Chosen) -> tuple[str, ...]:
    """What means no value there. An empty text that is to become a number or a time is none in any case."""
    own = chosen.own_words.get(column.name, chosen.null_words)
    return own if column.found.logical == "string" else (*own, "")


def _choose_words(columns: Sequence[Profiled], chosen: Chosen, *, knows_null: bool) -> None:
    """Words found among numbers and times hold for the file; a text that looks like a code keeps them as values."""
    beside = Counter(word for c in columns if c.found.logical != "string" for word in c.found.null_words)
    texts = [c for c in columns if c.found.logical == "string" and c.found.null_words]
    empty = [""] if not knows_null and any("" in c.found.null_words for c in columns) else []
    chosen.null_words = tuple(dict.fromkeys((*empty, *beside)))
    said = sorted({word for c in texts for word in c.found.null_words if word} - set(beside))
    if said:
        chosen.notes.append(f"{_names(texts)}: {_quoted(said)} stays a text; does it mean no value (nullWords)?")
    for column in texts:
        words = [word for word in column.found.null_words if word in beside and word]
        if words and column.raw and _is_code(column):
            chosen.own_words[column.name] = tuple(word for word in chosen.null_words if word not in words)
            chosen.notes.append(f"{column.name}: {_quoted(words)} is a code there, and elsewhere no value")
        elif words:
            chosen.notes.append(f"{column.name}: {_quoted(words)} is taken for no value there as well; nullWords of "
                                "its own would keep it")  # fmt: skip
    if beside - Counter([""]):
        chosen.notes.append(f"{_quoted(sorted(w for w in beside if w))} is taken for no value (nullWords)")


def _is_code(column: Profiled) -> bool:
    """Texts as short as the word itself: NA among DE and FR is Namibia."""
    return column.expression is None and len(column.high) == len(column.low) <= 3


def _choose_event(columns: Sequence[Profiled], chosen: Chosen) -> None:
    times = [column for column in columns if column.found.physical in TIMES and column.filled]
    if not times:
        chosen.notes.append(
            "no column holds a time in all rows that have a value: the contract puts all of them under one day, "
            "2000-01-01; write the right column down"
        )
        return

    def rank(column: Profiled) -> tuple[bool, bool, bool, bool]:
        name = column.name
        full = is_full(column, chosen)
        return full, not OTHER_TIMES.search(name), column.found.physical == "timestamp", bool(EVENT.search(name))

    best = max(times, key=rank)
    chosen.event = best.name
    others = [column.name for column in times if column is not best]
    if others:
        chosen.notes.append(f"{best.name}: taken for the event time; {', '.join(others)} could be it as well")
    if not is_full(best, chosen):
        chosen.notes.append(f"{best.name}: rows without it have no day, and are rejected")


def _choose_key(connection: Any, relation: str, columns: Sequence[Profiled], chosen: Chosen) -> None:
    fit = [c for c in columns if is_full(c, chosen) and c.found.logical in ("string", "integer") and c.distinct]
    chosen.key = ()
    alone = [c for c in fit if c.distinct == c.rows > 1 and ALONE.search(c.name)]
    event = next((c for c in columns if c.name == chosen.event), None)
    if alone:
        chosen.key = (min(alone, key=lambda c: (not c.name.endswith("id"), len(c.name))).name,)
    elif event and event.rows >= ENOUGH and is_full(event, chosen):
        parts = [c for c in fit if PART.search(c.name) and c is not event]
        chosen.key = _composite(connection, relation, parts, event)


def _say_key(columns: Sequence[Profiled], chosen: Chosen, *, declared: bool) -> None:
    if not chosen.key:
        chosen.notes.append("no key: no column tells rows apart by its name and its values; every row is kept")
        return
    why = "as the table itself says" if declared else "no two rows share it"
    chosen.notes.append(f"the key is {', '.join(chosen.key)}: {why}; a later row of a key replaces it")
    versions = [c.name for c in columns if VERSION.search(c.name) and c.found.physical in TIMES and c.filled]
    chosen.version = versions[0] if versions else None
    if chosen.version:
        chosen.notes.append(
            f"{chosen.version}: of the rows of a key the one with the greatest is current (versionColumn)"
        )
    elif chosen.key == (chosen.event,):
        chosen.notes.append(f"{chosen.event} alone is the key: would two rows of one instant be one?")


def _composite(connection: Any, relation: str, parts: list[Profiled], event: Profiled) -> tuple[str, ...]:
    for count in range(min(len(parts), 3) + 1):
        columns = [*parts[:count], event]
        values = ", ".join(column.value for column in columns)
        sql = f"SELECT count(*) FROM (SELECT DISTINCT {values} FROM {relation})"
        if (count or not parts) and connection.execute(sql).fetchall()[0][0] == event.rows:
            return tuple(column.name for column in columns)
    return ()


def _names(columns: Sequence[Profiled]) -> str:
    return ", ".join(column.name for column in columns)


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(repr(word) for word in words)
