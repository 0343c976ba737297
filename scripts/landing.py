"""What `data_ingest.py` tells of a landing: how far it is, at which rate, and what became of it.

On a terminal a bar moves; elsewhere, as in a log, each answer of the function is a line.
"""

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from lambdas.common.contract import Contract
from scripts.tables import new_table, print_table

Event = Mapping[str, Any]
DAY = dt.timedelta(days=1)


@dataclass(slots=True)
class Landing:
    """The function's answers added up. `through` is the last UTC day that was asked for and has been come to."""

    source: str
    dry_run: bool = False
    answers: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("put", "unchanged", "emptied"), 0))
    rows: int = 0
    outside: int = 0
    unloaded: int = 0
    early: int = 0
    bytes: int = 0
    held: bool = False
    changes: list[tuple[str, int]] = field(default_factory=list)
    columns: dict[str, list[str]] = field(default_factory=lambda: {"lost": [], "new": []})
    first: dt.date | None = None
    through: dt.date | None = None
    begun: float = field(default_factory=time.monotonic)

    def add(self, event: Event, answer: Mapping[str, Any]) -> None:
        """Add the answer to an event."""
        self.answers += 1
        for name, number in answer["objects"].items():
            self.counts[name] += number
        self.rows += answer["rows"]
        self.outside += answer.get("outside", 0)
        self.unloaded += answer.get("unloaded", 0)
        self.early += answer.get("early", 0)
        self.bytes += answer["bytes"]
        self.changes += [(one["key"], one["rows"]) for one in answer.get("changes", ())]
        for kind, names in answer.get("columns", {}).items():
            self.columns[kind] += [name for name in names if name not in self.columns[kind]]
        rest = answer.get("remaining") or {}
        self.held = bool((rest.get("slice") or {}).get("run"))
        if "start" in event:
            self.first = self.first or dt.date.fromisoformat(event["start"])
            self.through = dt.date.fromisoformat(rest.get("start") or event["end"]) - DAY

    @property
    def days(self) -> int:
        """Days that were come to."""
        return (self.through - self.first).days + 1 if self.first and self.through else 0

    @property
    def seconds(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.begun

    @property
    def rate(self) -> float:
        """Rows a second since it began."""
        return self.rows / max(self.seconds, 0.001)


@contextmanager
def telling(landing: Landing, events: Sequence[Event]) -> Iterator[Callable[[], None]]:
    """Show how far the landing is, whenever what this gives is called: after each answer."""
    days, console = sum(map(_days, events)), Console(stderr=True)
    if not console.is_terminal:
        yield lambda: console.print(f"{landing.source}: {_state(landing, days)}", highlight=False, soft_wrap=True)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[state]}"))
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(landing.source, total=days or None, state="calling the function")
        yield lambda: progress.update(task, completed=landing.days, state=_state(landing, days))
        progress.update(task, total=days or 1, completed=days or 1)


def _days(event: Event) -> int:
    if "start" not in event:
        return 0
    return (dt.date.fromisoformat(event["end"]) - dt.date.fromisoformat(event["start"])).days


def _state(landing: Landing, days: int) -> str:
    reached = f"{landing.days:,} of {days:,} days, to {landing.through}; " if landing.days else ""
    return f"{reached}{landing.rows:,} rows, {landing.rate:,.0f} a second"


def show(landing: Landing) -> None:
    """Print the summary; of a dry run also the objects that would change, before it."""
    if landing.dry_run:
        _show_changes(landing)
    days = f", {landing.first} to {landing.through}" if landing.first else ""
    print(f"{landing.source}{days}: {_did(landing)} under raw/{landing.source}/")
    values = {**landing.counts, "rows": landing.rows, "bytes": landing.bytes}
    table = new_table(right=("objects put", "unchanged", "emptied", "rows", "bytes", "seconds", "rows a second"))
    table.add_row(*(f"{number:,}" for number in values.values()), f"{landing.seconds:.1f}", f"{landing.rate:,.0f}")
    print_table(table)
    _show_emptied(landing)
    if landing.outside:
        print(f"{landing.outside:,} rows of other days than asked for were left out")
    if landing.unloaded:
        print(
            f"{landing.unloaded:,} rows are of days that {landing.source} does not have, and nothing loads them: are "
            "`start` and `end` in its defs.yaml right?"
        )
    if landing.early:
        print(f"{landing.early:,} rows are of days to come, UTC: no load takes them before their day has begun")


def show_older_days(contract: Contract) -> None:
    """Say of a file landed beside the source where its rows do not win: those of a key follow the day alone.

    Only where rows of a key can lie in several days, and no version column tells which is the newest.
    """
    if contract.key and not contract.version_column and contract.event_time.name not in contract.key:
        print(
            f"{contract.name} has a key and no versionColumn: of the rows of a key that of the later day is current. A "
            f"row of this file that moves {contract.event_time.name} to an earlier day does not replace it"
        )


def _did(landing: Landing) -> str:
    return "would land" if landing.dry_run else "landed"


def _show_emptied(landing: Landing) -> None:
    if emptied := landing.counts["emptied"]:
        did = "would be" if landing.dry_run else "are"
        print(
            f"{emptied:,} objects {did} replaced by empty ones, because the source has no rows for them any more: "
            "rows that they had leave the warehouse with the next load"
        )


def _show_changes(landing: Landing) -> None:
    changed = landing.counts["put"] + landing.counts["emptied"]
    print("these objects would be put, with so many rows:" if changed else "no object would be put")
    for key, rows in landing.changes:
        print(f"{rows:>12,}  {key}")
    if more := changed - len(landing.changes):
        print(f"and {more:,} more")
    _show_columns(landing.columns)


def _show_columns(columns: Mapping[str, Sequence[str]]) -> None:
    if lost := columns["lost"]:
        print(f"the contract reads {', '.join(lost)}, which the source does not have (drift: a column is lost)")
    if new := columns["new"]:
        print(f"the source has {', '.join(new)}, which the contract names nowhere (drift: a column is new)")


def before(landing: Landing) -> str:
    """What the calls before the one that failed have done."""
    objects = sum(landing.counts.values())
    if not objects:
        return "Nothing landed before."
    if landing.held:
        return f"{landing.rows:,} rows were read before that; nothing of a source that is not read to its end lands"
    did = "would have landed" if landing.dry_run else "had landed and stay"
    days = f" of {landing.first} to {landing.through}" if landing.days else ""
    return f"Before that {landing.rows:,} rows{days} in {objects:,} objects {did}; running it again is safe"
