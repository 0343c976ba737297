"""Where every scenario begins: a source that has been loaded once, and has work again.

Sources are used again: their tables go back to what the first load had made of them, which is kept beside them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lambdas.common.db.redshift import execute, transaction
from tests.exactly_once.lab import BUCKET, Lab
from tests.exactly_once.model import Row
from tests.exactly_once.shapes import Shape
from tests.exactly_once.world import World, at


@contextmanager
def work_waits(lab: Lab, shape: Shape, **options: Any) -> Iterator[World]:
    """A source with work for loaders that are ordered so; it is used again only if the block ends well."""
    with lab.lock:
        used = lab.sources[shape.name]
        name = used.pop() if used else None
    world = restore(lab, shape, name) if name else make(lab, shape)
    world.options = options
    begin(world)
    yield world
    clean(world)
    with lab.lock:
        lab.sources[shape.name].append(world.name)


def make(lab: Lab, shape: Shape) -> World:
    """A source with its first load done, and copies of what that made."""
    world = World(lab, shape)
    put_first(world)
    result = world.load()
    assert "answer" in result, result
    with lab.session() as connection, transaction(connection):
        for table, condition in _tables(world):
            execute(connection, f"CREATE TABLE {_copy(world, table)} AS SELECT * FROM {table} {condition}")
    return world


def restore(lab: Lab, shape: Shape, name: str) -> World:
    """The source of that name as its first load left it."""
    world = World(lab, shape, name)
    with lab.session() as connection, transaction(connection):
        for table, condition in _tables(world):
            execute(connection, f"DELETE FROM {table} {condition}")
            execute(connection, f"INSERT INTO {table} SELECT * FROM {_copy(world, table)}")
    put_first(world)
    return world


def put_first(world: World) -> None:
    """What the first load finds."""
    world.put("1/0", Row("a", at(1), v=5), Row("b", at(1)))
    world.put("1/1", Row("a", at(1), v=2), Row("c", at(1), v=3), Row("d", at(1), v=None))
    world.put("2/0", Row("e", at(2)))


def begin(world: World) -> None:
    """A winner overwritten without its key, new objects with rejected and equal rows, an event on another day.

    Who is to forget finds all of it loaded.
    """
    world.put("1/0", Row("b", at(1), n=2), Row("x", at(1)))
    world.put("1/2", Row("c", at(1), n=101, v=9), Row("f", at(1)), Row("f", at(1), n=3), Row(None, at(1)))
    world.put("2/1", Row("c", at(2), v=4), Row("d", at(1), n=7))
    world.anew = world.options.get("action", "load") != "load"
    if "forget" in world.options:
        world.recover(action="load", forget="")
        world.expect_forgotten(world.options["forget"])


def clean(world: World) -> None:
    """Take the raw objects away, with all their versions, and what was made of them."""
    for zone in ("raw", "curated", "rejected"):
        versions = [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in world.versions(zone)]
        if versions:
            world.lab.s3.delete_objects(Bucket=BUCKET, Delete={"Objects": versions, "Quiet": True})


def _tables(world: World) -> list[tuple[str, str]]:
    """The tables that hold rows of the source, each with the condition that finds them."""
    own = [f"core.{world.name}"] + [f"history.{world.name}"] * bool(world.shape.key)
    mine = f"WHERE source = '{world.name}'"
    return [(table, "") for table in own] + [("ops.load_ledger", mine), ("ops.generation", mine)]


def _copy(world: World, table: str) -> str:
    return f"{table}_of_{world.name}" if table.startswith("ops.") else f"{table}_first"
