"""Scratch sources on the deployed local cloud: keyed or not, with a version or not."""

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lambdas.process.work import Warehouse
from tests.cloud import Cloud
from tests.exactly_once.shapes import Shape
from tests.process import source
from tests.process.source import Source

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
        key = ["id"] * keyed + ["at"] * time_in_key
        Shape(name, key, version).write_contract(path, name)
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
