"""Which days a pass of checks looks at: those that it is asked for, and those of which one of its checks failed last.

A check has one state for all its days. A pass over some of them may find it failing; it may call it well only where it
has looked at every day of the latest failure too. So it looks at these days as well, and a check that failed says them.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import cast

from lambdas.common.lake import parse_range, range_texts
from orchestration.calls import Answer, Context, join
from orchestration.evaluations import latest_evaluation

# What a failed evaluation says in its metadata: UTC days, first/last, or none where a pass over any days will know.
WRONG_DAYS = "wrong_days"
LOOKED_AT = "days_looked_at"
ALL = "all days"
Days = tuple[dt.date, dt.date]
# The id of a failed evaluation and the half-open ranges that it names; None where it says no days: any may be wrong.
Failure = tuple[int, list[Days] | None]


def look(context: Context, asked: Mapping[str, str], ask: Callable[[Mapping[str, str]], Answer]) -> Answer:
    """The joined answers of `ask` over the days asked for and those of the latest failures of the run's checks.

    Args:
        context: of the step that evaluates checks.
        asked: start and end, UTC days, half-open; empty where all are meant.
        ask: a function's answer for start and end, or for all days.

    Returns:
        The answer, with `days_looked_at` as text instead of its start and end.
    """
    failures, seen = list(_failures(context)), None
    answer: Answer = {}
    # what another run found meanwhile, this one may have read too early to know
    while failures != seen:
        ranges, seen = _ranges(asked, failures), failures
        answer = {LOOKED_AT: ", ".join(map(_text, ranges))}
        for days in ranges:
            answer = join(answer, ask(days))
        failures = list(_failures(context))
    return {name: value for name, value in answer.items() if name not in ("start", "end")}


def counted_of(text: str, answer: Answer) -> str:
    """The text of a check that is well, with the days that it speaks of where these are not all."""
    return text if answer[LOOKED_AT] == ALL else f"{text}, of {answer[LOOKED_AT]}"


def _failures(context: Context) -> Iterator[Failure]:
    instance = context.op_execution_context.instance
    for key in sorted(context.selected_asset_check_keys, key=str):
        found = latest_evaluation(instance, key)
        if found is not None and not found[0].passed:
            evaluation, record = found
            said = evaluation.metadata.get(WRONG_DAYS)
            yield record.id, None if said is None else list(map(parse_range, cast("list[str]", said.value)))


def _ranges(asked: Mapping[str, str], failures: Iterable[Failure]) -> list[dict[str, str]]:
    """One range, or two where the wrong days lie apart from those asked for; an empty one is all days."""
    wrong: list[Days] = []
    for _, days in failures:
        if days is None:
            return [{}]
        wrong += days
    if not asked:
        return [{}]
    ranges = [_asked(asked)]
    if wrong:
        ranges = sorted([*ranges, (min(start for start, _ in wrong), max(end for _, end in wrong))])
    if len(ranges) > 1 and ranges[1][0] <= ranges[0][1]:
        ranges = [(ranges[0][0], max(end for _, end in ranges))]
    # from the first day on all days are meant
    return [{} if start == dt.date.min else {"start": str(start), "end": str(end)} for start, end in ranges]


def _asked(days: Mapping[str, str]) -> Days:
    return dt.date.fromisoformat(days["start"]), dt.date.fromisoformat(days["end"])


def _text(days: Mapping[str, str]) -> str:
    return range_texts([_asked(days)])[0] if days else ALL
