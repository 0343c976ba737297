"""The warehouse is lost: everything in it is made again from what lies under raw/."""

import argparse
import datetime as dt
import sys
import time

from lambdas.common.contract import load_marts, source_names
from scripts.analytics import operate, report
from scripts.functions import find_function

# from which on a rate is told
ENOUGH_ROWS = 100_000


def restore(options: argparse.Namespace) -> bool:
    """Users, schemas and tables, then every source's objects, then the marts, then the proof; whether it holds.

    Safe to repeat: what an interrupted run has loaded is loaded anew.

    Raises:
        RequestError: the warehouse has rows, and nobody says that they are to be loaded anew.
    """
    began = time.monotonic()
    applied = find_function("migrate").call({})["applied"]
    _say(f"migrate: {len(applied)} statements applied")
    _ask_where_rows_are(options)
    rows = 0
    for source in source_names():
        rows += operate.load_anew(source, options.first, options.last)["rows_accepted"]
    if marts := sorted(load_marts()):
        _say(f"refreshing {', '.join(marts)}")
        find_function("process").call({"action": "refresh", "marts": marts})
    seconds = time.monotonic() - began
    # of few rows the time is that of the calls, and says nothing of many
    rate = f": {seconds * 1e8 / rows / 3600:,.1f} hours for 100 million" if rows >= ENOUGH_ROWS else ""
    print(f"{rows:,} rows in {seconds:,.0f} s{rate}")
    return report.prove(argparse.Namespace(sources=[], first=options.first, last=options.last))


def _ask_where_rows_are(options: argparse.Namespace) -> None:
    """A warehouse with rows is perhaps not the one that was lost."""
    sources = find_function("process").call({"action": "status"})["sources"]
    full = [row for row in sources if row["rows_accepted"]]
    if full:
        rows = sum(row["rows_accepted"] for row in full)
        text = f"the warehouse is not empty: {rows:,} rows of {', '.join(row['source'] for row in full)}"
        operate.confirm(f"{text}. All sources are loaded anew from raw/, which may take hours", options)


def _say(text: str) -> None:
    print(f"{dt.datetime.now(dt.UTC):%H:%M:%S} {text}", file=sys.stderr)
