"""What a source lacks: days without an object, and objects that a former contract loaded."""

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.db.redshift import query
from lambdas.common.db.sql import statement
from lambdas.common.errors import ContractError
from lambdas.common.lake import contiguous, list_undated
from lambdas.common.source import SourceConfig, load_source_config

logger = logging.getLogger(__name__)

DAY = dt.timedelta(days=1)
MOST_RANGES = 10
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
    today = dt.datetime.now(dt.UTC).date()
    return {name: {"former": former[name], **_missing(name, days[name], today)} for name in declared}


def _missing(name: str, days: set[dt.date], today: dt.date) -> dict[str, Any]:
    try:
        return find_missing(load_source_config(name), days, today)
    except ContractError:
        logger.warning("%s: its defs.yaml does not say since when it has data", name)
        return {"missing": None, "missing_days": []}


def find_missing(config: SourceConfig, days: set[dt.date], today: dt.date) -> dict[str, Any]:
    """The UTC days since the source's start of which nothing is loaded, up to yesterday by a schedule, or to its end.

    Without either nobody promised a day: then up to the newest that is there.

    Returns:
        missing (how many) and missing_days ("first/last", both included; the first 10 ranges).
    """
    scheduled = config.schedule is not None and config.extract is not None
    promised = scheduled or config.end is not None
    last = config.last_day(today - DAY) if promised else max(days, default=config.start - DAY)
    expected = {config.start + DAY * n for n in range((last - config.start).days + 1)}
    ranges = contiguous(expected - days)
    shown = [f"{first}/{end - DAY}" for first, end in ranges[:MOST_RANGES]]
    return {"missing": sum((end - first).days for first, end in ranges), "missing_days": shown}


def find_undated(s3: Any, bucket: str, source: str) -> dict[str, Any]:
    """Of a source that others fill: how many objects lie in no day (`undated`), and one of them."""
    try:
        filled_by_others = load_source_config(source).extract is None
    except ContractError:
        filled_by_others = False  # read_standing says that its defs.yaml is wrong
    found = list_undated(s3, bucket, source, MOST_KEYS) if filled_by_others else []
    return {"undated": len(found), "undated_key": min(found, default=None)}
