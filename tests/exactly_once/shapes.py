"""The kinds of sources that the load tells apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TEMPLATE = """
apiVersion: v3.1.0
kind: DataContract
id: {name}
version: 1.0.0
schema:
  - name: {name}
    customProperties: [{version}]
    properties:
      - {{name: id, logicalType: string, physicalType: varchar(8), required: true{id_key}}}
      - {{name: at, logicalType: timestamp, physicalType: timestamp, required: true, partitioned: true{at_key}}}
      - {{name: n, logicalType: integer, physicalType: bigint, logicalTypeOptions: {{maximum: 100}}}}
      - {{name: v, logicalType: integer, physicalType: bigint}}
"""


@dataclass(frozen=True)
class Shape:
    """A kind of source: its key's columns, and whether `v` is its version.

    `group` is the most rows of a row group of its objects, `options` how its loaders are ordered in any case.
    """

    name: str
    key: Sequence[str]
    version: bool
    group: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def write_contract(self, path: Path, source: str) -> None:
        """Write the contract of such a source."""
        path.parent.mkdir(parents=True)
        places = {name: f", primaryKey: true, primaryKeyPosition: {i}" for i, name in enumerate(self.key, 1)}
        version = "{property: versionColumn, value: v}" if self.version else ""
        keys = {"id_key": places.get("id", ""), "at_key": places.get("at", "")}
        path.write_text(TEMPLATE.format(name=source, version=version, **keys))


VERSIONED = Shape("versioned", ("id",), version=True)
KEYED = Shape("keyed", ("id",), version=False)
TIMED = Shape("timed", ("id", "at"), version=True)
KEYLESS = Shape("keyless", (), version=False)
# All of its objects are large, and each row is a slice.
SLICED = Shape("sliced", ("id",), version=True, group=1, options={"slice_bytes": 1})
SHAPES = (VERSIONED, KEYED, TIMED, KEYLESS, SLICED)
