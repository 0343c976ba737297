"""A loader in a process of its own that stands still under the lock until it is told to go on, for test_lock.

Its standard input has one JSON line with contract, secret, bucket, seconds, and `after`: the step of the transaction
after which it stands; a further line lets it go on.
"""

import datetime as dt
import json
import sys
import time
from pathlib import Path
from typing import Any

import boto3

from lambdas.common.contract import load_contract
from lambdas.common.db import load, lock
from lambdas.common.settings import Settings
from lambdas.process import work


def main() -> None:
    """Load the day; say `locked` when the lock is held."""
    order = json.loads(sys.stdin.readline())
    original = getattr(load, order["after"])

    def stand_still(*args: Any) -> Any:
        done = original(*args)
        sys.stdout.write("locked\n")
        sys.stdout.flush()
        sys.stdin.readline()
        return done

    setattr(load, order["after"], stand_still)
    day = dt.date.fromisoformat(order["day"])
    warehouse = work.Warehouse(order["secret"], order["sslmode"], "default")
    s3 = boto3.client("s3", endpoint_url=order["s3"])
    loader = work.Loader(s3, Settings("local", order["bucket"]), warehouse, load_contract(Path(order["contract"])))
    # The function's end, and with it the time in the session's name, comes one second after the deadline.
    work.TIME_TO_COMMIT, lock.SPARE_SECONDS = 1, 0
    deadline = time.monotonic() + order["seconds"] - work.TIME_TO_COMMIT
    loader.load(work.Request(day, day + dt.timedelta(days=1), "frozen", "", deadline=deadline))


if __name__ == "__main__":
    main()
