"""What is wrong with the defs.yaml of a source, place by place: the keys, the days, the schedule, the tokens."""

import codecs
import datetime as dt
import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from lambdas.common.contract.declared_database import find_database_mistakes
from lambdas.common.contract.declared_rest import find_rest_mistakes, find_unknown
from lambdas.common.contract.formats import NO_ORDER, sign_of_days
from lambdas.common.contract.model import Contract
from lambdas.common.contract.places import Path, hint, near
from lambdas.common.cron import is_cron
from lambdas.common.source import (
    ATTRIBUTES,
    CSV_KEYS,
    EXTRACTORS,
    FORMATS,
    JSON_KEYS,
    KEYS,
    OPTIONS,
    PRECISIONS,
    holds_window,
)

TYPE = "orchestration.components.Source"
TOP = ("type", "attributes", "requirements", "post_processing", "template_vars_module")
TOKEN = re.compile(r"\{([a-z]+):([^{}]*)\}")
NUMBERS = ("pass_days", "timeout", "attempts", "max_pages")
WHOLE_TOKEN = {"env": re.compile(r"[A-Za-z_][A-Za-z0-9_]*"), "secret": re.compile(r"[A-Za-z0-9/_+=.@-]+")}
SIDES = ("start", "end")
PLACES = ("", "file", "s3", "http", "https")
# options of a CSV that are one sign, and whether that may be left empty
ONE_CHARACTER = {"delimiter": False, "quote": True, "escape": True, "comment": True}
# where keys belong that stand a level too high or too low
UNDER_FILES = {**dict.fromkeys(CSV_KEYS, "filesystem.csv"), **dict.fromkeys(JSON_KEYS, "filesystem.json")}
UNDER_EXTRACT = {key: f"extract.{kind}" for kind in EXTRACTORS for key in KEYS[kind]}
ABOVE = dict.fromkeys(set(ATTRIBUTES) - set(OPTIONS), "attributes")
IN_ATTRIBUTES = UNDER_EXTRACT | dict.fromkeys((*EXTRACTORS, *OPTIONS), "extract")
IN_EXTRACT = UNDER_FILES | UNDER_EXTRACT | ABOVE
IN_EXTRACTOR = UNDER_FILES | dict.fromkeys(OPTIONS, "extract") | ABOVE
UPDATED = re.compile(r"updat|modif|chang", re.IGNORECASE)
Found = Iterator[tuple[Path, str]]


def find_config_mistakes(document: Any, contract: Contract | None) -> Found:
    """Each mistake with its path in the document. With the contract, also what does not go with it."""
    if not isinstance(document, Mapping) or not isinstance(document.get("attributes"), Mapping):
        yield (), f"must hold type: {TYPE} and attributes"
        return
    yield from find_unknown((), document, TOP, elsewhere=dict.fromkeys(ATTRIBUTES, "attributes"))
    if document.get("type") != TYPE:
        yield ("type",), f"type is {document.get('type')!r}; it must be {TYPE}"
    attributes, path = document["attributes"], ("attributes",)
    yield from find_unknown(path, attributes, ATTRIBUTES, "attributes", IN_ATTRIBUTES)
    yield from _days(path, attributes)
    if not isinstance(attributes.get("paused", False), bool):
        yield (*path, "paused"), "paused must be true or false"
    if attributes.get("schedule") is not None and not is_cron(str(attributes["schedule"])):
        text = f'schedule {attributes["schedule"]!r} is no cron line of five fields, as in "15 2 * * *"'
        yield (*path, "schedule"), text
    if attributes.get("extract") is not None:
        yield from _extract((*path, "extract"), attributes["extract"], contract)


def _days(path: Path, attributes: Mapping[str, Any]) -> Found:
    days: dict[str, dt.date] = {}
    for name in ("start", "end") if attributes.get("end") is not None else ("start",):
        try:
            days[name] = dt.date.fromisoformat(str(attributes.get(name)))
        except ValueError:
            yield (*path, name), f'{name} is {attributes.get(name)!r}; it must be a UTC day, as in "2024-01-31"'
    if len(days) == 2 and days["end"] < days["start"]:
        yield (*path, "end"), f"end {days['end']} lies before start {days['start']}"


def _extract(path: Path, extract: Any, contract: Contract | None) -> Found:
    kinds = [kind for kind in EXTRACTORS if isinstance(extract, Mapping) and kind in extract]
    if len(kinds) != 1 or not isinstance(extract[kinds[0]], Mapping):
        other = next((str(key) for key in extract if key not in OPTIONS), "") if isinstance(extract, Mapping) else ""
        yield path, f"extract must be a mapping with exactly one of {', '.join(EXTRACTORS)}{near(other, EXTRACTORS)}"
        return
    kind = kinds[0]
    config, inner = extract[kind], (*path, kind)
    yield from find_unknown(path, extract, (*EXTRACTORS, *OPTIONS), elsewhere=IN_EXTRACT)
    yield from find_unknown(inner, config, KEYS[kind], elsewhere=IN_EXTRACTOR)
    if extract.get("end", "exclusive") not in ("inclusive", "exclusive"):
        yield (*path, "end"), "end must be inclusive or exclusive"
    for name in NUMBERS:
        value = extract.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            yield (*path, name), f"{name} is {value!r}; it must be a number above 0"
    for name in ("data_may_be_absent", "may_be_empty"):
        if not isinstance(extract.get(name, False), bool):
            yield (*path, name), f"{name} must be true or false"
    if extract.get("precision", "day") not in PRECISIONS:
        yield (*path, "precision"), f"precision must be one of {', '.join(PRECISIONS)}"
    checks = {"rest_api": find_rest_mistakes, "filesystem": _filesystem, "sql_database": find_database_mistakes}
    yield from checks[kind](inner, config)
    yield from _tokens(inner, config)
    if contract is not None:
        yield from _against(contract, inner, config)


def _filesystem(path: Path, config: Mapping[str, Any]) -> Found:
    if "bucket_url" not in config:
        yield path, "filesystem needs bucket_url: a folder, s3:// or http(s)://"
    else:
        yield from _place_of_files((*path, "bucket_url"), str(config["bucket_url"]))
    if config.get("format") not in FORMATS:
        said = str(config.get("format"))
        yield (*path, "format"), f"format is {said!r}; allowed are {', '.join(FORMATS)}{near(said, FORMATS)}"
    if not isinstance(config.get("members", ""), str):
        yield (
            (*path, "members"),
            f'members is {config["members"]!r}; it must be a glob of names in a ZIP, as in "*.csv"',
        )
    for name, known in (("csv", CSV_KEYS), ("json", JSON_KEYS)):
        if not isinstance(config.get(name, {}), Mapping):
            yield (*path, name), f"{name} must be a mapping of {', '.join(known)}"
        elif name in config:
            yield from find_unknown((*path, name), config[name], known)
            if name == "csv":
                yield from _csv((*path, name), config[name])
            if config.get("format") in FORMATS and config["format"] != name:
                yield (*path, name), f"{name} is read for format {name} alone; format is {config['format']}"


def _place_of_files(path: Path, url: str) -> Found:
    """Whether the place can be read at all. Where a token stands in it, only a run can tell."""
    scheme = url.partition("://")[0] if "://" in url else ""
    folder = unquote(url.removeprefix("file://"))
    if "{" in url:
        return
    if scheme not in PLACES:
        yield path, f"{scheme}:// is not supported; use a local folder, s3:// or http(s)://"
    elif scheme in ("", "file") and not folder.startswith("/"):
        yield path, f"{url!r} is neither a whole path, from / on, nor s3:// or http(s)://"
    elif scheme in ("", "file") and not pathlib.Path(folder).exists():
        yield path, f"{folder} does not exist here; write {{env:NAME}} where the folder is another on each machine"


def _csv(path: Path, given: Mapping[str, Any]) -> Found:
    """Values of the right kind; whether they are right for the files shows when one is read."""
    for name, empty in ONE_CHARACTER.items():
        value = given.get(name, "-")
        if not isinstance(value, str) or len(value) > 1 or (value == "" and not empty):
            yield (*path, name), f"{name} is {value!r}; it must be one character{', or empty for none' * empty}"
    names = given.get("names", [])
    if not isinstance(names, list):
        yield (*path, "names"), f"names is {names!r}; it must be a list, as in [id, at]"
    skip = given.get("skip", 0)
    if isinstance(skip, bool) or not isinstance(skip, int) or skip < 0:
        yield (*path, "skip"), f"skip is {skip!r}; it must be a number of lines"
    if not isinstance(given.get("ragged", False), bool):
        yield (*path, "ragged"), "ragged must be true or false"
    try:
        codecs.lookup(str(given.get("encoding", "utf-8")))
    except LookupError:
        yield (*path, "encoding"), f"encoding {given['encoding']!r} is not one that Python knows, as utf-8 or cp1252"


def _tokens(path: Path, value: Any) -> Found:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _tokens((*path, key), item)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _tokens((*path, number), item)
    elif isinstance(value, str):
        for kind, name in TOKEN.findall(value):
            if mistake := _token_mistake(kind, name):
                yield path, f"token {{{kind}:{mistake}"


def _token_mistake(kind: str, name: str) -> str | None:
    if kind in SIDES:
        known = name in ("epoch", "epoch_ms")
        return None if known else f"{name}}} is not filled; write {{{kind}}}, {{{kind}:epoch}} or {{{kind}:epoch_ms}}"
    if kind not in WHOLE_TOKEN:
        return f"...}} is not filled{hint(kind, WHOLE_TOKEN)}"
    if not WHOLE_TOKEN[kind].fullmatch(name):
        return f"{name}}} names nothing that can be filled, as {{{kind}:NAME}} does"
    return None


def _against(contract: Contract, path: Path, config: Mapping[str, Any]) -> Found:
    """Rows are kept by the day of the partition column: the window must be over that, or over updates of a key."""
    column = config.get("window_column")
    read = [name.lower() for name in contract.event_time.sources]
    if column is not None and str(column).lower() not in read:
        yield (
            (*path, "window_column"),
            f"window_column is {column!r}, but the partition column reads {', '.join(contract.event_time.sources)}: "
            "rows of other days than asked for would be left out; take the same column for both",
        )
    form = contract.event_time.reading.format
    if column is not None and sign_of_days(form) is None:
        yield (*path, "window_column"), NO_ORDER.format(column=column, format=form)
    if contract.version_column:
        return
    for name in [str(column)] if column is not None else _window_parameters(config):
        if UPDATED.search(name):
            yield path, f"{name!r} looks like a window by update time: the contract needs a key and a versionColumn"


def _window_parameters(value: Any, name: str = "") -> Iterator[str]:
    """The keys under which {start} or {end} stand."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _window_parameters(item, str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _window_parameters(item, name)
    elif holds_window(value):
        yield name
