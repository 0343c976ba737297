"""The columns of a sample, each with its proposed reading: nested objects are opened, names are made Redshift's."""

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lambdas.common.contract.advice import RESERVED
from lambdas.common.contract.sound import SYSTEM_COLUMNS
from lambdas.common.contract.sql import literal, quoted
from lambdas.common.propose.found import Found, typed_value
from lambdas.common.propose.reading import OPEN, integer, read_texts
from lambdas.common.propose.shapes import find_pattern, has_minus_elsewhere, looks_like_number
from lambdas.common.propose.times import EPOCH_UNITS, epoch_expression, find_epoch

# Redshift takes 127 bytes, the local one 63, of which a number may need some
MOST_LEAVES, DEPTH, LONGEST_NAME = 60, 3, 56
# ticks a second that a double holds with its fraction
FRACTIONS = (1, 1000)
TIME_NAME = re.compile(r"(time|date|stamp|_at|_ts|_ms|epoch|created|updated|modified)$|^(ts|time|date|at)", re.I)
NEAR_EPOCH = "could count {unit} since 1970; transformLogic {expression} makes it a time"
HEXADECIMAL = "lower(hex({value}))"
WEEK = re.compile(r"\d{4}-?W\d\d(-?[1-7])?")
YEAR_MONTH = re.compile(r"\d{4}[-/](0[1-9]|1[0-2])|(0[1-9]|1[0-2])[-/.]\d{4}")
KEPT = {"BOOLEAN": ("boolean", "boolean"), "FLOAT": ("number", "real"), "DOUBLE": ("number", "double precision"),
        "DATE": ("date", "date"), "HUGEINT": ("number", "decimal(38,0)")}  # fmt: skip


@dataclass(slots=True)
class Profiled:
    """A proposed column: `expression` is DuckDB's over the one raw column, None where it is that column as it is.

    `low` and `high` are the least and the greatest value, of times as the contract would read them; `pattern` is a
    regular expression that all texts match, empty where there is none.
    """

    name: str
    raw: str
    expression: str | None
    found: Found
    rows: int
    filled: int
    distinct: int
    low: str
    high: str
    few: tuple[str, ...]
    pattern: str = ""

    @property
    def value(self) -> str:
        """SQL of the value as the source has it."""
        return self.expression or quoted(self.raw)


def profile(connection: Any, relation: str) -> list[Profiled]:
    """All columns of the relation; `connection` is DuckDB's, the relation's nested values are JSON texts."""
    described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    taken: set[str] = set()
    columns = []
    for raw, kind in ((str(row[0]), str(row[1])) for row in described):
        for path, expression in _opened(connection, relation, raw, kind):
            name = _name("_".join((raw, *path)), taken)
            columns.append(_profiled(connection, relation, name, raw, expression))
    return columns


def _opened(connection: Any, relation: str, raw: str, kind: str) -> Iterator[tuple[tuple[str, ...], str | None]]:
    """The column itself, or an expression for each value inside of its objects."""
    if kind != "VARCHAR":
        yield (), None
        return
    rows = connection.execute(f"SELECT DISTINCT {quoted(raw)} FROM {relation} LIMIT 5000").fetchall()
    texts = [row[0] for row in rows if row[0] is not None]
    objects = _objects(texts)
    leaves = dict.fromkeys(path for item in objects for path in _leaves(item, ()))
    inner = [path for path in leaves if not any(other != path and other[: len(path)] == path for other in leaves)]
    if not inner or len(inner) > MOST_LEAVES or not all(key for path in inner for key in path):
        yield (), None
        return
    for path in inner:
        place = "$" + "".join("." + json.dumps(key, ensure_ascii=False) for key in path)
        yield path, f"json_extract_string({quoted(raw)}, {literal(place)})"


def _objects(texts: list[str]) -> list[dict[str, Any]]:
    """The texts as objects; none where one of them is something else."""
    if not texts or not all(text.startswith("{") for text in texts):
        return []
    try:
        return [json.loads(text) for text in texts]
    except ValueError:
        return []


def _leaves(item: dict[str, Any], above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for key, value in item.items():
        if isinstance(value, dict) and value and len(above) + 1 < DEPTH:
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key)


def _name(raw: str, taken: set[str]) -> str:
    """A column name of Redshift's: lower case, letters and digits, no reserved word, none twice."""
    plain = unicodedata.normalize("NFKD", raw.replace("ß", "ss")).encode("ascii", "ignore").decode()
    plain = re.sub(r"([a-z0-9]{2})([A-Z])", r"\1_\2", plain).lower()
    plain = re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or "column"
    plain = (f"c_{plain}" if plain[0].isdigit() else plain)[:LONGEST_NAME].rstrip("_")
    plain += "_" if plain in RESERVED or plain in SYSTEM_COLUMNS else ""
    name, number = plain, 1
    while name in taken:
        number += 1
        name = f"{plain.rstrip('_')}_{number}"
    taken.add(name)
    return name


def _profiled(connection: Any, relation: str, name: str, raw: str, expression: str | None) -> Profiled:
    value = expression or quoted(raw)
    kind = _type(connection, relation, value)
    values = _values(connection, relation, value)
    found = _of_bytes(values) if kind == "BLOB" else _read(connection, values, kind, name)
    if expression and found.physical.startswith("decimal(18"):  # numbers of JSON, which are doubles
        found.physical = "double precision"
    reads_exactly = found.logical in ("integer", "number", "date", "timestamp")
    typed = typed_value(value, _type(connection, relation, found.of(value)), found) if reads_exactly else value
    sql = f"SELECT count(*), count({value}), count(DISTINCT {value}), min({typed}), max({typed}) FROM {relation}"
    rows, filled, distinct, low, high = connection.execute(sql).fetchall()[0]
    expression = found.of(value) if found.of(value) != value else expression
    may_be_few = found.logical == "string" and kind != "BLOB" and 1 < distinct <= 8 < filled
    few = _few(connection, relation, value) if may_be_few else ()
    texts = [text for text in values if text not in found.null_words] if found.logical == "string" else []
    pattern = find_pattern(texts) if kind == "VARCHAR" and not few else ""
    return Profiled(name, raw, expression, found, rows, filled, distinct, _shown(low), _shown(high), few, pattern)


def _type(connection: Any, relation: str, value: str) -> str:
    return str(connection.execute(f"DESCRIBE SELECT {value} AS v FROM {relation}").fetchall()[0][1])


def _values(connection: Any, relation: str, value: str) -> list[Any]:
    """The distinct values of a column, in their order."""
    rows = connection.execute(f"SELECT DISTINCT {value} FROM {relation} ORDER BY 1").fetchall()
    return [row[0] for row in rows if row[0] is not None]


def _read(connection: Any, values: list[Any], kind: str, name: str) -> Found:
    if kind in ("VARCHAR", "JSON"):
        return _with_near_misses(read_texts(connection, values), values, name)
    if not values:
        return Found("string", "varchar(256)", notes=[OPEN])
    if kind == "DOUBLE" and (made := _of_ticks(values, name, whole=False)):
        return made
    if kind in KEPT:
        return Found(*KEPT[kind])
    if kind.startswith("TIMESTAMP"):
        return Found("timestamp", "timestamp")
    if kind.startswith("DECIMAL"):
        return Found("number", kind.lower())
    if kind.endswith(("INT", "INTEGER")):
        return _number(values, name)
    longest = max(len(str(item).encode()) for item in values)
    return Found("string", f"varchar({max(16, min(2 * longest, 65535))})", notes=[f"is of type {kind}, kept as text"])


def _of_bytes(values: list[bytes]) -> Found:
    """Binary that is no text throughout, as hexadecimal digits: two for each byte."""
    longest = max(map(len, values))
    told = ["is binary that is no UTF-8 text, and is made hexadecimal digits by transformLogic"]
    return Found("string", f"varchar({max(16, min(4 * longest, 65535))})", notes=told, expression=HEXADECIMAL)


def _number(values: list[int], name: str) -> Found:
    if made := _of_ticks(values, name):
        return made
    largest = max(abs(item) for item in values)
    found = integer(largest) if largest < 2**63 else Found("number", "decimal(20,0)")
    found.notes += _near_epoch(values)
    return found


def _of_ticks(values: list[Any], name: str, *, whole: bool = True) -> Found | None:
    """Numbers that can be ticks since 1970, in a column with a name of times, as times."""
    scale = find_epoch(values)
    if not scale or not TIME_NAME.search(name) or not (whole or scale in FRACTIONS):
        return None
    told = f"counts {EPOCH_UNITS[scale]} since 1970, it seems, and is made a timestamp"
    return Found("timestamp", "timestamp", notes=[told], expression=epoch_expression(scale, whole=whole))


def _near_epoch(values: list[int]) -> list[str]:
    scale = find_epoch(values)
    return (
        [NEAR_EPOCH.format(unit=EPOCH_UNITS[scale], expression=epoch_expression(scale).replace("{value}", "..."))]
        if scale
        else []
    )


def _with_near_misses(found: Found, texts: list[str], name: str) -> Found:
    """What texts are nearly, said where it could be meant; numbers in texts that can be times are made times."""
    left = [text for text in texts if text not in found.null_words]
    if found.logical == "integer" and left:
        numbers = [int(text) for text in left]
        if made := _of_ticks(numbers, name):
            return replace(made, null_words=found.null_words)
        found.notes += _near_epoch(numbers)
    elif found.logical == "string" and left and all(YEAR_MONTH.fullmatch(text) for text in left):
        found.notes.append("is a month: for its first day take physicalType date and transformLogic with || '-01'")
    elif found.logical == "string" and left and all(WEEK.fullmatch(text) for text in left):
        found.notes.append(
            "is a week of ISO 8601, or a day of one: for a day take physicalType date and transformLogic with "
            "strptime(..., '%G-W%V-%u'), and || '-1' for the first one"
        )
    elif found.logical == "string" and has_minus_elsewhere(left):
        found.notes.append(
            "has numbers with the minus behind them, or in brackets, and stays a text: transformLogic can move it"
        )
    elif found.logical == "string" and looks_like_number(left):
        found.notes.append("looks like numbers with a sign or a unit, and stays a text: transformLogic can take it off")
    elif found.logical == "timestamp" and any(re.search(r"\.\d{7,}", text) for text in left):
        found.notes.append("has more than six digits of a second: the others are cut")
    elif found.logical == "string" and left and all(re.fullmatch(r"\d{1,2}:\d\d(:\d\d)?", text) for text in left):
        found.notes.append(
            "is a time of day: with the column of its day, transformLogic can make one timestamp of both"
        )
    return found


def _few(connection: Any, relation: str, value: str) -> tuple[str, ...]:
    rows = connection.execute(f"SELECT DISTINCT {value} FROM {relation} WHERE {value} <> '' ORDER BY 1").fetchall()
    return tuple(str(row[0]) for row in rows)


def _shown(value: Any) -> str:
    return "" if value is None else str(value)
