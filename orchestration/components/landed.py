"""The check that every promised day was landed: what a pass over some days says beside what the one before it found."""

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg

from lambdas.common.lake import contiguous, days_between, hull, parse_range, range_texts
from orchestration.calls import Answer
from orchestration.evaluations import latest_evaluation
from orchestration.landings import raw_key
from orchestration.passes import ALL, LOOKED_AT, WRONG_DAYS

LANDED = "days_landed"
# In its metadata: the days, those at which the pass did not look, and the day behind which days are healed.
UNLANDED, ELSEWHERE, FOLLOWED = "unlanded_days", "unlanded_elsewhere", "followed"
DAY = dt.timedelta(days=1)


def with_former(instance: dg.DagsterInstance, source: str, answer: Answer) -> Answer:
    """The proof's answer with what the latest evaluation knows of days at which this pass did not look."""
    found = latest_evaluation(instance, dg.AssetCheckKey(raw_key(source), LANDED))
    if answer[LOOKED_AT] == ALL or found is None:
        return {**answer, ELSEWHERE: []}
    former: dict[str, Any] = {name: value.value for name, value in found[0].metadata.items()}
    known = {FOLLOWED: min(filter(None, (answer.get(FOLLOWED), former.get(FOLLOWED))), default=None)}
    left = days_of([*former.get(ELSEWHERE, ()), *former.get(UNLANDED, ())]) - days_of(answer[LOOKED_AT].split(", "))
    return {**answer, **known, ELSEWHERE: range_texts(contiguous(left))}


def wrong_days(answer: Answer) -> dict[str, list[str]]:
    """The days that are to be looked at again: those that will be landed by themselves. History stays as it is."""
    followed = answer.get(FOLLOWED)
    return {WRONG_DAYS: hull(day for day in days_of(answer[UNLANDED]) if followed and str(day) > followed)}


def describe(source: str, answer: Answer) -> Iterator[str]:
    """What is wrong, and who mends it; nothing where every promised day was landed."""
    if answer["unlanded"]:
        yield f"{answer['unlanded']} days were never landed, the newest of them {', '.join(answer[UNLANDED])}"
    if answer[ELSEWHERE]:
        yield f"a former proof found {', '.join(answer[ELSEWHERE])}"
    if answer["unlanded"] or answer[ELSEWHERE]:
        followed = answer.get(FOLLOWED)
        by_hand = f"`scripts/data_ingest.py {source} --from FIRST --to LAST` lands them"
        yield f"those behind {followed} are asked for by themselves, others are not: {by_hand}" if followed else by_hand


def days_of(ranges: Iterable[str]) -> set[dt.date]:
    """The UTC days of these ranges, as first/last, both included."""
    return {day for text in ranges for day in days_between(*parse_range(text))}
