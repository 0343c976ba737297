"""Fills a cloud with the demo's sources by the public doors, without Dagster: ingest, process, refresh."""

import datetime as dt
import sys

from scripts.demo.account import Account, child_environment
from scripts.functions import Function
from tests.cloud import Cloud, run

# First day and the day behind the last. All of weather is little: a year for the calendar, a rejected row, and a day
# that is proved empty.
DAYS = {
    "earthquakes": ("2018-01-31", "2018-02-08"),
    "weather": ("2013-01-01", "2014-01-01"),
    "flights": ("2013-01-01", "2013-02-01"),
}


def filled(cloud: Cloud) -> Account:
    """Land and load those days on a cloud where everything is deployed; it as a client sees it."""
    process = Function(cloud.client("lambda"), cloud.parameter("functions/process"))
    for source, (start, end) in DAYS.items():
        last = dt.date.fromisoformat(end) - dt.timedelta(days=1)
        command = [sys.executable, "scripts/data_ingest.py", source, "--from", start, "--to", f"{last}"]
        run(command, env=child_environment(cloud.env))
        for answer in process.answers({"action": "load", "source": source, "start": start, "end": end}):
            assert not answer["bad"], answer
    process.call({"action": "refresh"})
    return Account.from_env_file(cloud.root / "env")
