"""What an ingest event asks for, and what `extract` of a defs.yaml says about how to do it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.common.days import read_day
from lambdas.common.errors import ContractError, RequestError
from lambdas.common.source import EXTRACTORS, OPTIONS, PRECISIONS, SourceConfig


@dataclass(frozen=True, slots=True)
class Window:
    """UTC days from start to end, end excluded."""

    start: dt.date
    end: dt.date


@dataclass(frozen=True, slots=True)
class Options:
    """The keys of `extract` beside the extractor itself.

    `inclusive`: the source includes the end of a window. `precision`: the finest step of time that the source
    knows. `timeout`: seconds that the source may keep silent.
    `attempts`: how often one request is tried. `max_pages`: the most requests that one pass over an API takes.
    `data_may_be_absent`: an answer without its data_selector has no rows, and is no error.
    `may_be_empty`: a source that is read whole may have no rows any more, and all that it had leave.
    """

    inclusive: bool = False
    precision: str = "microsecond"
    timeout: float = 30.0
    attempts: int = 5
    max_pages: int = 10_000
    data_may_be_absent: bool = False
    may_be_empty: bool = False


def read_options(config: SourceConfig) -> Options:
    """The options of that source.

    Raises:
        ContractError: a key is unknown or its value is not allowed.
    """
    given = {key: value for key, value in (config.extract or {}).items() if key not in EXTRACTORS}
    unknown = set(given) - set(OPTIONS)
    if unknown:
        raise ContractError(f"{config.name}: defs.yaml: extract: unknown keys {sorted(unknown)}")
    if given.get("end", "exclusive") not in ("inclusive", "exclusive"):
        raise ContractError(f"{config.name}: defs.yaml: extract.end must be inclusive or exclusive")
    if given.get("precision", "microsecond") not in PRECISIONS:
        raise ContractError(f"{config.name}: defs.yaml: extract.precision must be one of {', '.join(PRECISIONS)}")
    for name in ("pass_days", "timeout", "attempts", "max_pages"):
        if not isinstance(given.get(name, 1), int | float) or given.get(name, 1) <= 0:
            raise ContractError(f"{config.name}: defs.yaml: extract.{name} must be a number above 0")
    for name in ("data_may_be_absent", "may_be_empty"):
        if not isinstance(given.get(name, False), bool):
            raise ContractError(f"{config.name}: defs.yaml: extract.{name} must be true or false")
    given.pop("pass_days", None)
    inclusive = given.pop("end", "exclusive") == "inclusive"
    return Options(inclusive=inclusive, **given)


def read_window(event: Mapping[str, Any], config: SourceConfig) -> Window | None:
    """The window of an event; None where the source is read whole and no days were asked for.

    Raises:
        RequestError: names the day that is wrong and what is allowed.
    """
    if event.get("start") is None and event.get("end") is None and not config.windowed:
        return None
    window = read_days(event)
    if window.start < config.start:
        raise RequestError(f"start {window.start} lies before {config.start}, the first day of {config.name}")
    if config.windowed and window.end > dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1):
        raise RequestError(f"end {window.end} lies in the future: a day that is not over cannot be proved empty")
    return window


def read_days(event: Mapping[str, Any]) -> Window:
    """The UTC days of an event.

    Raises:
        RequestError: one of the two is missing or no day, or they are in the wrong order.
    """
    window = Window(read_day(event, "start"), read_day(event, "end"))
    if window.start >= window.end:
        raise RequestError(f"start {window.start} must lie before end {window.end}; the end is excluded")
    return window
