"""The rows of a raw object as SQL over files: its own, or what a transform.py has made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lambdas.common.contract.rowset import Span, holds
from lambdas.common.contract.rules import MASK, ROW
from lambdas.common.contract.sql import literal, quoted
from lambdas.common.decimals import MOST_DIGITS, wide_decimals
from lambdas.common.errors import ObjectError
from lambdas.common.names import find_twins
from lambdas.process.transform import NUMBER

# DuckDB's own column for the number of a row in its file
TAKEN = "file_row_number"
# The rule that a row breaks which a transform.py leaves out.
LEFT_OUT = "transform"


@dataclass(frozen=True, slots=True)
class Rows:
    """`source` stands after FROM, `columns` are those that the contract reads, `number` is a row's in the object.

    `span` is that of the file that they come from.
    """

    source: str
    columns: str
    number: str
    span: Span
    transformed: bool = False

    def relation(self, where: str = "") -> str:
        """The rows with ROW, their number, as a relation for a compiled contract."""
        return f"(SELECT {self.columns}, {self.number} AS {ROW} FROM {self.source} {where})"


def refuse_schema(raw: Path) -> None:
    """Raise ObjectError where DuckDB would change what the file says.

    It would give one of two columns whose names differ in capitals alone another name, and round decimals of more
    digits than it holds.
    """
    import pyarrow.parquet as pq

    schema = pq.read_schema(raw)
    if twins := find_twins(schema.names):
        raise ObjectError(f"two columns are named {twins[0]!r} and {twins[1]!r}: which one is meant?")
    if wide := wide_decimals(schema):
        raise ObjectError(
            f"{', '.join(wide)}: decimals of more than {MOST_DIGITS} digits, which would be rounded; write texts"
        )


def plain_rows(raw: Path, span: Span) -> Rows:
    """The rows of the file as they are; `span` says where they stand in the object."""
    number = f"({TAKEN} + {span[0]})" if span[0] else TAKEN
    return Rows(f"read_parquet({literal(str(raw))})", "*", number, span)


def transformed_rows(files: Sequence[Path], span: Span) -> Rows:
    """The rows in files that `run_script` wrote; a column has the type in which those of all its batches fit."""
    number = quoted(NUMBER)
    names = ", ".join(literal(str(file)) for file in files)
    source = f"read_parquet([{names}], union_by_name = true)"
    return Rows(source, f"* EXCLUDE ({number})", number, span, transformed=True)


def left_out(rows: Rows, raw: Path, key: str, *, masked: bool) -> str:
    """SELECT of the raw rows in the set `missing`, and not in `made`, which a transform.py left out: as rejected rows.

    With `masked` their values are not shown: which of them make a restricted column only the script knows.
    """
    shown = literal(MASK) if masked else "CAST(to_json(t) AS VARCHAR)"
    reason = f"struct_pack(\"column\" := '', rule := {literal(LEFT_OUT)}, value := CAST(NULL AS VARCHAR))"
    numbered = f"(SELECT {TAKEN} + {rows.span[0]} AS {ROW}, t FROM read_parquet({literal(str(raw))}) AS t)"
    return (
        f"SELECT {literal(key)} AS raw_key, {ROW} AS raw_row, [{reason}] AS reasons, {shown} AS raw FROM {numbered} "
        f"WHERE {holds('missing', ROW)} AND NOT {holds('made', ROW)}"
    )
