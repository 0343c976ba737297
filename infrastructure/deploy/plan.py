"""What a deploy would do, as a table. Nothing is executed and nothing is uploaded but long templates."""

from collections.abc import Iterator, Mapping, Sequence

from infrastructure.deploy.release import Release
from infrastructure.deploy.rollout import api_values, dagster_values, functions_code, runs_dagster, topic
from infrastructure.deploy.settings import resources
from infrastructure.deploy.stack import Change
from infrastructure.deploy.steps import source_variables, template_changes, trigger_mode
from infrastructure.deploy.target import Target, owns_warehouse, require

HEAD = ("stack", "action", "resource", "type", "replaced")
Row = tuple[str, ...]


def plan(target: Target, release: Release, mode: str | None) -> str:
    """The changes of all stacks as a table, or that there are none.

    Raises:
        DeployError: something is missing that a deploy needs, or a change set failed.
    """
    require(target, release)
    rows = [row for part, values in _parts(target, release, mode) for row in _rows(target, release, part, values)]
    return _table([HEAD, *rows]) if rows else f"{target.env}: nothing would change"


def _parts(target: Target, release: Release, mode: str | None) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The stacks in the order of a deploy, with the parameters that only the deploy knows."""
    yield "data", {}
    if owns_warehouse(target, release):
        yield "warehouse", {}
    present = trigger_mode(target)
    # before the first deploy nobody knows the bucket's name, and nothing of the stack is there to be compared
    found = source_variables(target) if present else {}
    wanted = mode or present or target.parameters["TriggerMode"]
    yield "functions", {**functions_code(target, release), **found, "TriggerMode": wanted}
    yield "freshness", topic(target)
    yield "api", api_values(target, release)
    if runs_dagster(release):
        yield "dagster", dagster_values(release)


def _rows(target: Target, release: Release, part: str, values: Mapping[str, str]) -> list[Row]:
    body, name = release.templates[part], target.name(part)
    changes = template_changes(target, part, body, values)
    if changes is None:
        changes = [Change("Add", resource, kind) for resource, kind in resources(body).items()]
    return [(name, one.action, one.resource, one.kind, one.replaced) for one in changes]


def _table(rows: Sequence[Row]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
