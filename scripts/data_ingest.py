#!/usr/bin/env python3
"""Land days of a source in the lake: calls the ingest function until all that was asked for is there.

Days are UTC and both ends are included. Left out, --from is the source's first day and --to is yesterday; a source
that is read whole (files, tables) then lands all days that it holds. Running it again puts only what has changed.

  data_ingest.py earthquakes --from 2018-01-31 --to 2018-02-07
  data_ingest.py flights

Exit status: 0 all landed, 1 not all landed, 2 wrong arguments or settings.
"""

import argparse
import datetime as dt
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
if str(PROJECT) not in sys.path:  # it is run by its path, from any folder
    sys.path.insert(0, str(PROJECT))

from rich.console import Console  # noqa: E402
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: E402
from rich.table import Table  # noqa: E402

from lambdas.common.contract import source_names  # noqa: E402
from lambdas.common.errors import AnalyticsError, ContractError, RequestError, SettingsError  # noqa: E402
from lambdas.common.settings import environment_name, read_parameter  # noqa: E402
from lambdas.common.source import SourceConfig, load_source_config  # noqa: E402

LANDED, FAILED, WRONG = 0, 1, 2
DAY = dt.timedelta(days=1)
HINT = "On the local cloud: `make up`, then `. .local/env`; on AWS: set region, credentials and ANALYTICS_ENV."
Event = dict[str, Any]


class IngestError(AnalyticsError):
    """The function did not land its days; the message is its own."""


@dataclass(slots=True)
class Totals:
    """The function's answers added up."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("put", "unchanged", "emptied"), 0))
    rows: int = 0
    outside: int = 0
    bytes: int = 0

    def add(self, answer: Mapping[str, Any]) -> None:
        """Add one answer."""
        for name, number in answer["objects"].items():
            self.counts[name] += number
        self.rows += answer["rows"]
        self.outside += answer.get("outside", 0)
        self.bytes += answer["bytes"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    options = _parser().parse_args(arguments)
    begun, totals = time.monotonic(), Totals()
    try:
        config = _config(options.source)
        events = _events(config, options.first, options.last)
        call, name = _function()
        _land(call, name, config, events=events, totals=totals)
    except (RequestError, SettingsError, ContractError) as error:
        return _complain(str(error), WRONG)
    except IngestError as error:
        _show(totals, options.source, time.monotonic() - begun)
        return _complain(str(error), FAILED)
    except KeyboardInterrupt:
        return _complain("interrupted; what has landed stays, and running it again is safe", FAILED)
    _show(totals, options.source, time.monotonic() - begun)
    return LANDED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="data_ingest.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", metavar="SOURCE", help="a folder under assets/sources")
    parser.add_argument("--from", dest="first", type=_day, metavar="DAY", help="first UTC day, YYYY-MM-DD")
    parser.add_argument("--to", dest="last", type=_day, metavar="DAY", help="last UTC day, included")
    return parser


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; expected YYYY-MM-DD, as in 2018-01-31") from error


def _config(source: str) -> SourceConfig:
    """The source's configuration; RequestError where there is none, or where nothing is to be extracted."""
    known = source_names()
    if source not in known:
        raise RequestError(f"there is no source {source!r}; known are {', '.join(known)}")
    config = load_source_config(source)
    if config.extract is None:
        raise RequestError(f"{source} has no `extract` in its defs.yaml: others drop its files under raw/{source}/")
    return config


def _events(config: SourceConfig, first: dt.date | None, last: dt.date | None) -> list[Event]:
    """What to ask of the function, call by call: short enough for one call, and for a bar that moves."""
    if first is None and last is None and not config.windowed:
        return [{"source": config.name}]
    today = dt.datetime.now(dt.UTC).date()
    start, end = first or config.start, (last or today - DAY) + DAY
    if start >= end:
        raise RequestError(f"--from {start} lies after --to {end - DAY}")
    if start < config.start:
        raise RequestError(
            f"--from {start} lies before {config.start}, the first day of {config.name} in its defs.yaml"
        )
    if config.windowed and end > today + DAY:
        raise RequestError(f"--to {end - DAY} lies in the future; today is {today} (UTC)")
    step = config.pass_days * DAY if config.windowed else end - start
    starts = [start + number * step for number in range(-((start - end) // step))]
    return [{"source": config.name, "start": f"{day}", "end": f"{min(day + step, end)}"} for day in starts]


def _function() -> tuple[Any, str]:
    """A Lambda client that never calls twice by itself, and the deployed function's name."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    env = environment_name(os.environ)
    # a call may take 240 s; a client that tries again on a timeout would run the function twice at once
    config = Config(read_timeout=290, connect_timeout=5, tcp_keepalive=True, retries={"total_max_attempts": 1})
    try:
        return boto3.client("lambda", config=config), read_parameter(
            boto3.client("ssm", config=config), env, "functions/ingest"
        )
    except (BotoCoreError, ClientError) as error:
        raise SettingsError(f"AWS does not answer: {str(error).rstrip('.')}. {HINT}") from error


def _land(client: Any, name: str, config: SourceConfig, *, events: Sequence[Event], totals: Totals) -> None:
    """Call the function for each event until nothing of it remains."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[state]}"), console=Console(stderr=True)) as progress:
        total = sum(_days(event) for event in events) or None
        task = progress.add_task(config.name, total=total, state="calling the function")
        for event in events:
            for answer, days in _answers(client, name, event):
                totals.add(answer)
                progress.update(task, advance=days, state=f"{totals.rows:,} rows")
        progress.update(task, total=total or 1, completed=total or 1)


def _answers(client: Any, name: str, event: Event) -> Iterator[tuple[dict[str, Any], int]]:
    """The function's answers and how many days each brings, until nothing remains."""
    pending: Event | None = event
    while pending is not None:
        answer = _invoke(client, name, pending)
        rest = answer.get("remaining")
        following = {**event, **rest} if rest else None
        if following == pending:
            raise IngestError(f"{name} made no progress on {pending}")
        yield answer, _days(pending) - (_days(following) if following else 0)
        pending = following


def _invoke(client: Any, name: str, event: Event) -> dict[str, Any]:
    """One answer of the function.

    Raises:
        RequestError: the function refuses the event.
        IngestError: it failed, or cannot be reached.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        response = client.invoke(FunctionName=name, Payload=json.dumps(event))
        answer: dict[str, Any] = json.loads(response["Payload"].read())
    except (BotoCoreError, ClientError) as error:
        raise IngestError(f"{name} cannot be called: {str(error).rstrip('.')}. {HINT}") from error
    if "FunctionError" not in response:
        return answer
    kind, message = answer.get("errorType", "Error"), " ".join(str(answer.get("errorMessage", answer)).split())
    if kind == "RequestError":
        raise RequestError(message)
    days = f" ({event['start']} to {event['end']}, end excluded)" if "start" in event else ""
    raise IngestError(f"{message} [{kind}]{days}")


def _days(event: Event) -> int:
    if "start" not in event:
        return 0
    return (dt.date.fromisoformat(event["end"]) - dt.date.fromisoformat(event["start"])).days


def _show(totals: Totals, source: str, seconds: float) -> None:
    table = Table(title=f"{source}: landed under raw/{source}/", title_justify="left")
    values = {**totals.counts, "rows": totals.rows, "bytes": totals.bytes}
    for name in ("objects put", "unchanged", "emptied", "rows", "bytes", "seconds"):
        table.add_column(name, justify="right")
    table.add_row(*(f"{number:,}" for number in values.values()), f"{seconds:.1f}")
    Console().print(table)
    if totals.outside:
        print(f"{totals.outside:,} rows of other days than asked for were left out")


def _complain(text: str, status: int) -> int:
    print(f"data_ingest.py: {text}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
