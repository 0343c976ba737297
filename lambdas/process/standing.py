"""What a source lacks: days without an object, and objects that a former contract loaded."""

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.db.prove import Proof
from lambdas.common.db.redshift import query
from lambdas.common.db.sql import statement
from lambdas.common.errors import ContractError
from lambdas.common.lake import contiguous, days_between, list_undated, range_texts
from lambdas.common.source import DAY, SourceConfig, load_source_config

logger = logging.getLogger(__name__)

MOST_RANGES = 10
# An answer to Dagster stays small; what does not fit comes with the next proof.
MOST_UNLANDED = 6
NOTHING_UNLANDED = {"unlanded": 0, "unlanded_days": [], "followed": None}
# as many keys of a source are looked at for names that break the pattern: 20 calls
MOST_KEYS = 20_000


def read_standing(connection: Any, declared: Mapping[str, Contract]) -> dict[str, dict[str, Any]]:
    """By source: `former` (objects in force that another contract loaded), `missing` (days) and `missing_days`."""
    days: dict[str, set[dt.date]] = defaultdict(set)
    former: dict[str, int] = defaultdict(int)
    for row in query(connection, statement("status_days")):
        source = row["source"]
        if int(row["loaded"]):
            days[source].add(row["raw_day"])
        if source in declared and row["contract_hash"] != declared[source].hash:
            former[source] += int(row["objects"])
    now = dt.datetime.now(dt.UTC)
    return {name: {"former": former[name], **_missing(name, days[name], now)} for name in declared}


def _missing(name: str, days: set[dt.date], now: dt.datetime) -> dict[str, Any]:
    try:
        return find_missing(load_source_config(name), days, now)
    except ContractError:
        logger.warning("%s: its defs.yaml does not say since when it has data", name)
        return {"missing": None, "missing_days": []}


def find_missing(config: SourceConfig, days: Collection[dt.date], now: dt.datetime) -> dict[str, Any]:
    """The expected UTC days of which nothing is loaded; `days` are those of which something is.

    Returns:
        missing (how many) and missing_days ("first/last", both included; the first 10 ranges).
    """
    ranges = contiguous(expected_days(config, days, now) - set(days))
    return {"missing": _count(ranges), "missing_days": range_texts(ranges[:MOST_RANGES])}


def expected_days(config: SourceConfig, known: Collection[dt.date], now: dt.datetime) -> set[dt.date]:
    """The UTC days from the source's start to the last that is promised.

    Where nobody promised a day: to the newest that is known.
    """
    last = config.last_promised(now) or max(known, default=config.start - DAY)
    return set(days_between(config.start, last + DAY))


def find_unlanded(
    config: SourceConfig, proof: Proof, days: tuple[dt.date, dt.date], now: dt.datetime
) -> dict[str, Any]:
    """The expected UTC days among [start, end) of which neither lake nor ledger knows an object.

    A day whose objects were forgotten is none of them: nobody wants it back. Neither is one whose object was set aside.

    Returns:
        unlanded (how many), unlanded_days ("first/last", both included; the newest 6 ranges) and followed: the first
        day that was landed when it was news, so that those behind it are the schedule's; null where there is none.
    """
    if config.extract is None:
        return dict(NOTHING_UNLANDED)
    expected = expected_days(config, proof.days, now) - proof.days
    ranges = contiguous(day for day in expected if days[0] <= day < days[1])
    followed = str(proof.followed) if proof.followed and config.scheduled else None
    return {"unlanded": _count(ranges), "unlanded_days": range_texts(ranges[-MOST_UNLANDED:]), "followed": followed}


def _count(ranges: Iterable[tuple[dt.date, dt.date]]) -> int:
    return sum((end - first).days for first, end in ranges)


def find_undated(s3: Any, bucket: str, source: str) -> dict[str, Any]:
    """How many objects of the source lie in no day (`undated`), and one of them."""
    found = list_undated(s3, bucket, source, MOST_KEYS)
    return {"undated": len(found), "undated_key": min(found, default=None)}
