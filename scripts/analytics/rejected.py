"""What was rejected and why: rows, and objects that were set aside as a whole."""

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from lambdas.common.contract import load_source
from lambdas.common.errors import ContractError
from scripts.analytics.days import days_of, require_object_of
from scripts.functions import find_function
from scripts.tables import add_cells, new_table, print_table

VALUE_LENGTH = 60


def show_rejected(options: argparse.Namespace) -> bool:
    """Print the rejected rows of a source in force, the reasons by how often they were seen; always true."""
    start, end = days_of(options.source, options.first, options.last)
    event = {"action": "rejected", "source": options.source, "limit": options.limit}
    if options.first or options.last:
        event |= {"start": f"{start}", "end": f"{end}"}
    if options.object:
        require_object_of(options.object, options.source)
        event["raw_key"] = options.object
    found = find_function("process").call(event)
    if options.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return True
    _print_rows(found["rows"], raw=options.raw)
    _print_reasons(found, _zones(options.source))
    for item in found["set_aside"]:
        print(f"set aside as a whole: {item['raw_key']}: {item['reason']}")
    return True


def _print_rows(rows: list[dict[str, Any]], *, raw: bool) -> None:
    table = new_table("raw key", right=("row",), left=("column", "rule", "value", *(("raw row",) if raw else ())))
    for row in rows:
        first = (row["raw_key"], f"{row['raw_row']:,}")
        for at, reason in enumerate(row["reasons"]):
            shown = (reason["column"], reason["rule"], _value(reason["value"]))
            whole = ((row["raw"] if at == 0 else ""),) if raw else ()
            add_cells(table, *(first if at == 0 else ("", "")), *shown, *whole)
    if rows:
        print_table(table)


def _zones(source: str) -> dict[str, str]:
    """The time zone of each column whose contract names one for times without an offset."""
    try:
        columns = load_source(source).columns
    except ContractError:
        return {}
    return {column.name: column.reading.zone for column in columns if column.reading.zone}


def _print_reasons(found: dict[str, Any], zones: Mapping[str, str]) -> None:
    shown, all_rows = len(found["rows"]), found["rows_rejected"]
    print(f"{found['source']}: {all_rows:,} rows rejected in {found['objects']:,} objects; shown: {shown:,}")
    for reason in found["reasons"]:
        zone = zones.get(reason["column"]) if reason["rule"] == "cast" else None
        local = f" (without an offset a time of {zone}, and none that clocks there skip or show twice)" if zone else ""
        print(f"  {reason['rows']:>9,}  {reason['column']}: {reason['rule']}{local}")
    if found["objects_read"] < found["objects"]:
        left = found["objects"] - found["objects_read"]
        print(f"{left:,} objects were not read for want of time; give --from and --to", file=sys.stderr)


def _value(value: str | None) -> str:
    if value is None:
        return "(none)"
    return value if len(value) <= VALUE_LENGTH else value[: VALUE_LENGTH - 3] + "..."
