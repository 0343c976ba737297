"""Scratch sources on the deployed local cloud: keyed or not, with a version or not."""

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lambdas.process.work import Warehouse
from tests.cloud import Cloud
from tests.process import source
from tests.process.source import Source

TEMPLATE = """
apiVersion: v3.1.0
kind: DataContract
id: {name}
version: 1.0.0
schema:
  - name: {name}
    customProperties: [{version}]
    properties:
      - {{name: id, logicalType: string, physicalType: varchar(8), required: true{key}}}
      - {{name: at, logicalType: timestamp, physicalType: timestamp, required: true, partitioned: true{time_key}}}
      - {{name: n, logicalType: integer, physicalType: bigint, logicalTypeOptions: {{maximum: 100}}}}
      - {{name: v, logicalType: integer, physicalType: bigint}}
"""


_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def warehouse(cloud: Cloud, deployed: dict[str, str]) -> Warehouse:
    """The deployed warehouse as the process function reaches it."""
    return source.read_warehouse(cloud)


@pytest.fixture(scope="session")
def make_source(cloud: Cloud, warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Source]:
    """Makes a source with its tables: keyed or not, with a version column or not, the time in the key or not."""

    def make(*, keyed: bool = True, version: bool = False, time_in_key: bool = False) -> Source:
        name = f"scratch_{os.getpid()}_{next(_numbers)}"
        path = tmp_path_factory.mktemp("assets") / name / "contract.yaml"
        path.parent.mkdir()
        text = TEMPLATE.format(
            name=name,
            key=", primaryKey: true, primaryKeyPosition: 1" if keyed else "",
            time_key=", primaryKey: true, primaryKeyPosition: 2" if time_in_key else "",
            version="{property: versionColumn, value: v}" if version else "",
        )
        path.write_text(text)
        return source.make_source(cloud, warehouse, path)

    return make


@pytest.fixture
def keyed(make_source: Callable[..., Source]) -> Source:
    """A source with a key and a version column."""
    return make_source(version=True)


@pytest.fixture
def loader_connection(warehouse: Warehouse) -> Iterator[Any]:
    """A connection of the loader's, to hold locks with."""
    with warehouse.session("tests lock") as connection:
        yield connection
