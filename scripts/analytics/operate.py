"""What changes the warehouse on request: rebuild, forget, retire."""

import argparse
import datetime as dt
import sys

from lambdas.common.contract import load_marts
from lambdas.common.db.marts import fed_by
from lambdas.common.errors import RequestError
from scripts.analytics.days import days_of
from scripts.functions import Event, find_function


def rebuild(options: argparse.Namespace) -> bool:
    """Load all current objects of the days anew, then refresh the marts on the source."""
    total = load_anew(options.source, options.first, options.last)
    marts = [mart.name for mart in fed_by(load_marts(), [options.source])]
    if marts:
        _say(f"refreshing {', '.join(marts)}")
        find_function("process").call({"action": "refresh", "marts": marts})
    print(f"{options.source}: {_counts(total)}, loaded anew")
    return True


def load_anew(source: str, first: dt.date | None, last: dt.date | None) -> Event:
    """Load all current objects of the days anew; the sum of the function's counts. Marts stay as they are."""
    start, end = days_of(source, first, last)
    total: Event = dict.fromkeys(("objects", "rows_accepted", "rows_rejected", "bad"), 0)
    event = {"action": "rebuild", "source": source, "start": f"{start}", "end": f"{end}"}
    for answer in find_function("process").answers({**event, "requested_by": "analytics rebuild"}):
        total = {name: number + answer[name] for name, number in total.items()}
        left = answer.get("remaining")
        _say(f"{source}: {_counts(total)}" + (f"; from {left['start']} on to do" if left else ""))
    return total


def _counts(total: Event) -> str:
    return (
        f"{total['objects']:,} objects ({total['bad']:,} set aside), "
        f"{total['rows_accepted']:,} rows accepted, {total['rows_rejected']:,} rejected"
    )


def forget(options: argparse.Namespace) -> bool:
    """Take an object, or the rows of a key, out of lake and warehouse."""
    event: Event = {"source": options.source}
    if options.object:
        event["raw_key"] = options.object
    else:
        event["key"] = _key(options.key)
    what = options.object or f"every row of that key ({', '.join(event['key'])})"
    confirm(f"{what} leaves raw/, curated/, rejected/ and the tables for good", options)
    total = dict.fromkeys(("objects", "rows", "versions", "unreadable"), 0)
    for answer in find_function("forget").answers(event):
        total = {name: number + answer[name] for name, number in total.items()}
    print(f"{options.source}: {total['objects']} objects, {total['rows']} rows, {total['versions']} versions forgotten")
    if total["unreadable"]:
        print(f"{total['unreadable']} objects cannot be searched; forget these by --object", file=sys.stderr)
    return not total["unreadable"]


def _key(pairs: list[str]) -> dict[str, str]:
    found = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    if len(found) != len(pairs):
        raise RequestError(f"--key takes COLUMN=VALUE, each column once; the columns given are {sorted(found)}")
    return found


def retire(options: argparse.Namespace) -> bool:
    """Say what takes a source or a mart out of the warehouse, and with --drop do it."""
    migrate = find_function("migrate")
    event = {"action": "retire", "name": options.name, "requested_by": "analytics retire"}
    planned = migrate.call({**event, "drop": False})["statements"]
    print("\n".join(f"{sql};" for sql in planned))
    if not options.drop:
        print(f"nothing was dropped; `analytics retire {options.name} --drop` does it. Objects under raw/ stay.")
        return True
    confirm(f"these tables and views of {options.name} go; raw/ stays, so that they can be built anew", options)
    migrate.call({**event, "drop": True})
    print(f"{options.name}: dropped. If it is still declared, the next deploy makes it anew, and `rebuild` fills it.")
    return True


def confirm(text: str, options: argparse.Namespace) -> None:
    """Ask whether to go on; with --yes it is taken as said.

    Raises:
        RequestError: the answer is not yes, or nobody can be asked.
    """
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise RequestError(f"{text}: nobody can be asked here; give --yes")
    if input(f"{text}. Go on? (yes/no) ").strip().lower() != "yes":
        raise RequestError("not confirmed; nothing was done")


def _say(text: str) -> None:
    print(f"{dt.datetime.now(dt.UTC):%H:%M:%S} {text}", file=sys.stderr)
