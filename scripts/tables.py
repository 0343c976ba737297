"""Tables on a terminal and in a pipe."""

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text


def new_table(*first: str, right: Iterable[str] = (), left: Iterable[str] = ()) -> Table:
    """A table whose columns are `first`, then those aligned right, then those aligned left."""
    table = Table()
    for name in first:
        table.add_column(name)
    for name in right:
        table.add_column(name, justify="right")
    for name in left:
        table.add_column(name)
    return table


def add_cells(table: Table, *cells: object) -> None:
    """Add a row of plain texts: what comes from data must not be read as markup."""
    table.add_row(*(Text(str(cell)) for cell in cells))


def print_table(table: Table) -> None:
    """As wide as it is where nobody set a width, as in a pipe; a cell is folded and never cut."""
    for column in table.columns:
        column.overflow = "fold"
    Console(width=None if sys.stdout.isatty() else Console(width=1000).measure(table).maximum).print(table)
