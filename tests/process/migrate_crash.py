"""A migration that is killed before its first statement, its second, and so on, and completed by the next each time.

python -m tests.process.migrate_crash CLOUD CONTRACT MART...   prints how many times it was killed

A program of its own, because it forks: a child a crash, which connects by itself and is killed with SIGKILL.
"""

import os
import signal
import sys
from pathlib import Path

from lambdas.common.contract import Contract, load_contract
from lambdas.common.db import columns, ddl, redshift, views
from lambdas.common.db.redshift import query
from lambdas.process.work import Warehouse
from tests.cloud import Cloud
from tests.process.source import read_warehouse


def main(root: str, contract: str, *marts: str) -> int:
    """Kill ever later until one migration is through; its exit status."""
    warehouse, path = read_warehouse(Cloud(Path(root))), Path(contract)
    known = {c.name: c for c in (load_contract(Path(mart), "mart") for mart in marts)}
    killed = 0
    while True:
        asked = grow(path, killed)
        survived = attempt(warehouse, path, known, before=killed)
        migrate(warehouse, path, known)
        check(warehouse, load_contract(path), known, asked)
        if survived:
            sys.stdout.write(f"{killed}\n")
            return 0
        killed += 1


def grow(path: Path, number: int) -> tuple[str, str]:
    """Ask for a longer text and a further column; the type and the column."""
    kind = f"varchar({16 + number})"
    text = path.read_text().replace(f"varchar({15 + number})" if number else "varchar(8)", kind, 1)
    path.write_text(text + f"      - {{name: c{number}, logicalType: integer, physicalType: bigint}}\n")
    return kind, f"c{number}"


def migrate(warehouse: Warehouse, path: Path, known: dict[str, Contract]) -> None:
    """What the function does for one source and its marts."""
    with warehouse.session("tests crash") as connection:
        ddl.migrate_source(connection, load_contract(path), known)
        views.migrate_marts(connection, known)


def attempt(warehouse: Warehouse, path: Path, known: dict[str, Contract], *, before: int) -> bool:
    """Migrate in a child that is killed before that statement; whether there was none so late."""
    child = os.fork()
    if child == 0:
        kill_before(before)
        migrate(warehouse, path, known)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status == 0 or os.WTERMSIG(status) == signal.SIGKILL
    return status == 0


def kill_before(number: int) -> None:
    """Let this process die before it runs that statement, counted from 0."""
    left, original = [number], redshift.execute

    def execute(*arguments):
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        return original(*arguments)

    ddl.execute = views.execute = execute


def check(warehouse: Warehouse, contract: Contract, known: dict[str, Contract], asked: tuple[str, str]) -> None:
    """Both tables are as the contract asks, and all marts answer."""
    kind, added = asked
    with warehouse.session("tests crash") as connection:
        for table in ddl.tables(contract):
            found = columns.read_columns(connection, table)
            assert (found["id"].kind, added in found) == (kind, True), (table, found)
        for mart in known:
            assert query(connection, f"SELECT id FROM mart.{mart}") == [{"id": "a"}], mart
            readers = f"SELECT has_table_privilege('reader', 'mart.{mart}', 'select') AS held"
            assert query(connection, readers)[0]["held"], mart


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
