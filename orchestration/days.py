"""The days of a load as people want to see them: counts in each partition's metadata, a table and a chart in the run's.

The counts are the ledger's, so that they are true for days that a former run has loaded as well.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import dagster as dg

Day = Mapping[str, Any]

COLUMNS = {"objects": "objects", "rows_accepted": "accepted", "rows_rejected": "rejected", "rows_late": "late"}
# More lines than these nobody reads: longer loads are shown by month, then by year.
MOST_LINES = 31
WIDTH = 24


def day_metadata(day: Day) -> dict[str, Any]:
    """The counts of one day, under Dagster's own key for the rows of a partition too."""
    counts = {name: value for name, value in day.items() if name != "day"}
    return {**counts, "dagster/partition_row_count": day["rows_accepted"]}


def load_table(answer: Mapping[str, Any]) -> dg.MarkdownMetadataValue:
    """What the run did, all its days together, as a Markdown table of two lines."""
    counts = {name: value for name, value in answer.items() if isinstance(value, int | float)}
    heads = " | ".join(name.removeprefix("rows_").replace("_", " ") for name in counts)
    return dg.MetadataValue.md(
        f"| {heads} |\n|{'---:|' * len(counts)}\n| {' | '.join(map(_number, counts.values()))} |"
    )


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def chart(days: Sequence[Day]) -> dg.MarkdownMetadataValue:
    """The days as a Markdown table with a bar for the accepted rows; months or years where there are many days."""
    lines = _lines(days)
    most = max((line["rows_accepted"] for line in lines), default=0)
    head = f"| UTC | {' | '.join(COLUMNS.values())} | |\n|---|{'---:|' * len(COLUMNS)}---|\n"
    return dg.MetadataValue.md(head + "\n".join(_line(line, most) for line in lines))


def _lines(days: Sequence[Day]) -> list[dict[str, Any]]:
    for length in (len("YYYY-MM-DD"), len("YYYY-MM"), len("YYYY")):
        lines = [_sum(name, group) for name, group in groupby(days, key=lambda day: day["day"][:length])]
        if len(lines) <= MOST_LINES:
            break
    return lines


def _sum(name: str, group: Any) -> dict[str, Any]:
    members = list(group)
    return {"day": name, **{count: sum(day[count] for day in members) for count in COLUMNS}}


def _line(line: Day, most: int) -> str:
    numbers = " | ".join(f"{line[name]:,}" for name in COLUMNS)
    return f"| {line['day']} | {numbers} | {'█' * _bar(line['rows_accepted'], most)} |"


def _bar(rows: int, most: int) -> int:
    return 0 if not rows else max(1, round(WIDTH * rows / most))
