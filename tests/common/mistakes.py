"""The two files of a source in which tests make mistakes, and where a mistake stands."""

from pathlib import Path

CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: things
version: 1.0.0
status: active
schema:
  - name: things
    customProperties:
      - {property: onDrift, value: warn}
    quality:
      - type: custom
        engine: duckdb
        name: positive
        implementation: price > 0
      - type: sql
        name: some
        query: SELECT count(*) FROM ${object}
        mustBeGreaterThan: 0
    properties:
      - name: id
        logicalType: string
        physicalType: varchar(8)
        required: true
        primaryKey: true
      - name: at
        logicalType: timestamp
        physicalType: timestamp
        required: true
        partitioned: true
        transformLogic: raw_at
        transformSourceObjects: [raw_at]
      - name: price
        logicalType: number
        physicalType: decimal(9,2)
        logicalTypeOptions:
          minimum: 0
"""
DEFS = """type: orchestration.components.Source
attributes:
  start: "2024-01-01"
  schedule: "15 2 * * *"
  extract:
    timeout: 9
    filesystem:
      bucket_url: "{env:THINGS}/files"
      format: csv
      csv:
        delimiter: ";"
"""


def changed(assets: Path, name: str, old: str, new: str) -> Path:
    """Change the first `old` in a file of the source."""
    path = assets / "sources" / "things" / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


def shown(path: Path) -> str:
    """The path as messages have it."""
    return f"assets/sources/things/{path.name}"


def line_of(path: Path, text: str) -> int:
    return next(n for n, line in enumerate(path.read_text().splitlines(), start=1) if text in line)
