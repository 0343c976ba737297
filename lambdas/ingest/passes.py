"""A range of a source, pass by pass, for as long as an invocation may work."""

import datetime as dt
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.source import SourceConfig
from lambdas.ingest.extract import extract
from lambdas.ingest.land import Lake, Landed, land
from lambdas.ingest.request import Window
from lambdas.ingest.spool import Spool
from lambdas.ingest.tokens import Vault

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """A source with all that extracting it needs. `variables` are the values of {env:NAME}."""

    config: SourceConfig
    contract: Contract
    variables: Mapping[str, str]
    vault: Vault


def ingest(source: Source, window: Window | None, lake: Lake, deadline: float) -> dict[str, Any]:
    """Land the window, or as much of it as the time allows, and say what remains.

    Args:
        source: what to extract.
        window: UTC days, end excluded; None: the whole source, whatever days it has.
        lake: where the raw objects go.
        deadline: value of time.monotonic() at which no work may be under way.

    Returns:
        source, start, end, rows, outside, objects (put, unchanged, emptied), bytes, remaining.
    """
    if window is None or not source.config.windowed:
        return _answer(source, window, _one_pass(source, window, lake, deadline), None)
    landed, reached = Landed(), window.start
    step = dt.timedelta(days=source.config.pass_days)
    while reached < window.end:
        begun = time.monotonic()
        part = Window(reached, min(window.end, reached + step))
        landed += _one_pass(source, part, lake, deadline)
        reached = part.end
        if time.monotonic() + 1.5 * (time.monotonic() - begun) > deadline:
            break
    return _answer(source, window, landed, reached if reached < window.end else None)


def _one_pass(source: Source, window: Window | None, lake: Lake, deadline: float) -> Landed:
    begun = time.monotonic()
    windowed = window is not None and source.config.windowed
    home = window.start if window is not None and windowed else source.config.start
    with Spool() as spool:
        rows = extract(
            source.config,
            window if windowed else None,
            spool=spool,
            variables=source.variables,
            vault=source.vault,
            deadline=deadline,
        )
        extracted = time.monotonic()
        landed = land(spool, rows, source.contract, lake, window=window, home=home)
    logger.info(
        "%s, %s: %s; %.2f s to extract, %.2f s to land",
        source.config.name,
        f"{window.start} to {window.end}" if window else "whole",
        landed,
        extracted - begun,
        time.monotonic() - extracted,
    )
    return landed


def _answer(source: Source, window: Window | None, landed: Landed, reached: dt.date | None) -> dict[str, Any]:
    return {
        "source": source.config.name,
        "start": window.start.isoformat() if window else None,
        "end": window.end.isoformat() if window else None,
        "rows": landed.rows,
        "outside": landed.outside,
        "objects": {"put": landed.put, "unchanged": landed.unchanged, "emptied": landed.emptied},
        "bytes": landed.bytes,
        "remaining": {"start": reached.isoformat(), "end": window.end.isoformat()} if reached and window else None,
    }
