"""What the process function tells and does not change: the proof of a source, and where all datasets stand."""

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeVar

from lambdas.common.contract import Contract, load_marts, load_source, load_sources
from lambdas.common.db import marts, retire
from lambdas.common.db.limited import Limited
from lambdas.common.db.prove import EVER, Lake, Proof, prove
from lambdas.common.db.redshift import query
from lambdas.common.db.retry import retry
from lambdas.common.db.sql import statement
from lambdas.common.errors import RequestError, StatementCancelled
from lambdas.common.lake import RawObject, is_undated, lies_in_day, list_objects, list_raw, parse_raw_day
from lambdas.common.settings import Settings
from lambdas.common.source import DAY, SourceConfig, find_source_config
from lambdas.process.healing import damaged_days, missing_days, outside_days, split_outside, wrong_days
from lambdas.process.requests import open_warehouse
from lambdas.process.standing import NOTHING_UNLANDED, find_undated, find_unlanded, read_standing

logger = logging.getLogger(__name__)

T = TypeVar("T")
# An answer to Dagster stays under 1 KB, and so does a finding of some 200 characters three times.
FINDINGS, FINDING_LENGTH, KEY_LENGTH = 3, 220, 100
# The schedule lands a day within a day, and a weekend may come between: an object that comes later is history.
NEWS = dt.timedelta(days=3)
# Seconds in which nobody begins anything anew: what is cancelled then was cancelled for want of time.
TOO_SHORT = 2
OVER = (
    "{name}: the warehouse was not done after {seconds:.0f} s, which is all the time of a call. Ask for fewer days "
    "(start and end, --from and --to); where that is not enough, because a proof holds the keys of the whole table "
    "against each other whatever the days, raise the warehouse's BaseCapacity"
)
COUNTS = ("days", "objects", "bad", "rows_in", "rows_accepted", "rows_rejected", "rows_late")


def prove_source(event: Mapping[str, Any], deadline: float) -> dict[str, Any]:
    """Hold the ledger of a source against its tables and the lake, or a mart against its sources.

    Args:
        event: mart; or source, start and end (UTC days, half-open), without which all days are meant, and `most`, how
            many findings the answer may hold (3, as many as Dagster's report takes).
        deadline: time.monotonic() at which the warehouse gives up.

    Returns:
        source, start, end, objects, rows_in, rows_accepted, rows_rejected, pending, outside, gone (numbers of objects),
        broken (how many findings there are, 100 of a kind at most), findings, missing and damaged (UTC days to load
        and to rebuild, first/last), outside_days (that have objects and are not the source's), undated (how many
        objects lie in no day; looked for where all days are meant) and undated_key (one of them), wrong_days (from the
        first to the last UTC day of all that is not right, as [first/last]; of all days where it may be any), unlanded,
        unlanded_days and followed as lambdas.process.standing.find_unlanded has them, seconds. Of a mart: mart and
        behind (the sources of which its last refresh has not seen all).
    """
    if "mart" in event:
        return _prove_mart(find_mart(event["mart"]), deadline)
    began = time.monotonic()
    contract, days, most = load_source(event.get("source")), read_days(event), event.get("most", FINDINGS)
    if not isinstance(most, int) or most < 0:
        raise RequestError(f"most is {most!r}; expected a number of findings")
    whole = read_warehouse(partial(_prove, contract, days), f"prove {contract.name}", deadline)
    config, now = find_source_config(contract.name), dt.datetime.now(dt.UTC)
    proof, outside = split_outside(whole, partial(_has_day, config))
    for finding in proof.findings:
        logger.error("%s: %s", contract.name, finding)
    span = {} if days == EVER else {"start": str(days[0]), "end": str(days[1])}
    counts = {n: getattr(proof, n) for n in ("objects", "rows_in", "rows_accepted", "rows_rejected")}
    return {
        "source": contract.name,
        **span,
        **counts,
        "pending": len(proof.pending),
        "outside": len(outside),
        "gone": len(proof.gone),
        "broken": len(proof.findings),
        "findings": [_short(str(finding)) for finding in proof.findings[:most]],
        "missing": missing_days(proof),
        "damaged": damaged_days(proof),
        "outside_days": outside_days(outside),
        "wrong_days": wrong_days(whole),
        "undated": len(proof.undated),
        "undated_key": _short(proof.undated[0], KEY_LENGTH) if proof.undated else None,
        **(find_unlanded(config, proof, days, now) if config else NOTHING_UNLANDED),
        "seconds": round(time.monotonic() - began, 3),
    }


def _prove_mart(mart: Contract, deadline: float) -> dict[str, Any]:
    def read(connection: Any) -> list[str]:
        return marts.find_behind(connection, mart)

    return {"mart": mart.name, "behind": read_warehouse(read, f"prove {mart.name}", deadline)}


def find_mart(name: Any) -> Contract:
    """The mart's contract.

    Raises:
        RequestError: there is none of that name.
    """
    known = load_marts()
    if name not in known:
        raise RequestError(f"there is no mart {name!r}; known are {', '.join(known)}")
    return known[name]


def _has_day(config: SourceConfig | None, day: dt.date) -> bool:
    return config is None or config.has_day(day, dt.datetime.now(dt.UTC).date())


def _short(text: str, length: int = FINDING_LENGTH) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."


def read_status(deadline: float) -> dict[str, Any]:
    """Where all datasets stand.

    Returns:
        {"sources": [{source, generation, loaded_at, days, objects, bad, rows_in, rows_accepted, rows_rejected,
        rows_late, newest, former, missing, missing_days, undated, undated_key}], "marts": [{mart, stale}], "retired":
        names}; times are UTC in ISO 8601, or null; former and missing as lambdas.process.standing has them.
    """
    return read_warehouse(_status, "status", deadline)


def read_warehouse(work: Callable[[Any], T], name: str, deadline: float) -> T:
    """What `work` gives with a connection of the loader's; tried again on a new one where the warehouse was busy.

    Raises:
        StatementCancelled: its statements, all together, were not done by the deadline (time.monotonic).
    """
    warehouse = open_warehouse(Settings.from_environment())
    began = time.monotonic()
    until = max(deadline, began + 1)

    def attempt() -> T:
        with warehouse.session(name, max(until - time.monotonic(), 1)) as connection:
            return work(Limited(connection, until))

    try:
        return retry(attempt, name, until)
    except StatementCancelled as error:
        if time.monotonic() < until - TOO_SHORT:
            raise  # somebody else cancelled it
        raise StatementCancelled(OVER.format(name=name, seconds=until - began)) from error


def _prove(contract: Contract, days: tuple[dt.date, dt.date], connection: Any) -> Proof:
    import boto3

    s3, bucket = boto3.client("s3"), Settings.from_environment().lake_bucket
    return prove(connection, contract, days, partial(list_lake, s3, bucket, contract.name, days))


def list_lake(s3: Any, bucket: str, source: str, days: tuple[dt.date, dt.date]) -> Lake:
    """What lies in the lake of the source's days, or of all for EVER."""
    everything = list_objects(s3, bucket, f"raw/{source}/")
    raw = list(everything) if days == EVER else list_raw(s3, bucket, source, *days)
    files = [o.key for zone in ("curated", "rejected") for o in list_objects(s3, bucket, f"{zone}/{source}/")]
    undated = tuple(o.key for o in raw if is_undated(o.key))
    dated = [o for o in raw if lies_in_day(o.key)]
    return Lake({o.key: o.etag for o in dated}, frozenset(files), undated, _followed(dated))


def _followed(objects: Iterable[RawObject]) -> dt.date | None:
    """The first UTC day of which an object came no more than NEWS after its end."""
    news = (parse_raw_day(o.key).day for o in objects if o.last_modified < _end_of_news(parse_raw_day(o.key).day))
    return min(news, default=None)


def _end_of_news(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC) + DAY + NEWS


def _status(connection: Any) -> dict[str, Any]:
    import boto3

    declared, known = load_sources(), load_marts()
    rows = [row for row in query(connection, statement("status")) if row["source"] in declared]
    stale = [{"mart": mart.name, "stale": marts.is_stale(connection, mart)} for mart in marts.in_order(known)]
    retired = retire.list_retired(connection, [*declared, *known])
    standing = read_standing(connection, declared)
    lake = boto3.client("s3"), Settings.from_environment().lake_bucket
    sources = [_source_status(r) | standing[r["source"]] | find_undated(*lake, r["source"]) for r in rows]
    return {"sources": sources, "marts": stale, "retired": retired}


def _source_status(row: Mapping[str, Any]) -> dict[str, Any]:
    counts = {name: int(row[name] or 0) for name in COUNTS}
    times = {name: row[name].isoformat() + "Z" if row[name] else None for name in ("loaded_at", "newest")}
    return {"source": row["source"], "generation": int(row["generation"]), **counts, **times}


def read_days(event: Mapping[str, Any]) -> tuple[dt.date, dt.date]:
    """The event's start and end (UTC days, half-open), or EVER where it has neither.

    Raises:
        RequestError: one of them is no day.
    """
    if event.get("start") is None and event.get("end") is None:
        return EVER
    try:
        start, end = (dt.date.fromisoformat(str(event.get(name))) for name in ("start", "end"))
    except ValueError as error:
        given = f"start is {event.get('start')!r} and end is {event.get('end')!r}"
        raise RequestError(f"{given}; expected two UTC days, YYYY-MM-DD, or neither") from error
    return start, end
