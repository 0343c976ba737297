"""Which days a proof asks to be loaded, and which to be built anew, as few ranges that fit into a report."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import replace

from lambdas.common.db import prove
from lambdas.common.db.prove import Proof
from lambdas.common.lake import contiguous, hull, lies_in_day, parse_raw_day, range_texts

# An answer to Dagster stays small; nearer ranges are joined, and what lies between is loaded already.
MOST_MISSING = 6
# A day more would be work: what does not fit comes with the next proof.
MOST_DAMAGED = 6
MOST_OUTSIDE = 3
# Rows that no entry knows are left: nobody can say whose they are, and a rebuild would not take them out.
MENDED_BY_REBUILD = {
    prove.ROWS_IN,
    prove.ACCEPTED,
    prove.ONCE,
    prove.SUPERSEDED,
    prove.KEYS,
    prove.NEWEST,
    prove.FILES,
}


def missing_days(proof: Proof) -> list[str]:
    """UTC days of objects that are not in force or have lapsed, as first/last, at most MOST_MISSING ranges."""
    return range_texts(_join(contiguous(_days((*proof.pending, *proof.lapsed))), MOST_MISSING))


def split_outside(proof: Proof, has_day: Callable[[dt.date], bool]) -> tuple[Proof, tuple[str, ...]]:
    """The proof without the pending objects of days that the source does not have, and these: they are not loaded."""
    days = {day: has_day(day) for day in _days(proof.pending)}
    outside = [key for key in proof.pending if not days.get(parse_raw_day(key).day, True)]
    left = set(proof.pending) - set(outside)
    return replace(proof, pending=tuple(key for key in proof.pending if key in left)), tuple(outside)


def outside_days(raw_keys: Iterable[str]) -> list[str]:
    """The UTC days of these objects, as first/last, at most MOST_OUTSIDE ranges."""
    return range_texts(contiguous(_days(raw_keys))[:MOST_OUTSIDE])


def damaged_days(proof: Proof) -> list[str]:
    """UTC days whose tables a rebuild brings back, as first/last; of objects that still lie in the lake."""
    wrong = {f.raw_key for f in proof.findings if f.equation in MENDED_BY_REBUILD} - {*proof.gone, *proof.lapsed}
    return range_texts(contiguous(_days(wrong))[:MOST_DAMAGED])


def wrong_days(proof: Proof) -> list[str]:
    """From the first to the last UTC day of which something is not right, as [first/last]; all where it may be any."""
    keys = {*proof.pending, *proof.gone, *(finding.raw_key for finding in proof.findings)}
    if len(proof.findings) >= prove.MOST or not all(map(lies_in_day, keys)):
        return range_texts([prove.EVER])
    return hull(_days(keys))


def _days(raw_keys: Iterable[str]) -> set[dt.date]:
    return {parse_raw_day(key).day for key in raw_keys if lies_in_day(key)}


def _join(ranges: list[tuple[dt.date, dt.date]], most: int) -> list[tuple[dt.date, dt.date]]:
    """The ranges, those with the smallest gaps joined until there are no more than `most`."""
    joined = list(ranges)
    while len(joined) > most:
        at = min(range(len(joined) - 1), key=lambda i: joined[i + 1][0] - joined[i][1])
        joined[at : at + 2] = [(joined[at][0], joined[at + 1][1])]
    return joined
