"""Sets of row numbers, a bit for each row of a file. A filter by them keeps the order of the rows; a join does not.

A set lives in two variables of the connection. In the sizes that come here (some million rows) it takes some 100 KB.
"""

from typing import Any

from lambdas.common.contract.sql import literal, quoted

# The number of the first row, and the one behind the last.
Span = tuple[int, int]


def remember(connection: Any, name: str, numbers: str, span: Span) -> None:
    """Keep the row numbers that the SELECT gives (one column), all of them within the span, as the set `name`."""
    first, end = span
    bits = f"SELECT bitstring_agg(n, {first}, {end - 1}) FROM ({numbers}) AS t(n)"
    connection.execute(f"SET VARIABLE {quoted(name)} = coalesce(({bits}), bitstring('0', {end - first}))")
    connection.execute(f"SET VARIABLE {quoted(name + ':first')} = {first}")


def holds(name: str, number: str) -> str:
    """SQL: the set holds the row of that number, which is one of its span."""
    bits, first = f"getvariable({literal(name)})", f"getvariable({literal(name + ':first')})"
    return f"(get_bit({bits}, CAST({number} - {first} AS INTEGER)) = 1)"
