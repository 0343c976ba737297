"""Runs the demo step by step; whatever happens, what it started is stopped at the end.

source -> ingest function -> S3 -> SQS -> Dagster's sensor -> process function -> Redshift -> marts -> API
"""

import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

from rich.console import Console

from lambdas.common.errors import AnalyticsError
from scripts.demo import report, steps
from scripts.demo.account import Account

STATE = Path(__file__).resolve().parents[2] / ".local"
SOURCES = ("earthquakes", "weather", "flights")


def main() -> int:
    """Run the demo; 0 when every step did what it says."""
    signal.signal(signal.SIGTERM, _interrupt)
    # Without a terminal rich would assume 80 columns, too few for what is printed.
    console = Console(width=None if sys.stdout.isatty() else 120)
    cloud_ran, dagster_ran = steps.cloud_is_running(STATE), steps.dagster_is_running(STATE)
    patience = 0
    try:
        _run(console)
        patience = steps.CHECKS_SECONDS
    except KeyboardInterrupt:
        console.print("\nstopped; what has landed stays, and the next run goes on from there")
        return 130
    except (AnalyticsError, steps.StepFailed) as error:
        console.print(f"[red]the demo stopped:[/red] {error}")
        return 1
    finally:
        steps.stop(STATE, console, keep_cloud=cloud_ran, keep_dagster=dagster_ran, patience=patience)
    return 0


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    raise KeyboardInterrupt


def _run(console: Console) -> None:
    began = time.monotonic()
    steps.start(STATE, console)
    account = Account.from_env_file(STATE / "env")
    before = account.counts(SOURCES)
    landed = steps.materialize_raw(STATE, console, SOURCES)
    loaded = steps.wait_for_loads(account, console, SOURCES)
    steps.refresh_marts(STATE, console)
    console.rule("what happened")
    report.sources(console, account, SOURCES, landed, loaded)
    report.loads(console, before, account.counts(SOURCES))
    report.rejected(console, account, SOURCES)
    report.one_object(console, account, "earthquakes")
    report.answers(console, account)
    report.what_next(console, time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
