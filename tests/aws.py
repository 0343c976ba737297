"""The AWS of a local cloud, started with settings of a test's own before the cloud's `up`, which then finds it running.

`python -m tests.aws FOLDER PID MODULE SSLMODE [NAME=VALUE ...]`: the module is `infrastructure.local.aws` or another in
its place, and all of it ends when the process PID has ended.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from os import getpid
from pathlib import Path

from infrastructure.local import parts, watch
from infrastructure.local.state import State
from tests.cloud import Cloud, run

MODULE = "infrastructure.local.aws"


@contextmanager
def running(
    folder: Path, settings: Mapping[str, str], *, module: str = MODULE, sslmode: str = "disable"
) -> Iterator[Cloud]:
    """As `tests.cloud.running`, its AWS with these variables in its environment."""
    cloud, pid = Cloud(folder), str(getpid())
    words = [f"{name}={value}" for name, value in settings.items()]
    try:
        run([sys.executable, "-m", "tests.aws", str(folder), pid, module, sslmode, *words])
        cloud.run("up", "--while-pid", pid, "--sslmode", sslmode)
        yield cloud
    finally:
        cloud.run("down")


def start(folder: Path, pid: int, module: str, sslmode: str, settings: Mapping[str, str]) -> None:
    """Start the AWS of the cloud in that folder, and wait until it answers."""
    state = State(folder)
    state.prepare()
    ports = state.ports(lambda _said: None, spare=True)
    (aws,) = (one for one in parts.build(state, ports, state.passwords(), sslmode) if one.name == "ministack")
    parts.launch(state, replace(aws, module=module, extra={**aws.extra, **settings}))
    parts.await_answer(state, aws)
    watch.start_watch(state, pid)


if __name__ == "__main__":
    parts.own_proxy_exception()
    where, process, started, mode, *given = sys.argv[1:]
    start(Path(where), int(process), started, mode, dict(word.split("=", 1) for word in given))
