"""A range of a source, pass by pass, for as long as an invocation may work."""

import datetime as dt
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from lambdas.common.contract.drift import find_lost, find_new
from lambdas.common.contract.model import Contract
from lambdas.common.errors import RequestError, SourceError
from lambdas.ingest.days import date_rows
from lambdas.ingest.extract import FIRST, Source, extract
from lambdas.ingest.guard import guarded
from lambdas.ingest.held import note, recall
from lambdas.ingest.land import Landed, land
from lambdas.ingest.naming import Lake, Naming
from lambdas.ingest.request import Window, read_options
from lambdas.ingest.seen import Overtaken, Seen, look
from lambdas.ingest.slices import Slice
from lambdas.ingest.spool import Rows, Spool

logger = logging.getLogger(__name__)

# An answer of a function holds 6 MB at most.
MOST_CHANGES = 20_000
# columns of a file that is refused
SHOWN = 20
# of the same days, where other ingests land them at the same time
READINGS = 4
UPLOAD = re.compile(
    r"(?P<folder>samples/uploads/(?P<source>[a-z0-9_]+))/(?P<name>(?P<digest>[0-9a-f]{16})-[A-Za-z0-9_.-]+)"
)


def ingest(source: Source, window: Window | None, lake: Lake, deadline: float, part: Slice = FIRST) -> dict[str, Any]:
    """Land the window, or as much of it as the time allows, and say what remains.

    What is more than one pass can read is landed slice by slice, from `part` on: a whole source, or a span of days.

    Args:
        source: what to extract.
        window: UTC days, end excluded; None: the whole source, whatever days it has.
        lake: where the raw objects go.
        deadline: value of time.monotonic() at which no work may be under way.
        part: what `remaining` of the answer before said.

    Returns:
        source, start, end, rows, outside, unloaded, early, objects (put, unchanged, emptied), bytes, remaining; of a
        dry run also changes ([{key, rows}] of what would be put or emptied, the first `MOST_CHANGES`) and columns
        (`new` that the contract names nowhere, `lost` that it reads and the source has not).
    """
    if window is None or not source.config.windowed:
        landed, rest = _in_slices(lambda now: _one_pass(source, window, lake, deadline, now), part, deadline)
        return _answer(source, window, landed, lake, _rest(window, rest) if rest else None)
    landed, reached, left = Landed(), window.start, part
    step = dt.timedelta(days=source.config.pass_days)
    while reached < window.end:
        begun = time.monotonic()
        span = Window(reached, min(window.end, reached + step))
        more, following = _one_pass(source, span, lake, deadline, left)
        landed += more
        # what remains begins with the span that is under way, so that the next call asks for the same span
        reached, left = (span.start, following) if following else (span.end, FIRST)
        if not _time_for_another(begun, deadline):
            break
    days = Window(reached, window.end) if reached < window.end else None
    return _answer(source, window, landed, lake, _rest(days, following) if days else None)


def _in_slices(
    work: Callable[[Slice], tuple[Landed, Slice | None]], part: Slice, deadline: float
) -> tuple[Landed, Slice | None]:
    """Slice after slice, while time is left; what they landed, and the one to go on with."""
    landed, left = Landed(), part
    while True:
        begun = time.monotonic()
        more, following = work(left)
        landed += more
        if following is None or not _time_for_another(begun, deadline):
            return landed, following
        left = following


def _time_for_another(begun: float, deadline: float) -> bool:
    """Whether there is time for what takes as long as that which began then, and somewhat longer."""
    return time.monotonic() + 1.5 * (time.monotonic() - begun) <= deadline


def _rest(window: Window | None, part: Slice | None) -> dict[str, Any]:
    """What remains, as an event has it: days, a slice, or a slice of days."""
    days = {"start": window.start.isoformat(), "end": window.end.isoformat()} if window else {}
    return {**days, **part.remaining()} if part else days


def _one_pass(
    source: Source, window: Window | None, lake: Lake, deadline: float, part: Slice = FIRST, digest: str | None = None
) -> tuple[Landed, Slice | None]:
    """Read a slice and land it, again where another ingest was quicker; what landed, and the slice that follows.

    A slice of a reading that has begun is not read again: the slices before it are as old.
    """
    for left in reversed(range(1 if part.run else READINGS)):
        begun = time.monotonic()
        try:
            return _read(source, window, lake, deadline, part, digest)
        except Overtaken as error:
            if not left or not _time_for_another(begun, deadline):
                raise
            logger.info("%s; reading again", error)
    raise AssertionError("no reading at all")


def _read(
    source: Source, window: Window | None, lake: Lake, deadline: float, part: Slice, digest: str | None
) -> tuple[Landed, Slice | None]:
    """Extract a slice and land it. `digest` is that of a single file."""
    begun = time.monotonic()
    windowed = window is not None and source.config.windowed
    naming = _naming(source, window, part, digest)
    seen = _look(lake, naming)
    with guarded(source.config.name, source.vault), Spool() as spool:
        rows = extract(source, window if windowed else None, part, spool=spool, deadline=deadline)
        if digest is not None:
            _refuse_foreign(source, rows)
        extracted = time.monotonic()
        following = part.following(rows.following)
        naming = replace(naming, last=following is None, run=following.run if following else part.run)
        if following and not part.run and naming.run and not lake.dry_run:
            note(lake, naming.run, seen)
        dated = date_rows(spool, rows, source.contract, naming.home)
        landed = land(dated, source.contract, lake, naming, seen, deadline)
        if lake.dry_run:
            new, lost = _find_changed(source.contract, rows)
            landed = replace(landed, new=new, lost=lost)
    logger.info(
        "%s, %s: %s; %.2f s to extract, %.2f s to land",
        source.config.name,
        f"{window.start} to {window.end}" if window else "whole",
        landed,
        extracted - begun,
        time.monotonic() - extracted,
    )
    if landed.left:
        return landed, part.again(naming.run, put=landed.put + landed.emptied, released=landed.released)
    # what former calls have put of this slice they have counted
    return replace(landed, unchanged=landed.unchanged - part.put), following


def _naming(source: Source, window: Window | None, part: Slice, digest: str | None) -> Naming:
    """Which objects a slice lands, as far as it is known before it is read."""
    windowed = window is not None and source.config.windowed
    home = window.start if window is not None and windowed else source.config.start
    may_be_empty = windowed or digest is not None or read_options(source.config).may_be_empty
    return Naming(
        source.config.name,
        window,
        home,
        digest,
        part.number,
        run=part.run,
        may_be_empty=may_be_empty,
        end=source.config.end,
    )


def _look(lake: Lake, naming: Naming) -> Seen:
    """What lay in the lake when the reading began; a dry run, which notes nothing, sees what lies there now."""
    if naming.run and not lake.dry_run:
        return recall(lake, naming.source, naming.run)
    return look(lake, naming)


def _find_changed(contract: Contract, rows: Rows) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The new and the lost columns, by which a load would find drift.

    What a transform.py makes of the source's columns it alone knows.
    """
    if not rows.count or contract.script or contract.on_drift == "ignore":
        return (), ()
    return find_new(contract, rows.names), find_lost(contract, rows.names)


def _refuse_foreign(source: Source, rows: Rows) -> None:
    """Raise SourceError where a file that somebody gave is another source's: all of its rows would be rejected."""
    event, wanted = source.contract.event_time, source.contract.raw_columns
    told = "" if any(rows.place(name) is not None for name in wanted) else "the contract reads no column of the file"
    if event.reads_one_raw_column and rows.place(event.sources[0]) is None:
        told = told or f"the file has no column {event.sources[0]}, which tells the day of a row"
    if rows.names and told:
        found, read = (", ".join(names[:SHOWN]) for names in (rows.names, wanted))
        raise SourceError(
            f"{source.config.name}: {told}: it has {found}, and the contract reads {read}. Is it the right file of the "
            "right source, and its dialect (csv in defs.yaml)?"
        )


def ingest_file(
    source: Source, key: str, kind: str, lake: Lake, deadline: float, part: Slice = FIRST
) -> dict[str, Any]:
    """Land one file that lies in the lake's samples/, in format `kind`; the answer is that of `ingest`.

    Where the source itself reads files of that format, the file is read as those are.

    Raises:
        RequestError: the key is not one that an upload gets.
    """
    match = UPLOAD.fullmatch(key)
    if match is None or match["source"] != source.config.name:
        raise RequestError(f"file {key!r} must be samples/uploads/{source.config.name}/<16 hex digits>-<name>")
    own = (source.config.extract or {}).get("filesystem") or {}
    options = {name: own[name] for name in ("csv", "json", "members") if own.get("format") == kind and name in own}
    where = {"bucket_url": f"s3://{lake.bucket}/{match['folder']}", "file_glob": match["name"], "format": kind}
    config = replace(source.config, extract={"filesystem": {**where, **options}})
    own_file = replace(source, config=config, variables={})
    landed, rest = _in_slices(
        lambda now: _one_pass(own_file, None, lake, deadline, now, match["digest"]), part, deadline
    )
    return _answer(source, None, landed, lake, _rest(None, rest) if rest else None)


def _answer(
    source: Source, window: Window | None, landed: Landed, lake: Lake, remaining: Mapping[str, Any] | None
) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "source": source.config.name,
        "start": window.start.isoformat() if window else None,
        "end": window.end.isoformat() if window else None,
        "rows": landed.rows,
        "outside": landed.outside,
        "unloaded": landed.unloaded,
        "early": landed.early,
        "objects": {"put": landed.put, "unchanged": landed.unchanged, "emptied": landed.emptied},
        "bytes": landed.bytes,
        "remaining": dict(remaining) if remaining else None,
    }
    if lake.dry_run:
        answer["changes"] = [{"key": key, "rows": rows} for key, rows in landed.changes[:MOST_CHANGES]]
        answer["columns"] = {"new": sorted({*landed.new}), "lost": sorted({*landed.lost})}
        if remaining and "slice" in remaining:
            answer["remaining"]["filled"] = sorted(day.isoformat() for day in lake.filled)
    return answer
