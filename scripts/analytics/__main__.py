"""The command `analytics`: what people ask of the platform beyond ingesting. Days are UTC, both ends included.

.venv/bin/python -m scripts.analytics check              are all contracts and defs.yaml right?
.venv/bin/python -m scripts.analytics new-source orders /data/orders.csv    propose the two files of a source
.venv/bin/python -m scripts.analytics status             where do all sources and marts stand?
.venv/bin/python -m scripts.analytics prove              does the ledger agree with the tables?
.venv/bin/python -m scripts.analytics plan weather       what would a load do?
.venv/bin/python -m scripts.analytics rejected weather   which rows were rejected, and why?
.venv/bin/python -m scripts.analytics rebuild weather    load all that lies under raw/ anew
.venv/bin/python -m scripts.analytics restore            make the whole warehouse anew from raw/
.venv/bin/python -m scripts.analytics forget weather --object raw/weather/...
.venv/bin/python -m scripts.analytics retire weather     what would have to be dropped?
.venv/bin/python -m scripts.analytics pause "month end"  nothing runs by itself until `resume`

Exit status: 0 done, 1 not done or not as it should be, 2 wrong arguments or settings.
"""

import argparse
import datetime as dt
import os
import sys
from collections.abc import Sequence

from lambdas.common.contract.check import check_all
from lambdas.common.errors import ContractError, RequestError, SettingsError
from scripts.analytics import operate, pausing, plan, rejected, report, restore
from scripts.analytics.against import check_against
from scripts.analytics.new_source import new_source
from scripts.functions import CallError

DONE, FAILED, WRONG = 0, 1, 2
# what the function answers at most
MOST_ROWS = 1000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    options = _parser().parse_args(arguments)
    try:
        done = options.run(options)
        sys.stdout.flush()
        return DONE if done else FAILED
    except BrokenPipeError:  # who reads has had enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except (RequestError, SettingsError, ContractError) as error:
        return _complain(error, WRONG)
    except CallError as error:
        return _complain(error, FAILED)
    except KeyboardInterrupt:
        return _complain("interrupted; what is done stays, and running it again is safe", FAILED)


def check(options: argparse.Namespace) -> bool:
    """Print every mistake under assets/, and with --against what changes for others; whether all is well."""
    mistakes = check_all()
    for text in mistakes:
        print(text, file=sys.stderr)
    print("contracts: all well" if not mistakes else f"contracts: {len(mistakes)} mistake{'s'[: len(mistakes) > 1]}")
    return check_against(options.against) and not mistakes if options.against else not mistakes


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="analytics", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, run: object, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        return command

    checking = add("check", check, "check every contract.yaml and defs.yaml under assets/")
    checking.add_argument("--against", metavar="REF", help="tell breaking changes since a commit, branch or tag of git")
    making = add("new-source", new_source, "propose contract.yaml and defs.yaml of a source from a sample of it")
    making.add_argument("name", metavar="NAME", help="the source's name: lower case, digits and _")
    making.add_argument("sample", metavar="FROM", help="a file, an http(s) URL, or a SQLite file (#table behind it)")
    telling = add("status", report.show_status, "one line a source and mart: days, rows, what is missing, the next run")
    proving = add("prove", report.prove, "hold the ledger against tables and lake; status 1 where they differ")
    for command in (telling, proving):
        command.add_argument("sources", metavar="SOURCE", nargs="*", help="without one, all")
    telling.add_argument("--json", action="store_true", help="as JSON")
    _add_days(proving)
    planning = add("plan", plan.show_plan, "what a load of the days would do, without doing it")
    planning.add_argument("source", metavar="SOURCE")
    _add_days(planning)
    planning.add_argument("--rebuild", action="store_true", help="as if all were loaded anew")
    planning.add_argument("--json", action="store_true", help="as JSON")
    rejecting = add("rejected", rejected.show_rejected, "rejected rows in force, and how often each reason was seen")
    rejecting.add_argument("source", metavar="SOURCE")
    _add_days(rejecting)
    rejecting.add_argument("--object", metavar="RAW_KEY", help="of that raw object alone")
    rejecting.add_argument("--limit", type=_limit, default=50, metavar="N", help="how many rows to show (50)")
    rejecting.add_argument("--raw", action="store_true", help="show the whole raw rows too")
    rejecting.add_argument("--json", action="store_true", help="as JSON, raw rows included")
    rebuilding = add("rebuild", operate.rebuild, "load all current objects anew, with today's contract, and the marts")
    rebuilding.add_argument("source", metavar="SOURCE")
    _add_days(rebuilding)
    text = "the warehouse is lost: make tables, load every source and mart anew, prove"
    _add_restore(add("restore", restore.restore, text))
    _add_forget(add("forget", operate.forget, "take an object or a key out of lake and warehouse, all versions of it"))
    retiring = add("retire", operate.retire, "drop a source's tables or a mart's view; raw/ stays")
    retiring.add_argument("name", metavar="NAME", help="a source or a mart")
    retiring.add_argument("--drop", action="store_true", help="do it; without, only say what would be done")
    _add_yes(retiring)
    pausing_all = add("pause", pausing.pause, "nothing lands, loads or is proved by itself, until `resume`")
    pausing_all.add_argument("reason", metavar="REASON", nargs="?", help="what is said where people ask why")
    add("resume", pausing.resume, "end `pause`: what waited is loaded")
    return parser


def _add_restore(command: argparse.ArgumentParser) -> None:
    _add_days(command)
    _add_yes(command)


def _add_forget(command: argparse.ArgumentParser) -> None:
    command.add_argument("source", metavar="SOURCE")
    what = command.add_mutually_exclusive_group(required=True)
    what.add_argument("--object", metavar="RAW_KEY", help="a raw object: raw/<source>/YYYY/MM/DD/data_<...>.parquet")
    what.add_argument("--key", metavar="COLUMN=VALUE", action="append", help="every row of a key; once a key column")
    _add_yes(command)


def _add_days(command: argparse.ArgumentParser) -> None:
    command.add_argument("--from", dest="first", type=_day, metavar="DAY", help="first UTC day, YYYY-MM-DD")
    command.add_argument("--to", dest="last", type=_day, metavar="DAY", help="last UTC day, included")


def _add_yes(command: argparse.ArgumentParser) -> None:
    command.add_argument("--yes", action="store_true", help="do not ask")


def _limit(text: str) -> int:
    if not text.isdecimal() or int(text) > MOST_ROWS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rows from 0 to {MOST_ROWS:,}")
    return int(text)


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; expected YYYY-MM-DD, as in 2018-01-31") from error


def _complain(error: object, status: int) -> int:
    print(f"analytics: {error}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
