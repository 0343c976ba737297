#!/usr/bin/env python3
"""Land days of a source in the lake: calls the ingest function until all that was asked for is there.

Days are UTC and both ends are included. Left out, --from is the source's first day and --to is yesterday; a source
that is read whole (files, tables) then lands all days that it holds. Running it again puts only what has changed.
--file lands one file beside what the source itself brings, under keys of its own; its format is told by its name.
With --dry-run nothing is put under raw/, and each object that would be is listed with its rows; the file of --file is
uploaded for the function to read, and removed again. How far it is goes to stderr: a bar, or a line an answer.

  data_ingest.py earthquakes --from 2018-01-31 --to 2018-02-07
  data_ingest.py flights --dry-run
  data_ingest.py flights --file corrections.csv.gz

Exit status: 0 all landed, 1 not all landed, 2 wrong arguments or settings, 130 interrupted (Ctrl-C).
"""

import argparse
import datetime as dt
import hashlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
if str(PROJECT) not in sys.path:  # it is run by its path, from any folder
    sys.path.insert(0, str(PROJECT))

from lambdas.common.contract import load_source, source_names  # noqa: E402
from lambdas.common.errors import ContractError, RequestError, SettingsError  # noqa: E402
from lambdas.common.settings import environment_name, read_parameter  # noqa: E402
from lambdas.common.source import SourceConfig, format_of_file, load_source_config  # noqa: E402
from scripts.functions import HINT, CallError, Event, Function, find_function  # noqa: E402
from scripts.landing import Landing, before, show, show_older_days, telling  # noqa: E402

LANDED, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130
DAY = dt.timedelta(days=1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    options = _parser().parse_args(arguments)
    landing = Landing(options.source, dry_run=options.dry_run)
    try:
        events = _events(options)
        function = find_function("ingest")
        if options.dry_run:
            events = [{**event, "dry_run": True} for event in events]
        with _uploaded(options) as uploaded:
            _land(function, [{**event, **uploaded} for event in events], landing)
    except (RequestError, SettingsError, ContractError) as error:
        # the function may refuse a later range after it has landed those before
        told = f"{str(error).rstrip('.')}. {before(landing)}" if landing.answers else str(error)
        return _complain(told, WRONG)
    except CallError as error:
        return _complain(f"{str(error).rstrip('.')}. {before(landing)}", FAILED)
    except KeyboardInterrupt:
        lands = "" if options.dry_run else ", and lands what it reads"
        under_way = f"The call under way goes on by itself, 240 s at most{lands}"
        return _complain(f"interrupted. {before(landing).rstrip('.')}. {under_way}", INTERRUPTED)
    show(landing)
    if options.file:
        show_older_days(load_source(options.source))
    return LANDED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="data_ingest.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", metavar="SOURCE", help="a folder under assets/sources")
    parser.add_argument("--from", dest="first", type=_day, metavar="DAY", help="first UTC day, YYYY-MM-DD")
    parser.add_argument("--to", dest="last", type=_day, metavar="DAY", help="last UTC day, included")
    parser.add_argument("--file", type=Path, metavar="PATH", help="land this file of the source")
    parser.add_argument("--dry-run", action="store_true", help="fetch and count, list what would be put, land nothing")
    return parser


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; expected YYYY-MM-DD, as in 2018-01-31") from error


def _events(options: argparse.Namespace) -> list[Event]:
    """What to ask of the function.

    Raises:
        RequestError: the arguments do not go together, or with the source.
    """
    known = source_names()
    if options.source not in known:
        raise RequestError(f"there is no source {options.source!r}; known are {', '.join(known)}")
    config = load_source_config(options.source)
    if options.file:
        return _event_of_file(options)
    if config.extract is None:
        where = f"others drop its files under raw/{config.name}/"
        raise RequestError(f"{config.name} has no `extract` in its defs.yaml: {where}; --file lands one")
    return _windows(config, options.first, options.last)


def _event_of_file(options: argparse.Namespace) -> list[Event]:
    if options.first or options.last:
        raise RequestError("--file lands all days that the file holds; leave --from and --to out")
    if not options.file.is_file():
        raise RequestError(f"--file {options.file} is no file")
    return [{"source": options.source, "format": format_of_file(options.file.name)}]


def _windows(config: SourceConfig, first: dt.date | None, last: dt.date | None) -> list[Event]:
    """The source's windows, call by call: short enough for one call, and for a bar that moves."""
    if first is None and last is None and not config.windowed:
        return [{"source": config.name}]
    today = dt.datetime.now(dt.UTC).date()
    start, end = first or config.start, (last or config.last_day(today - DAY)) + DAY
    if start >= end:
        raise RequestError(f"--from {start} lies after --to {end - DAY}")
    if start < config.start:
        raise RequestError(
            f"--from {start} lies before {config.start}, the first day of {config.name} in its defs.yaml"
        )
    if config.end and end > config.end + DAY:
        raise RequestError(f"--to {end - DAY} lies after {config.end}, the last day of {config.name} in its defs.yaml")
    if config.windowed and end > today + DAY:
        raise RequestError(f"--to {end - DAY} lies in the future; today is {today} (UTC)")
    step = config.pass_days * DAY if config.windowed else end - start
    starts = [start + number * step for number in range(-((start - end) // step))]
    return [{"source": config.name, "start": f"{day}", "end": f"{min(day + step, end)}"} for day in starts]


@contextmanager
def _uploaded(options: argparse.Namespace) -> Iterator[Event]:
    """What the event says of the file of --file: its key where the function may read it, made of what it holds.

    After a dry run it is removed, unless it lay there before.
    """
    import boto3
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    if not options.file:
        yield {}
        return
    with options.file.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    key = f"samples/uploads/{options.source}/{digest}-{re.sub(r'[^A-Za-z0-9_.-]', '_', options.file.name)}"
    try:
        s3, bucket = (
            boto3.client("s3"),
            read_parameter(boto3.client("ssm"), environment_name(os.environ), "lake/bucket"),
        )
        passing = options.dry_run and not s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents")
        s3.upload_file(str(options.file), bucket, key)
    except (BotoCoreError, ClientError, Boto3Error) as error:
        raise SettingsError(f"{options.file} cannot be uploaded: {str(error).rstrip('.')}. {HINT}") from error
    try:
        yield {"file": key}
    finally:
        if passing:
            s3.delete_object(Bucket=bucket, Key=key)


def _land(function: Function, events: Sequence[Event], landing: Landing) -> None:
    """Call the function for each event until nothing of it remains."""
    with telling(landing, events) as tell:
        for event in events:
            for answer in function.answers(event):
                landing.add(event, answer)
                tell()


def _complain(text: str, status: int) -> int:
    print(f"data_ingest.py: {' '.join(text.split())}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
