"""A warm process that forks a loader for each order: imports are paid once, and killed means killed.

`python -m tests.exactly_once.nursery SOCKET SETTINGS`: each connection to the socket is one loader process. It reads
an order (one JSON line), answers with its pid, works as the process function does, and says what came of it. Where the
order asks for it, it stops before or after its n-th call of S3, says so, and goes on when a line comes.
"""

import ctypes
import datetime as dt
import json
import os
import signal
import socket
import sys
import threading
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import boto3
import duckdb  # noqa: F401 - warm
import redshift_connector  # noqa: F401 - warm
from botocore.config import Config

from lambdas.common.contract import load_contract
from lambdas.common.errors import AnalyticsError, TransientError
from lambdas.common.settings import Settings
from lambdas.process import slices, work
from lambdas.process.forget_key import forget_rows
from lambdas.process.forgetting import Forgetter
from tests.exactly_once.orders import Order

PR_SET_PDEATHSIG = 1


class Boundary:
    """Counts the calls of S3, and waits at one of them until it is told to go on."""

    def __init__(self, talk: IO[str], wanted: str) -> None:
        self._talk = talk
        self._when, _, nth = wanted.partition(" ")
        self._nth = int(nth or 0)
        self._counts = {"before": 0, "after": 0}
        self._lock = threading.Lock()
        self.calls: list[str] = []

    def before(self, model: Any, **_: Any) -> None:
        """Called by botocore before each request."""
        self._pass("before", model.name)

    def after(self, model: Any, **_: Any) -> None:
        """Called by botocore after each answer."""
        self._pass("after", model.name)

    def _pass(self, when: str, name: str) -> None:
        with self._lock:
            self._counts[when] += 1
            if when == "before":
                self.calls.append(name)
            if when == self._when and self._counts[when] == self._nth:
                tell(self._talk, at=name)
                self._talk.readline()


def tell(talk: IO[str], **fields: Any) -> None:
    """One line to whoever gave the order."""
    talk.write(json.dumps(fields, default=str) + "\n")
    talk.flush()


def obey(talk: IO[str], s3: Any, settings: dict[str, Any]) -> None:
    """One order from beginning to end."""
    order = Order(**json.loads(talk.readline()))
    tell(talk, pid=os.getpid())
    boundary = Boundary(talk, order.s3_boundary)
    s3.meta.events.register("before-call.s3", boundary.before)
    s3.meta.events.register("after-call.s3", boundary.after)
    work.BATCH_OBJECTS = order.batch_objects
    work.TIME_TO_COMMIT = order.commit_seconds
    if order.slice_bytes:
        slices.SLICE_BYTES = work.BATCH_BYTES = order.slice_bytes
    try:
        answer = carry_out(order, s3, settings["bucket"], settings["secret"])
    except AnalyticsError as error:
        transient = isinstance(error, TransientError)
        tell(talk, error=type(error).__name__, transient=transient, message=str(error), calls=boundary.calls)
    except Exception:  # noqa: BLE001 - whoever gave the order has to know
        tell(talk, error="not raised on purpose", transient=False, message=traceback.format_exc())
    else:
        tell(talk, answer=answer, calls=boundary.calls)


def carry_out(order: Order, s3: Any, bucket: str, secret: dict[str, Any]) -> dict[str, Any]:
    """What the functions do, from the event's words on."""
    warehouse = work.Warehouse(secret, "disable", "default")
    contract = load_contract(Path(order.contract))
    deadline = time.monotonic() + order.seconds
    settings = Settings("local", bucket)
    if order.action == "forget":
        forgetter = Forgetter(s3, settings, warehouse, contract, "", deadline)
        if order.forget.startswith("raw/"):
            return asdict(forgetter.forget_object(order.forget))
        return asdict(forget_rows(forgetter, {"id": order.forget}, dt.date.min))
    start, end = (dt.date.fromisoformat(day) for day in (order.start, order.end))
    request = work.Request(start, end, "tests", "", deadline, anew=order.action == "rebuild")
    return asdict(work.Loader(s3, settings, warehouse, contract).load(request))


def main(path: str, text: str) -> None:
    """Fork until the parent is gone."""
    settings = json.loads(text)
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    config = Config(proxies={}, retries={"total_max_attempts": 1})
    s3 = boto3.client("s3", endpoint_url=settings["s3"], config=config, **keys)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the children leave no zombies
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(64)
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                try:
                    die_with_parent()
                    with connection, connection.makefile("rw", encoding="utf-8") as talk:
                        obey(talk, s3, settings)
                finally:
                    os._exit(0)
            connection.close()


def die_with_parent() -> None:
    """A loader that is frozen must not outlive the tests."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
