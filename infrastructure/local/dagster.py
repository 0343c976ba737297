"""Dagster beside the local cloud: python -m infrastructure.local.dagster up|down|reload [--state DIR].

The webserver listens on loopback; code servers on a socket file. DAGSTER_HOME is <state>/dagster. `up` may be repeated:
it starts what is missing; `down` stops what this folder's `up` started, run processes included.
"""

import argparse
import contextlib
import datetime as dt
import hashlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from infrastructure.local import parts, processes
from infrastructure.local.parts import Part, answers_http
from infrastructure.local.state import LOOPBACK, CloudError, State, read_env

DEFAULT_STATE = processes.PROJECT / ".local"
INSTANCE = processes.PROJECT / "orchestration" / "dagster.yaml"
CODE = ("-m", "orchestration.definitions")
# Of the daemon's threads, those that nothing moves without.
THREADS = {"SENSOR", "SCHEDULER", "QUEUED_RUN_COORDINATOR", "ASSET"}
UNDER_WAY = "SELECT 1 FROM runs WHERE status IN ('QUEUED', 'NOT_STARTED', 'STARTING', 'STARTED', 'CANCELING') LIMIT 1"
# A socket's whole path has to fit 107 bytes; Dagster names it with eleven characters.
SOCKET_FOLDER_BYTES = 95


def say(text: str) -> None:
    """One line of progress, at once."""
    sys.stdout.write(f"dagster: {text}\n")
    sys.stdout.flush()


def up(state: State, *, daemon_only: bool) -> None:
    """Start the daemon and, unless `daemon_only`, the webserver; wait until they answer.

    Raises:
        CloudError: the cloud is not up, or a part did not come up; the message says which and why.
    """
    began = time.monotonic()
    with state.locked(say):
        exports = read_env(state.env_file)
        if "AWS_ENDPOINT_URL" not in exports:
            raise CloudError(f"{state.env_file} names no cloud: start it first (make up)")
        wanted = build(state, exports, daemon_only=daemon_only)
        _stop_if_outdated(state, wanted)
        missing = [part for part in wanted if not parts.is_running(state, part)]
        if any(part.name == "dagster-daemon" for part in missing):
            _prepare_home(state, wanted[0].extra)
        for part in missing:
            parts.launch(state, part)
        for part in missing:
            parts.await_answer(state, part)
        _code_file(state).write_text(_fingerprint())
    if missing:
        say(f"up in {time.monotonic() - began:.1f} s" + ("" if daemon_only else f": {exports['DAGSTER_URL']}"))
    else:
        say("everything is running already")


def reload(state: State) -> None:
    """Start again what runs and was started from other declarations or code; nothing where nothing runs.

    Raises:
        CloudError: as `up`.
    """
    running = [part for part in build(state, {}, daemon_only=False) if parts.is_running(state, part)]
    if running and _is_outdated(state):
        up(state, daemon_only=len(running) == 1)


def _stop_if_outdated(state: State, wanted: Sequence[Part]) -> None:
    running = [part for part in wanted if parts.is_running(state, part)]
    if running and _is_outdated(state):
        say("declarations or code have changed: starting again")
        for part in reversed(running):
            _stop(state, part)


def _is_outdated(state: State) -> bool:
    path = _code_file(state)
    return not path.exists() or path.read_text() != _fingerprint()


def _code_file(state: State) -> Path:
    return state.root / "dagster" / "code.sha256"


def _fingerprint() -> str:
    """What Dagster loads: the declarations, and the code that reads them."""
    digest = hashlib.sha256()
    for folder in ("assets", "orchestration", "lambdas/common"):
        for path in sorted((processes.PROJECT / folder).rglob("*")):
            if path.suffix in (".yaml", ".sql", ".py"):
                digest.update(str(path).encode() + path.read_bytes())
    return digest.hexdigest()


def _stop(state: State, part: Part) -> bool:
    """Stop one part and what it started; whether it ran."""
    process = processes.leader(state, part.name, part.port)
    if process is not None:
        processes.stop([process], patience=part.patience)
    processes.stop(processes.marked(state, part.name), patience=1)
    state.pid_file(part.name).unlink(missing_ok=True)
    return process is not None


def down(state: State, *, patience: int = 0) -> None:
    """Stop what runs, after so many seconds at most in which runs may end. One that is cut off is tried again later."""
    limit = time.monotonic() + patience
    while time.monotonic() < limit and _query(state, UNDER_WAY):
        time.sleep(0.5)
    with state.locked(say):
        stopped = [part.title for part in reversed(build(state, {}, daemon_only=False)) if _stop(state, part)]
    say(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")


def build(state: State, exports: Mapping[str, str], *, daemon_only: bool) -> list[Part]:
    """The daemon and the webserver, in the order in which they start; `exports` goes into their environment."""
    port = state.ports(say)["dagster"]
    extra = {**exports, **_own_environment(state)}
    daemon = Part(
        *("dagster-daemon", "Dagster daemon", 0, "dagster._daemon"),
        answers=lambda _port: _beats(state),
        # what each tick did is on the web page; the log is for what goes wrong
        arguments=("run", "--log-level", "warning", *CODE),
        extra=extra,
    )
    webserver = Part(
        *("dagster-webserver", "Dagster webserver", port, "dagster_webserver"),
        answers=lambda p: answers_http(f"http://{LOOPBACK}:{p}/server_info"),
        arguments=("-h", LOOPBACK, "-p", str(port), *CODE),
        extra=extra,
    )
    return [daemon] if daemon_only else [daemon, webserver]


def _own_environment(state: State) -> dict[str, str]:
    own = {"DAGSTER_HOME": str(_home(state)), "DAGSTER_DISABLE_TELEMETRY": "1"}
    if len(bytes(state.root / "tmp")) > SOCKET_FOLDER_BYTES:
        own["TMPDIR"] = tempfile.gettempdir()
    return own


def _home(state: State) -> Path:
    return state.root / "dagster"


def _prepare_home(state: State, extra: Mapping[str, str]) -> None:
    """Put the instance's settings and tables in place, and report runs that a killed daemon left behind."""
    home = _home(state)
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(INSTANCE, home / "dagster.yaml")
    processes.stop(processes.marked(state, "dagster-daemon"), patience=5)
    # by one process alone: two that make the tables at once leave a database that no later version migrates
    _run(state, extra, "dagster", "instance", "migrate")
    if _query(state, "SELECT 1 FROM runs WHERE status IN ('STARTING', 'STARTED', 'CANCELING') LIMIT 1"):
        say(_run(state, extra, "orchestration.orphans"))


def _run(state: State, extra: Mapping[str, str], *module: str) -> str:
    """What a module says, run to its end in the daemon's environment.

    Raises:
        CloudError: it fails.
    """
    command = [sys.executable, "-m", *module]
    environment = processes.environment(state, "dagster-daemon", extra)
    done = subprocess.run(command, cwd=processes.PROJECT, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise CloudError(f"{' '.join(module)} failed:\n{done.stderr[-2000:]}")
    return done.stdout.strip()


def _beats(state: State) -> bool:
    """Whether every thread of the daemon has reported since the daemon started."""
    process = processes.leader(state, "dagster-daemon", 0)
    if process is None:
        return False
    since = dt.datetime.fromtimestamp(process.create_time(), dt.UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    rows = _query(state, "SELECT daemon_type FROM daemon_heartbeats WHERE timestamp >= ?", since)
    return {str(row[0]) for row in rows} >= THREADS


def _query(state: State, sql: str, *values: str) -> list[tuple[object, ...]]:
    """Rows of Dagster's database of runs; none where it does not exist yet."""
    path = _home(state) / "history" / "runs.db"
    if not path.exists():
        return []
    with (
        contextlib.suppress(sqlite3.OperationalError),
        contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)) as connection,
    ):
        return connection.execute(sql, values).fetchall()
    return []


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("action", choices=("up", "down", "reload"))
    parser.add_argument("--state", type=Path, default=DEFAULT_STATE, help="the local cloud's folder (default .local)")
    parser.add_argument("--daemon-only", action="store_true", help="without the webserver")
    parser.add_argument("--patience", type=int, default=0, metavar="S", help="down: seconds in which runs may end (0)")
    return parser.parse_args()


def main() -> int:
    """Run one action; 0 when it succeeded, else 1 with the reason on stderr."""
    arguments = _arguments()
    parts.own_proxy_exception()
    state = State(arguments.state.resolve())
    try:
        if arguments.action == "up":
            up(state, daemon_only=arguments.daemon_only)
        elif arguments.action == "reload":
            reload(state)
        else:
            down(state, patience=arguments.patience)
    except CloudError as error:
        sys.stderr.write(f"dagster: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
