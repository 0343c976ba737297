"""What is declared in pyproject.toml against the tree."""

import tomllib

from tests.cloud import PROJECT


def test_every_package_of_the_tree_is_declared() -> None:
    told = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    roots = {name.partition(".")[0] for name in told}
    marks = [mark for root in roots for mark in (PROJECT / root).rglob("__init__.py")]
    there = {".".join(mark.parent.relative_to(PROJECT).parts) for mark in marks}
    assert told == sorted({name for name in there if not name.startswith("api_chalice.vendor")})
