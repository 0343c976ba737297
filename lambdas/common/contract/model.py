"""What a contract says, as plain values. Built by `read`; no YAML and no I/O here."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lambdas.common.contract.sql import quoted

# As many columns as a table of Redshift has: an object with more is no table that anybody meant.
MOST_RAW_COLUMNS = 1600
# Redshift's limit, less the platform's own _raw_key, _raw_row and _loaded_at
MOST_COLUMNS = 1597


@dataclass(frozen=True, slots=True)
class Reading:
    """How a text becomes the column's value, where it is not written as ISO 8601 or SQL write it.

    `format` is a pattern of JDK's DateTimeFormatter, `zone` the time zone of times that name none (UTC without it).
    With `true_words` or `false_words` no other text is a truth value.
    """

    format: str | None = None
    zone: str | None = None
    decimal_separator: str = "."
    thousands_separator: str | None = None
    true_words: tuple[str, ...] = ()
    false_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowRule:
    """A rule over the columns of one row: `sql` is DuckDB's, true or NULL where the row keeps it.

    `column` is the property that states it; empty for a rule of the whole row.
    """

    name: str
    sql: str
    column: str = ""


@dataclass(frozen=True, slots=True)
class QueryRule:
    """A rule over many rows: the one value of `query` keeps `holds`, SQL over {value}.

    `query` reads ${object}, the accepted rows of one raw object (DuckDB's SQL), or ${table}, the whole table
    (Redshift's); and ${property} where a property states it. An object that breaks a fatal rule is refused; a table
    that does fails its check as an error. What breaks another rule is a warning.
    """

    name: str
    query: str
    bound: str
    holds: str
    column: str = ""
    fatal: bool = True


@dataclass(frozen=True, slots=True)
class Column:
    """One property of a contract.

    `physical_type` is Redshift's type in lower case, `transform` the DuckDB expression over raw
    columns that gives the value, `sources` the raw columns it reads. `minimum` and `maximum` are
    inclusive, a number or the text of a time; `min_length` and `max_length` count characters (the physical
    type counts bytes). `null_words` replace the contract's for the raw columns that this column reads.
    `raw_type` is what its raw column should be: text, number, boolean or time; None where that is open.
    """

    name: str
    logical_type: str
    physical_type: str
    transform: str
    sources: tuple[str, ...]
    description: str = ""
    required: bool = False
    unique: bool = False
    key_position: int = 0
    event_time: bool = False
    classification: str = ""
    minimum: float | str | None = None
    maximum: float | str | None = None
    exclusive_minimum: float | str | None = None
    exclusive_maximum: float | str | None = None
    multiple_of: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    enum: tuple[object, ...] = ()
    reading: Reading = Reading()
    null_words: tuple[str, ...] | None = None
    raw_type: str | None = None

    @property
    def reads_one_raw_column(self) -> bool:
        """True where the value is that of one raw column as it is, without an expression."""
        return self.transform in (self.sources[0], quoted(self.sources[0]))

    @property
    def restricted(self) -> bool:
        """True where the value must never leave the warehouse (classification: restricted)."""
        return self.classification == "restricted"

    @property
    def byte_length(self) -> int | None:
        """Bytes that a text holds (Redshift counts bytes, not characters); None for other types.

        JSON text for SUPER passes through a varchar on its way, so the longest varchar is its limit as well.
        """
        base, _, rest = self.physical_type.partition("(")
        if base == "super":
            return 65535
        if base not in ("varchar", "char"):
            return None
        length = rest.rstrip(")").strip()
        return 65535 if length == "max" else int(length or 256)

    @property
    def single_bytes(self) -> bool:
        """True where a text has characters of one byte alone: Redshift's CHAR takes no other."""
        return self.physical_type.partition("(")[0] == "char"


# The standard's units of time, and what people write for them.
SLA_UNITS = {
    **dict.fromkeys(("d", "day", "days"), "days"),
    **dict.fromkeys(("h", "hour", "hours"), "hours"),
    **dict.fromkeys(("m", "min", "minute", "minutes"), "minutes"),
}


@dataclass(frozen=True, slots=True)
class Contract:
    """A dataset: a source (a table fed from raw objects) or a mart (a materialized view).

    `null_words` are texts that mean no value in any raw column. Without them only an empty text that
    has to become a number, time or truth value means none. An object of which more than `max_rejected_ratio`
    of the rows are rejected is refused as a whole. `distribution_key` is the column by which Redshift spreads the
    rows, which it does as it sees fit without one. `checks` says of checks in Dagster how severe their failure is:
    warning, error or blocking. `retired` names columns that only the tables still have. `script` is
    the transform.py beside the contract, which makes the raw columns that the contract reads.
    """

    name: str
    kind: Literal["source", "mart"]
    title: str
    description: str
    columns: tuple[Column, ...]
    path: Path
    hash: str
    version_column: str | None = None
    null_words: tuple[str, ...] = ()
    checks: Mapping[str, str] = field(default_factory=dict)
    on_drift: Literal["warn", "fail", "ignore"] = "warn"
    ignored_columns: tuple[str, ...] = ()
    max_rejected_ratio: float | None = None
    row_rules: tuple[RowRule, ...] = ()
    distribution_key: str | None = None
    retired: tuple[str, ...] = ()
    object_rules: tuple[QueryRule, ...] = ()
    table_rules: tuple[QueryRule, ...] = ()
    script: Path | None = None
    team: str = ""
    tags: tuple[str, ...] = ()
    sla: dict[str, tuple[float, str]] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, ...]:
        """Names of the primary key's columns in their order; empty for a keyless source."""
        keyed = [c for c in self.columns if c.key_position]
        return tuple(c.name for c in sorted(keyed, key=lambda c: c.key_position))

    @property
    def event_time(self) -> Column:
        """The partition column: its UTC day is the day of the row."""
        return next(c for c in self.columns if c.event_time)

    @property
    def freshness(self) -> dt.timedelta | None:
        """How old the newest event may be, by slaProperties; None where the contract does not say."""
        if "freshness" not in self.sla:
            return None
        value, unit = self.sla["freshness"]
        return dt.timedelta(**{SLA_UNITS[unit]: float(value)})

    @property
    def schema(self) -> str:
        """The warehouse schema that holds the dataset's table."""
        return "core" if self.kind == "source" else "mart"

    @property
    def raw_columns(self) -> tuple[str, ...]:
        """Raw columns that the contract reads, in the order of their first use."""
        return tuple(dict.fromkeys(name for c in self.columns for name in c.sources))

    def words_of(self, raw_column: str) -> tuple[str, ...]:
        """The texts that mean no value in that raw column."""
        for column in self.columns:
            if raw_column in column.sources and column.null_words is not None:
                return column.null_words
        return self.null_words

    def column(self, name: str) -> Column:
        """The column of that name; KeyError where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)
