"""A watch that stops a cloud when the process that wanted it has ended, however it ended (kill -9 included)."""

import argparse
import os
import sys
import time
from pathlib import Path

import psutil

from infrastructure.local import processes
from infrastructure.local.state import CloudError, State

NAME = "watch"
SECONDS = 0.5


def start_watch(state: State, pid: int) -> None:
    """Start the watch over a process, detached; one that watched another process is ended.

    Raises:
        CloudError: there is no such process.
    """
    stop_watch(state)
    try:
        since = psutil.Process(pid).create_time()
    except psutil.Error as error:
        raise CloudError(f"--while-pid: there is no process {pid}") from error
    arguments = ("--state", str(state.root), "--pid", str(pid), "--since", str(since))
    processes.start(state, NAME, module="infrastructure.local.watch", arguments=arguments, extra={})


def stop_watch(state: State) -> None:
    """End the watch: the cloud is wanted for longer than that process lives."""
    processes.stop(processes.marked(state, NAME), patience=2)


def _lives(pid: int, since: float) -> bool:
    try:
        process = psutil.Process(pid)
        # the clock of the boot time may be corrected by a moment while we watch
        same = abs(process.create_time() - since) < 5
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def main() -> None:
    """Wait for the end of the process, then run `down` in this one's place."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--since", type=float, required=True)
    arguments = parser.parse_args()
    while _lives(arguments.pid, arguments.since):
        time.sleep(SECONDS)
    command = (sys.executable, "-m", "infrastructure.local.cloud", "down", "--state", str(arguments.state))
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
