"""Processes of a local cloud: started in a session of their own, known again by a mark in their environment.

A pid alone says nothing after a crash (it may be somebody else's by now); the mark does, and Lambda workers and
database processes inherit it, so what a killed part leaves behind is found as well.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from infrastructure.local.state import State

STATE_MARK = "ANALYTICS_CLOUD_STATE"
PART_MARK = "ANALYTICS_CLOUD_PART"
PROJECT = Path(__file__).resolve().parents[2]
# Everything else of the caller's environment (profiles, credentials, PYTHONPATH) stays outside.
PASSED_ON = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
MOST_LOG_BYTES = 10_000_000
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
NO_PROXY = ("NO_PROXY", "no_proxy")


def no_proxy() -> dict[str, str]:
    """NO_PROXY in both spellings: the caller's exceptions and loopback."""
    given = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    hosts = [host for host in given.split(",") if host]
    hosts += [host for host in ("127.0.0.1", "localhost") if host not in hosts]
    return dict.fromkeys(NO_PROXY, ",".join(hosts))


def leave_callers_aws() -> None:
    """Make this process forget the caller's AWS: variables, profile, files of settings and of credentials."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)


def environment(state: State, part: str, extra: Mapping[str, str]) -> dict[str, str]:
    """A clean environment for one part: a home and a temporary folder in the state, UTC, the marks."""
    passed = {name: os.environ[name] for name in (*PASSED_ON, *PROXIES) if name in os.environ}
    own = {
        "HOME": str(state.root / "home"),
        "TMPDIR": str(state.root / "tmp"),
        "TZ": "UTC",
        "PYTHONUNBUFFERED": "1",
        STATE_MARK: str(state.root),
        PART_MARK: part,
    }
    return {**passed, **no_proxy(), **own, **extra}


def start(state: State, part: str, *, module: str, arguments: Sequence[str], extra: Mapping[str, str]) -> int:
    """Start `python -m module` detached, its output appended to its log; returns and records the pid."""
    with _log(state.logs / f"{part}.log") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=PROJECT,
            env=environment(state, part, extra),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    state.pid_file(part).write_text(str(process.pid), encoding="ascii")
    return process.pid


def _log(path: Path) -> IO[bytes]:
    """A log to append to; one that has grown large becomes `<name>.1` first."""
    if path.exists() and path.stat().st_size > MOST_LOG_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    return path.open("ab")


def marked(state: State, part: str | None = None) -> list[psutil.Process]:
    """Every living process of this cloud (of one part of it), this process and its parents excepted."""
    mine = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [p for p in psutil.process_iter() if p.pid not in mine and _is_ours(p, state, part)]


def _is_ours(process: psutil.Process, state: State, part: str | None) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        variables = process.environ()
    except (psutil.Error, OSError):
        return False
    return variables.get(STATE_MARK) == str(state.root) and part in (None, variables.get(PART_MARK))


def parts_running(state: State) -> set[str]:
    """The names of all parts of which some process lives."""
    found = set()
    for process in marked(state):
        with contextlib.suppress(psutil.Error):
            found.add(process.environ()[PART_MARK])
    return found


def recorded(state: State, part: str) -> psutil.Process | None:
    """The main process of a part by its recorded pid; None when that is dead or somebody else's by now."""
    with contextlib.suppress(ValueError, OSError, psutil.Error):
        process = psutil.Process(int(state.pid_file(part).read_text(encoding="ascii")))
        return process if _is_ours(process, state, part) else None
    return None


def leader(state: State, part: str, port: int) -> psutil.Process | None:
    """The living main process of a part: by its recorded pid, else (record lost) by the port it listens on."""
    process = recorded(state, part)
    if process is not None:
        return process
    owner = port_owner(port)
    return owner if owner is not None and _is_ours(owner, state, part) else None


def port_owner(port: int) -> psutil.Process | None:
    """The process that listens on a TCP port, None when there is none or it may not be seen."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections(kind="tcp"):
            address = connection.laddr
            if connection.status == psutil.CONN_LISTEN and address and address.port == port and connection.pid:
                return psutil.Process(connection.pid)
    return None


def describe(process: psutil.Process | None) -> str:
    """A process as people name it: pid and command line."""
    if process is None:
        return "a process of another user"
    try:
        return f"pid {process.pid} ({' '.join(process.cmdline())[:120] or process.name()})"
    except psutil.Error:
        return f"pid {process.pid}"


def stop(processes: Iterable[psutil.Process], *, patience: float) -> None:
    """Ask processes to end, wait `patience` seconds for all of them, then kill what is left."""
    asked = list(processes)
    for process in asked:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    for process in _survivors(asked, patience):
        with contextlib.suppress(psutil.Error):
            process.kill()
    _survivors(asked, 5)


def _survivors(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those still alive after waiting; a zombie that its own parent has yet to collect counts as gone."""
    deadline = time.monotonic() + seconds
    alive = processes
    while alive := [process for process in alive if _lives(process)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return alive


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
