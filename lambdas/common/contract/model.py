"""What a contract says, as plain values. Built by `read`; no YAML and no I/O here."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Column:
    """One property of a contract.

    `physical_type` is Redshift's type in lower case, `transform` the DuckDB expression over raw
    columns that gives the value, `sources` the raw columns it reads. `minimum` and `maximum` are
    inclusive; `min_length` and `max_length` count characters (the physical type counts bytes).
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
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    enum: tuple[object, ...] = ()

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


@dataclass(frozen=True, slots=True)
class Contract:
    """A dataset: a source (a table fed from raw objects) or a mart (a materialized view).

    `null_words` are texts that mean no value in any raw column. Without them only an empty text that
    has to become a number, time or truth value means none.
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
    on_drift: Literal["warn", "fail", "ignore"] = "warn"
    max_rejected_ratio: float | None = None
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
    def schema(self) -> str:
        """The warehouse schema that holds the dataset's table."""
        return "core" if self.kind == "source" else "mart"

    @property
    def raw_columns(self) -> tuple[str, ...]:
        """Raw columns that the contract reads, in the order of their first use."""
        return tuple(dict.fromkeys(name for c in self.columns for name in c.sources))

    def column(self, name: str) -> Column:
        """The column of that name; KeyError where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)
