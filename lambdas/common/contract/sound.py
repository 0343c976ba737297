"""What must hold of a contract for the code to work: checked whenever one is read, so that no wrong file loads data."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lambdas.common.contract.casts import FLOATS, NUMBERS, duckdb_type
from lambdas.common.contract.formats import parse_format
from lambdas.common.contract.model import MOST_COLUMNS, SLA_UNITS, Column, Contract
from lambdas.common.errors import ContractError

NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
COLUMN_NAME = re.compile(r"[a-z][a-z0-9_]{0,126}")
PHYSICAL_TYPE = re.compile(
    r"smallint|integer|bigint|real|double precision|boolean|date|timestamp|timestamptz|super"
    r"|(?:var)?char\((?:\d{1,5}|max)\)|decimal\(\d{1,2}, ?\d{1,2}\)"
)
DRIFT = ("warn", "fail", "ignore")
# the checks of a table whose severity is the contract's to say
CHECKS = {
    "source": (
        "keys_are_unique", "required_values_are_there", "rules_hold", "no_object_is_set_aside",
        "columns_are_as_agreed", "few_rows_are_rejected", "rows_are_as_usual", "data_is_fresh", "table_rules_hold",
    ),
    "mart": ("mart_is_current", "grain_is_unique", "data_is_fresh", "table_rules_hold"),
}  # fmt: skip
SEVERITIES = ("warning", "error", "blocking")
RAW_TYPES = ("text", "number", "boolean", "time")
TIMES = ("timestamp", "timestamptz", "date")
# what people write for it
MEANT = {
    "string": "varchar(256)", "text": "varchar(65535)", "varchar": "varchar(256)", "char": "char(1)", "json": "super",
    "uuid": "varchar(36)", "datetime": "timestamp", "time": "varchar(8)", "number": "decimal(18,2)",
    "decimal": "decimal(18,2)", "double": "double precision", "long": "bigint", "object": "super", "array": "super",
}  # fmt: skip
LONGEST = {"varchar": 65_535, "char": 4096}
# columns that every table of Redshift has already
SYSTEM_COLUMNS = frozenset(
    {"oid", "tableoid", "xmin", "xmax", "cmin", "cmax", "ctid", "insertxid", "deletexid", "redshift_rowid"}
)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, and where: the property's name and the key in it; both empty for the schema as a whole."""

    text: str
    column: str = ""
    key: str = ""


def require_sound(contract: Contract) -> None:
    """Raise ContractError with all mistakes, where there is one."""
    found = [f"{m.column}: {m.text}" if m.column else m.text for m in find_mistakes(contract)]
    if found:
        raise ContractError(f"{contract.path}: " + "; ".join(found))


def find_mistakes(contract: Contract) -> Iterator[Mistake]:
    """All that would make the contract fail, or mean something else than it says."""
    names = [c.name for c in contract.columns]
    if not NAME.fullmatch(contract.name):
        yield Mistake(f"folder name {contract.name!r} must match {NAME.pattern}")
    for name in sorted({n for n in names if [*names, *contract.retired].count(n) > 1}):
        yield Mistake("is declared twice", name, "name")
    for column in contract.columns:
        yield from _name_and_type(column)
        yield from _rules(column)
        yield from _reading(column)
    yield from _event_time(contract)
    yield from _settings(contract, names)
    yield from _null_words(contract)


def _event_time(contract: Contract) -> Iterator[Mistake]:
    found = [c for c in contract.columns if c.event_time]
    if len(found) != 1:
        yield Mistake("exactly one column must be `partitioned: true`: the event time whose UTC day is the partition")
    for column in found:
        if column.physical_type not in TIMES and PHYSICAL_TYPE.fullmatch(column.physical_type):
            yield Mistake("the partition column must be a timestamp or a date", column.name, "physicalType")


def _settings(contract: Contract, names: list[str]) -> Iterator[Mistake]:
    if len(names) > MOST_COLUMNS:
        yield Mistake(f"{len(names):,} columns; a table of Redshift has at most {MOST_COLUMNS:,} beside the platform's")
    if contract.version_column and contract.version_column not in names:
        yield Mistake(f"versionColumn {contract.version_column!r} is no column of the contract")
    if contract.version_column and not contract.key:
        yield Mistake("versionColumn needs a primary key")
    yield from _distribution(contract)
    yield from _checks(contract)
    yield from _freshness(contract)
    if contract.on_drift not in DRIFT:
        yield Mistake(f"onDrift {contract.on_drift!r} must be one of {', '.join(DRIFT)}")
    ratio = contract.max_rejected_ratio
    if ratio is not None and not (isinstance(ratio, int | float) and 0 <= ratio <= 1):
        yield Mistake(f"maxRejectedRatio {ratio!r} must be a number from 0 to 1")
    positions = [c.key_position for c in contract.columns if c.key_position]
    if len(positions) > 1 and sorted(positions) != list(range(1, len(positions) + 1)):
        yield Mistake(f"primaryKeyPosition must count the key's columns from 1; it has {sorted(positions)}")


def _checks(contract: Contract) -> Iterator[Mistake]:
    known = CHECKS[contract.kind]
    if not isinstance(contract.checks, dict):
        yield Mistake(f"checks must be a mapping, as in value: {{{known[-1]}: error}}")
        return
    for name, severity in contract.checks.items():
        if name not in known:
            yield Mistake(f"checks: a {contract.kind} has no check {name!r}; known are {', '.join(known)}")
        if severity not in SEVERITIES:
            yield Mistake(f"checks: {name} is {severity!r}; it must be one of {', '.join(SEVERITIES)}")


def _freshness(contract: Contract) -> Iterator[Mistake]:
    if "freshness" not in contract.sla:
        return
    value, unit = contract.sla["freshness"]
    number = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    if not number or unit not in SLA_UNITS:
        text = f"must be a number above 0 with a unit among {', '.join(SLA_UNITS)}"
        yield Mistake(f"slaProperties: freshness {value!r} with unit {unit!r} {text}", key="freshness")


def _distribution(contract: Contract) -> Iterator[Mistake]:
    """By event time, a range of days would lie on few slices, and these alone would have to read it."""
    spread = [c for c in contract.columns if c.name == contract.distribution_key]
    if contract.distribution_key and not spread:
        yield Mistake(f"distributionKey {contract.distribution_key!r} is no column of the contract")
    for column in spread:
        if column.event_time or column.physical_type == "super":
            yield Mistake("distributionKey must be neither the partition column nor of type super", column.name)


def _null_words(contract: Contract) -> Iterator[Mistake]:
    """A raw column is cleaned once: two columns that read it cannot disagree on what means no value."""
    said: dict[str, tuple[str, ...]] = {}
    for column in contract.columns:
        for source in column.sources if column.null_words is not None else ():
            words = column.null_words or ()
            if said.setdefault(source, words) != words:
                yield Mistake(f"nullWords differ from those of another column that reads {source!r}", column.name)


def _name_and_type(column: Column) -> Iterator[Mistake]:
    if column.name.startswith("_"):
        yield Mistake(f"column name {column.name!r}: names with _ in front belong to the platform", column.name, "name")
    elif not COLUMN_NAME.fullmatch(column.name):
        yield Mistake(f"column name {column.name!r} must match {COLUMN_NAME.pattern}", column.name, "name")
    elif column.name in SYSTEM_COLUMNS:
        yield Mistake(f"column name {column.name!r} is a system column of Redshift", column.name, "name")
    if not PHYSICAL_TYPE.fullmatch(column.physical_type):
        yield Mistake(
            f"physicalType {column.physical_type!r} is not among smallint, integer, bigint, real, "
            "double precision, decimal(p,s), boolean, date, timestamp, timestamptz, varchar(n), char(n), super"
            + (f"; perhaps {MEANT[column.physical_type]}" if column.physical_type in MEANT else ""),
            column.name,
            "physicalType",
        )
    else:
        yield from _size(column)
    if column.key_position and not column.required:
        yield Mistake("a column of the primary key must be `required: true`", column.name, "primaryKey")


def _size(column: Column) -> Iterator[Mistake]:
    base = column.physical_type.partition("(")[0]
    numbers = [int(digits) for digits in re.findall(r"\d+", column.physical_type)]
    if base in LONGEST and column.byte_length is not None:
        longest = LONGEST[base]
        if not (numbers or base == "varchar") or not 1 <= column.byte_length <= longest:
            yield Mistake(f"{column.physical_type}: Redshift's {base} holds 1 to {longest} bytes", *_at(column))
    if base == "decimal" and not (1 <= numbers[0] <= 38 and numbers[1] <= numbers[0]):
        yield Mistake(f"{column.physical_type}: precision goes from 1 to 38, scale from 0 to precision", *_at(column))


def _at(column: Column) -> tuple[str, str]:
    return column.name, "physicalType"


def _rules(column: Column) -> Iterator[Mistake]:
    low, high = column.minimum, column.maximum
    kinds = {type(bound) is str for bound in (low, high) if bound is not None}
    if kinds == {True, False} or (low is not None and high is not None and str(low) != str(high) and low > high):  # type: ignore[operator]
        yield Mistake(f"minimum {low!r} lies above maximum {high!r}", column.name, "logicalTypeOptions")
    if column.multiple_of is not None and duckdb_type(column.physical_type) in FLOATS:
        yield Mistake("multipleOf needs an exact type: integer or decimal", column.name, "logicalTypeOptions")


def _reading(column: Column) -> Iterator[Mistake]:
    reading, physical = column.reading, column.physical_type
    if not PHYSICAL_TYPE.fullmatch(physical):
        return
    if reading.format is not None and physical not in TIMES:
        yield Mistake("format is read for dates and timestamps alone; for texts take pattern", column.name, "format")
    elif reading.format is not None:
        try:
            parse_format(reading.format)
        except ValueError as error:
            yield Mistake(str(error), column.name, "format")
    if reading.zone is not None and physical not in TIMES[:2]:
        yield Mistake("defaultTimezone is for timestamps alone", column.name, "defaultTimezone")
    separators = [reading.decimal_separator, reading.thousands_separator or " "]
    if [len(sign) for sign in separators] != [1, 1] or separators[0] == separators[1]:
        yield Mistake("decimalSeparator and thousandsSeparator must be two different characters", column.name)
    exact = duckdb_type(physical)
    if separators != [".", " "] and exact not in NUMBERS and not exact.startswith("DECIMAL"):
        yield Mistake("decimalSeparator and thousandsSeparator are for numbers alone", column.name)
    words = (*reading.true_words, *reading.false_words)
    if words and (physical != "boolean" or len(set(words)) < len(words)):
        yield Mistake("trueWords and falseWords are for booleans, and each word has one meaning", column.name)
    if column.raw_type is not None and column.raw_type not in RAW_TYPES:
        yield Mistake(f"rawType {column.raw_type!r} must be one of {', '.join(RAW_TYPES)}", column.name, "rawType")
