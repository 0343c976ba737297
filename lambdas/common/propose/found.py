"""How a column is to be read, tried on its values with the very SQL that loads them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lambdas.common.contract.casts import cast
from lambdas.common.contract.columns import read_column
from lambdas.common.contract.model import Column
from lambdas.common.contract.reading import read_value


@dataclass(slots=True)
class Found:
    """How a column is to be read: what a property of the contract says, and what is unsure about it.

    `expression` is the DuckDB expression of `transformLogic` with `{value}` for the raw value; `{value}` alone needs
    none.
    """

    logical: str
    physical: str
    options: dict[str, Any] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    null_words: tuple[str, ...] = ()
    expression: str = "{value}"

    def of(self, value: str) -> str:
        """The expression over that SQL; it may have braces of its own."""
        return self.expression.replace("{value}", value)


def keep_values(connection: Any, values: list[str]) -> None:
    """The distinct texts on which readings are tried."""
    connection.execute("CREATE OR REPLACE TEMP TABLE tried (v VARCHAR)")
    connection.execute("INSERT INTO tried SELECT unnest(?)", [values])


def fits(connection: Any, found: Found) -> bool:
    """Whether all the texts are values under that reading."""
    return count_failed(connection, found) == 0


def count_failed(connection: Any, found: Found, condition: str = "true") -> int:
    """How many of the texts are no values under that reading; `condition` is SQL over a text `v`."""
    sql = f"SELECT count(*) FROM tried WHERE ({condition}) AND ({typed_value('v', 'VARCHAR', found)}) IS NULL"
    return int(connection.execute(sql).fetchall()[0][0])


def failed_texts(connection: Any, found: Found, most: int) -> list[str]:
    """Some texts that are no values under that reading, in their order."""
    sql = f"SELECT v FROM tried WHERE ({typed_value('v', 'VARCHAR', found)}) IS NULL ORDER BY v LIMIT {most}"
    return [row[0] for row in connection.execute(sql).fetchall()]


def typed_value(value: str, raw_type: str, found: Found) -> str:
    """SQL of a value as the contract's type, as a load casts it; NULL where it does not fit.

    `raw_type` is the type of what the expression gives.
    """
    column = _column(found)
    return cast(*read_value(column, found.of(value), raw_type), column.physical_type)


def _column(found: Found) -> Column:
    custom = [{"property": key, "value": value} for key, value in found.custom.items()]
    prop = {"name": "v", "logicalType": found.logical, "physicalType": found.physical}
    return read_column({**prop, "logicalTypeOptions": found.options, "customProperties": custom}, Path("contract.yaml"))
