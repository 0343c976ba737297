"""The days of a run as people want to see them: counts in each partition's metadata, a table and a chart in the run's.

The counts of a load are the ledger's, those of a landing the lake's, so that they are true for days that a former run
has loaded or landed as well.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import dagster as dg

Day = Mapping[str, Any]

# What the chart shows of a day, by the heads of its columns; the bar is of the second one, the rows of the partition.
LANDED = {"objects": "objects", "rows": "rows"}
LOADED = {"objects": "objects", "accepted": "rows_accepted", "rejected": "rows_rejected", "late": "rows_late"}
# More lines than these nobody reads: longer loads are shown by month, then by year.
MOST_LINES = 31
WIDTH = 24


def day_metadata(day: Day, columns: Mapping[str, str]) -> dict[str, Any]:
    """The counts of one day that are known, under Dagster's own key for the rows of a partition too."""
    counts = {name: value for name, value in day.items() if name != "day" and value is not None}
    rows = day[_rows(columns)]
    return counts if rows is None else {**counts, "dagster/partition_row_count": rows}


def every_day(days: Sequence[Day], keys: Iterable[str], columns: Mapping[str, str]) -> Iterator[Day]:
    """The day of each partition: with zeros where nothing is known of it, because there is no object."""
    known = {day["day"]: day for day in days}
    for key in keys:
        yield known.get(key, {"day": key, **dict.fromkeys(columns.values(), 0)})


def _rows(columns: Mapping[str, str]) -> str:
    return list(columns.values())[1]


def work_table(found: Mapping[str, Any]) -> dg.MarkdownMetadataValue:
    """What the run did, all its days together, as a Markdown table of two lines; `found` as metadata has it."""
    counts = {name: value for name, value in found.items() if isinstance(value, int | float)}
    heads = " | ".join(name.removeprefix("rows_").replace("_", " ") for name in counts)
    return dg.MetadataValue.md(
        f"| {heads} |\n|{'---:|' * len(counts)}\n| {' | '.join(map(_number, counts.values()))} |"
    )


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def chart(days: Sequence[Day], columns: Mapping[str, str]) -> dg.MarkdownMetadataValue:
    """The days as a Markdown table with a bar for their rows; months or years where there are many days."""
    lines = _lines(days, columns)
    rows = _rows(columns)
    most = max((line[rows] for line in lines), default=0)
    head = f"| UTC | {' | '.join(columns)} | |\n|---|{'---:|' * len(columns)}---|\n"
    drawn = (_line(line, columns, "█" * _bar(line[rows], most)) for line in lines)
    return dg.MetadataValue.md(head + "\n".join(drawn))


def _lines(days: Sequence[Day], columns: Mapping[str, str]) -> list[dict[str, Any]]:
    for length in (len("YYYY-MM-DD"), len("YYYY-MM"), len("YYYY")):
        lines = [_sum(name, group, columns) for name, group in groupby(days, key=lambda day: day["day"][:length])]
        if len(lines) <= MOST_LINES:
            break
    return lines


def _sum(name: str, group: Iterable[Day], columns: Mapping[str, str]) -> dict[str, Any]:
    members = list(group)
    return {"day": name, **{count: sum(day[count] or 0 for day in members) for count in columns.values()}}


def _line(line: Day, columns: Mapping[str, str], bar: str) -> str:
    numbers = " | ".join(f"{line[name]:,}" for name in columns.values())
    return f"| {line['day']} | {numbers} | {bar} |"


def _bar(rows: int, most: int) -> int:
    return 0 if not rows else max(1, round(WIDTH * rows / most))
