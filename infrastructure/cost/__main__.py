"""Write docs/cost.md: python -m infrastructure.cost [--print]."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from infrastructure.cost.lines import lines, rpu_hours_a_day
from infrastructure.cost.shape import Shape, read_run, read_shape

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "cost.md"
# environment and workload of each column
COLUMNS = (("dev", "idle"), ("prod", "idle"), ("prod", "small"), ("prod", "medium"))


def page() -> str:
    """The text of docs/cost.md."""
    prices, assumed = _read("prices.yaml"), _read("workloads.yaml")
    shapes = {env: read_shape(env) for env, _ in COLUMNS}
    loads = {name: {**assumed["common"], **load} for name, load in assumed["workloads"].items()}
    run = read_run()
    columns = [lines(shapes[env], run, loads[name], prices["prices"]) for env, name in COLUMNS]
    text = (HERE / "page.md").read_text(encoding="utf-8")
    dev, prod = shapes["dev"].parameters, shapes["prod"].parameters
    return text.format(
        region=prices["region"],
        stated=prices["stated"],
        table=_table(columns),
        awake=_awake(shapes["prod"], loads),
        limit=dev["RpuHoursPerDay"],
        limit_prod=prod["RpuHoursPerDay"],
        on_dev=dev["OnRpuLimit"],
        on_prod=prod["OnRpuLimit"],
        minute=assumed["common"]["least_seconds_awake"],
        always=f"{float(prod['BaseCapacity']) * 730 * prices['prices']['redshift_rpu_hour']:,.0f}",
    )


def _table(columns: Sequence[Mapping[str, float]]) -> str:
    heads = [f"{env.upper()}, {name}" for env, name in COLUMNS]
    rows = [[name, *(f"{column[name]:,.2f}" for column in columns)] for name in columns[0]]
    rows.append(["**a month**", *(f"**{sum(column.values()):,.0f}**" for column in columns)])
    cells = [["", *heads], ["---", *("---:" for _ in heads)], *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _awake(shape: Shape, loads: Mapping[str, Mapping[str, float]]) -> str:
    hours = [rpu_hours_a_day(shape, load) / shape.number("BaseCapacity") for load in loads.values()]
    return ", ".join(f"{hour:.1f} ({name})" for hour, name in zip(hours, loads, strict=True))


def _read(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((HERE / name).read_text(encoding="utf-8")))


def main() -> int:
    """Write the page, or print it; always 0."""
    if "--print" in sys.argv[1:]:
        sys.stdout.write(page())
    else:
        PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
