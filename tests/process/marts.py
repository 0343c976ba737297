"""Marts of one's own on scratch sources."""

from pathlib import Path

from lambdas.common.contract import Contract, load_contract
from lambdas.common.db import ddl, views
from lambdas.common.db.redshift import autocommit, execute
from tests.process.source import Source

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: {name}
version: 1.0.0
schema:
  - name: {name}
    properties:
      - {{name: at, logicalType: timestamp, physicalType: timestamp, required: true, partitioned: true}}
"""


def write_mart(folder: Path, name: str, sql: str, more: str = "") -> Contract:
    """The contract of a mart with that SELECT, its files under the folder; `more` is a further property."""
    path = folder / "marts" / name / "contract.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(CONTRACT.format(name=name) + (f"      - {{{more}}}\n" if more else ""))
    (path.parent / "mart.sql").write_text(sql)
    return load_contract(path, "mart")


def migrate_marts(source: Source, *marts: Contract) -> list[str]:
    """What migrating these marts ran."""
    with source.warehouse.session("tests") as connection:
        return views.migrate_marts(connection, {mart.name: mart for mart in marts})


def fill(source: Source) -> None:
    """Put one row into the source's tables, past the load: for what only asks whether there are rows."""
    values = "('a', '2024-03-01', 1, 1, 'raw/x', 0, '2024-03-02')"
    for table in ddl.tables(source.contract):
        run(source, f"INSERT INTO {table} (id, at, n, v, _raw_key, _raw_row, _loaded_at) VALUES {values}")


def run(source: Source, sql: str) -> None:
    """Run one statement as the loader, committed by itself."""
    with source.warehouse.session("tests") as connection, autocommit(connection):
        execute(connection, sql)
