"""From profiled columns to the texts of contract.yaml and defs.yaml, tried on the sample before they are given out."""

import datetime as dt
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lambdas.common.contract.compile import compile_contract
from lambdas.common.contract.model import Contract
from lambdas.common.contract.read import read_contract
from lambdas.common.contract.rules import ROW
from lambdas.common.contract.sql import is_no_text, literal, quoted
from lambdas.common.errors import RequestError
from lambdas.common.propose import choices
from lambdas.common.propose.profile import Profiled, profile
from lambdas.common.propose.sample import Sample
from lambdas.common.propose.write import contract_text, defs_text

TRIED = 3
# what lies before is more often a word for no value than history
OLD = dt.date(1900, 1, 1)
# so many days, of which few have rows, take long to land
MANY_DAYS, SPARSE = 3650, 10
FLAT = re.compile(r"BOOLEAN|U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*|VARCHAR|BLOB|DATE|TIMESTAMP.*")


@dataclass(slots=True)
class Proposal:
    """The two files' texts, and what a person has to look at. `rejected` of `rows` in the sample would not load."""

    contract: str
    defs: str
    rows: int
    rejected: int
    unsure: list[str] = field(default_factory=list)


def propose(name: str, sample: Sample) -> Proposal:
    """What the two files of a source of that name would say, by its sample. Nothing is written.

    The proposal is compiled and run over the sample by the code that loads, so that what would be rejected is known.
    """
    import duckdb

    connection = duckdb.connect()
    try:
        connection.execute("SET TimeZone = 'UTC'")
        _flatten(connection, sample.table)
        columns = profile(connection, "sample")
        knows_null = sample.extract.get("filesystem", {}).get("format") != "csv"
        chosen = choices.choose(connection, "sample", columns, sample.key, knows_null=knows_null)
        text = contract_text(name, columns, chosen)
        tried = _try_out(connection, _read(name, text))
        if tried.is_key_shared and not sample.key:
            chosen = choices.choose(connection, "sample", columns, shared=chosen.key, knows_null=knows_null)
            text = contract_text(name, columns, chosen)
    finally:
        connection.close()
    days = tried.days
    unsure = [*sample.notes, *chosen.notes, *_column_notes(columns), *_day_notes(days), *tried.reasons]
    first, last = (max(days[0], OLD), days[1]) if days else (dt.datetime.now(dt.UTC).date(), None)
    return Proposal(text, defs_text(sample.extract, first, last), sample.table.num_rows, tried.rejected, unsure)


def _read(name: str, text: str) -> Contract:
    return read_contract(yaml.safe_load(text), Path("assets") / "sources" / name / "contract.yaml", "source")


def _flatten(connection: Any, table: Any) -> None:
    """Make the sample a table `sample`, nested values as JSON texts, binary that is UTF-8 throughout as text.

    By way of Parquet, as ingest has it: DuckDB reads some types of Arrow otherwise, and some not at all.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.parquet"
        try:
            pq.write_table(table, path)
        except (pa.ArrowException, NotImplementedError) as error:
            raise RequestError(f"the sample cannot be kept as Parquet, as raw objects are: {error}") from error
        given = f"read_parquet({literal(str(path))})"
        described = connection.execute(f"DESCRIBE SELECT * FROM {given}").fetchall()
        items = ", ".join(_flat(str(row[0]), str(row[1])) for row in described)
        connection.execute(f"CREATE TABLE sample AS SELECT {items} FROM {given}")
    for name in (str(row[0]) for row in described if row[1] == "BLOB"):
        if _is_text(connection, name):
            connection.execute(f"ALTER TABLE sample ALTER {quoted(name)} TYPE VARCHAR USING decode({quoted(name)})")


def _is_text(connection: Any, name: str) -> bool:
    return not connection.execute(f"SELECT count(*) FROM sample WHERE {is_no_text(name)}").fetchall()[0][0]


def _flat(name: str, kind: str) -> str:
    nested = kind.startswith(("STRUCT", "MAP", "UNION")) or kind.endswith("]")
    if nested:
        return f"CAST(to_json({quoted(name)}) AS VARCHAR) AS {quoted(name)}"
    return quoted(name) if FLAT.fullmatch(kind) else f"CAST({quoted(name)} AS VARCHAR) AS {quoted(name)}"


def _day_notes(days: tuple[dt.date, dt.date, int] | None) -> list[str]:
    """What is odd about the first and the last day."""
    if days is None:
        return []
    today, notes = dt.datetime.now(dt.UTC).date(), []
    if days[0] < OLD:
        notes.append(
            f"the first day is {days[0]}: a word for no value? What lies before start in defs.yaml is not loaded"
        )
    between = (min(days[1], today) - max(days[0], OLD)).days
    if between > MANY_DAYS and between > SPARSE * days[2]:
        notes.append(
            f"from {days[0]} to {days[1]} {days[2]:,} days have rows, and each of {between:,} gets an object that says "
            "so: a later start in defs.yaml leaves out what lies before"
        )
    if days[1] > today:
        notes.append(f"the last day is {days[1]}: rows of days to come load when their day has begun")
    return notes


@dataclass(frozen=True, slots=True)
class Tried:
    """What loading the sample came to: first day, last day, number of days; how many rows are rejected, and why.

    `is_key_shared`: rows that differ in the file are one once their key is read: 10:00Z is 10:00:00.000Z.
    """

    days: tuple[dt.date, dt.date, int] | None
    rejected: int
    reasons: list[str]
    is_key_shared: bool


def _try_out(connection: Any, contract: Contract) -> Tried:
    types = {str(row[0]): str(row[1]) for row in connection.execute("DESCRIBE sample").fetchall()}
    compiled = compile_contract(connection, contract, types)
    relation = f"(SELECT *, row_number() OVER () AS {ROW} FROM sample)"
    accepted = compiled.accepted(relation, "sample")
    key = ", ".join(quoted(name) for name in contract.key)
    keys = f"count(DISTINCT ({key}))" if key else "count(*)"
    count, different = connection.execute(f"SELECT count(*), {keys} FROM ({accepted})").fetchall()[0]
    # rejected rows have a day too, and what lies before the first one would not be loaded
    days = f"SELECT count(*), min(_day), max(_day), count(DISTINCT _day) FROM ({compiled.with_day(relation)})"
    total, first, last, many = connection.execute(days).fetchall()[0]
    reasons = _reasons(connection, compiled.rejected(relation, "sample")) if count < total else []
    return Tried((first, last, many) if first else None, total - count, reasons, different < count)


def _reasons(connection: Any, rejected: str) -> list[str]:
    sql = (
        f'SELECT r."column", r.rule, count(*), any_value(r.value) FROM (SELECT unnest(reasons) AS r FROM ({rejected})) '
        f"GROUP BY ALL ORDER BY 3 DESC LIMIT {TRIED}"
    )
    return [
        f"{column}: of the sample {count:,} would be rejected ({rule})" + ("" if value is None else f", as {value!r}")
        for column, rule, count, value in connection.execute(sql).fetchall()
    ]


def _column_notes(columns: list[Profiled]) -> list[str]:
    return [f"{column.name}: {note}" for column in columns for note in column.found.notes]
