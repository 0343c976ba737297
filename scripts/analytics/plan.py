"""What a load would do, before it does it."""

import argparse
import json
from collections.abc import Mapping
from typing import Any

from lambdas.common.contract import load_source
from scripts.analytics.days import days_of
from scripts.functions import find_function

Plan = Mapping[str, Any]


def show_plan(options: argparse.Namespace) -> bool:
    """Print what a load of the days would do; whether migrate has nothing to refuse."""
    start, end = days_of(options.source, options.first, options.last)
    event = {"action": "plan", "source": options.source, "start": f"{start}", "end": f"{end}"}
    found = find_function("process").call({**event, "rebuild": options.rebuild})
    if options.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        print("\n".join([*_contract(found), *_objects(found), *_table(found), *_statements(found)]))
    return not found["obstacles"]


def _contract(plan: Plan) -> list[str]:
    """What to know where the folder has another contract than was deployed."""
    name = plan["source"]
    is_deployed = load_source(name).hash == plan["contract"]
    return (
        [] if is_deployed else [f"{name}: by the contract that is deployed; the one here is another: deploy it first"]
    )


def _objects(plan: Plan) -> list[str]:
    lines = [
        f"{plan['source']}: {plan['objects']:,} objects to load, {plan['in_force']:,} in force already",
        f"  rows: {plan['rows_in']:,} in, {plan['rows_accepted']:,} accepted, {plan['rows_rejected']:,} rejected, "
        f"{plan['rows_late']:,} late; {plan['set_aside']:,} objects set aside",
    ]
    if plan["tried"] < plan["objects"]:
        lines.append(f"  only {plan['tried']:,} of these objects were tried; the others changed, or time was short")
    if plan["in_part"]:
        lines.append(
            f"  of {plan['in_part']:,} large objects the first slice alone was tried; the rows are those of it"
        )
    lines += [f"  {item['rows']:>9,}  {item['column']}: {item['rule']}" for item in plan["reasons"]]
    return lines + [f"  {item['raw_key']} ({item['status']}): {item['reason']}" for item in plan["remarks"]]


def _table(plan: Plan) -> list[str]:
    if plan["obstacles"]:
        return ["the table cannot be brought to the contract:", *(f"  - {text}" for text in plan["obstacles"])]
    if not plan["table"]:
        return ["the table is as the contract says"]
    return ["the table is not as the contract says; the next deploy runs:", *map(_indented, plan["table"])]


def _statements(plan: Plan) -> list[str]:
    total, number, lines = sum(found["batches"] for found in plan["batches"]), 0, []
    for found in plan["batches"]:
        first, number = number + 1, number + found["batches"]
        which = f"batch {first}" if number == first else f"each of the batches {first} to {number}"
        lines.append(f"{which} of {total}, {found['objects']:,} objects, would run in a session of its own:")
        lines += map(_indented, found["sql"])
    return lines or ["nothing would run"]


def _indented(sql: str) -> str:
    return "\n".join(f"  {line}" for line in f"{sql};".splitlines())
