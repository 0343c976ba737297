"""The local cloud on one command: python -m infrastructure.local.cloud up|down|status|checkpoint [--state DIR].

`up` may be repeated: it starts what is missing, brings back what was killed, finds the data of before and writes
the file of shell exports that clients source. `down` stops what this folder's `up` started, and nothing else.
"""

import argparse
import os
import sys
import time
import urllib.request
from datetime import datetime
from pathlib import Path

from infrastructure.local import parts, processes, recovery, watch
from infrastructure.local.parts import CHECKPOINT_PATH, CREDENTIALS, Part
from infrastructure.local.seed import DATABASE, ENVIRONMENT, seed
from infrastructure.local.state import LOOPBACK, CloudError, State, update_env

DEFAULT_STATE = processes.PROJECT / ".local"
# what the others need is stopped last
STARTED_FIRST = ("usgs", "redshift", "ministack")
STOP_SECONDS = 20
SSLMODES = ("disable", "require", "verify-ca")


def say(text: str) -> None:
    """One line of progress, at once."""
    sys.stdout.write(f"cloud: {text}\n")
    sys.stdout.flush()


def up(state: State, *, spare_ports: bool, sslmode: str, while_pid: int | None) -> None:
    """Bring the cloud up whole and write its env file.

    Raises:
        CloudError: a part cannot be started; the message says which and why.
    """
    began = time.monotonic()
    state.prepare()
    with state.locked(say):
        ports = state.ports(say, spare=spare_ports)
        passwords = state.passwords()
        started = _start(state, parts.build(state, ports, passwords, sslmode), while_pid)
        if seed(ports, passwords, sslmode):
            checkpoint(ports["ministack"])
        update_env(state.env_file, _exports(ports, passwords, sslmode) | parts.trust(state, sslmode))
    if started:
        say(f"up in {time.monotonic() - began:.1f} s; clients source {state.env_file}")
    else:
        say(f"everything is running already; clients source {state.env_file}")


def _start(state: State, wanted: list[Part], while_pid: int | None) -> list[Part]:
    """Start the parts that do not run, all at once, and wait for each; returns those that were started."""
    missing = [part for part in wanted if not parts.is_running(state, part)]
    if while_pid is None:
        watch.stop_watch(state)
    elif missing == wanted:
        # a cloud that ran before goes on running after its visitor
        watch.start_watch(state, while_pid)
    lost_since = recovery.lost_since(state) if any(part.name == "ministack" for part in missing) else None
    if missing:
        say(f"starting {', '.join(part.title for part in missing)}")
    for part in missing:
        parts.launch(state, part)
    for part in wanted:
        began = time.monotonic()
        parts.await_answer(state, part)
        note = f"ready after {time.monotonic() - began:.1f} s more" if part in missing else "running"
        say(f"{part.title} on {LOOPBACK}:{part.port} {note}")
    if lost_since is not None:
        _after_crash(next(part.port for part in wanted if part.name == "ministack"), lost_since)
    return missing


def _after_crash(port: int, lost_since: datetime) -> None:
    sent = recovery.announce_again(port, lost_since)
    checkpoint(port)
    say(
        f"MiniStack had not been stopped cleanly: its state is that of {lost_since:%Y-%m-%d %H:%M:%S} UTC, "
        f"its objects are all there; {sent} object notifications were sent again"
    )


def checkpoint(port: int) -> None:
    """Make MiniStack write its state to disk now.

    Raises:
        CloudError: it does not answer.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(f"http://{LOOPBACK}:{port}{CHECKPOINT_PATH}", method="POST")
    try:
        with opener.open(request, timeout=60):
            pass
    except OSError as error:
        raise CloudError(f"MiniStack on port {port} saved no checkpoint: {error}") from error


def _exports(ports: dict[str, int], passwords: dict[str, str], sslmode: str) -> dict[str, str]:
    return {
        "ANALYTICS_ENV": ENVIRONMENT,
        "AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{ports['ministack']}",
        **CREDENTIALS,
        "WAREHOUSE_HOST": LOOPBACK,
        "WAREHOUSE_PORT": str(ports["redshift"]),
        "WAREHOUSE_DATABASE": DATABASE,
        "WAREHOUSE_USER": "admin",
        "WAREHOUSE_PASSWORD": passwords["admin"],
        "WAREHOUSE_SSLMODE": sslmode,
        "BI_USER": "bi",
        "BI_PASSWORD": passwords["bi"],
        "DAGSTER_URL": f"http://{LOOPBACK}:{ports['dagster']}",
        "EARTHQUAKES_URL": f"http://{LOOPBACK}:{ports['usgs']}/fdsnws/event/1/",
        **processes.no_proxy(),
    }


def down(state: State) -> None:
    """Stop whatever of this cloud runs, in the reverse order of starting, and wait for the ends."""
    if not state.root.exists():
        say("nothing was running")
        return
    with state.locked(say):
        running = processes.parts_running(state)
        for part in sorted(running - {watch.NAME}, key=_stop_order):
            recorded = processes.recorded(state, part)
            # the main process first: it ends its workers itself
            processes.stop([recorded] if recorded else processes.marked(state, part), patience=STOP_SECONDS)
            processes.stop(processes.marked(state, part), patience=5)
            state.pid_file(part).unlink(missing_ok=True)
        processes.stop(processes.marked(state), patience=5)
    stopped = sorted(running - {watch.NAME}, key=_stop_order)
    say(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")


def _stop_order(part: str) -> int:
    return STARTED_FIRST.index(part) if part in STARTED_FIRST else -1


def status(state: State) -> bool:
    """Print each part's port, pid and whether it answers; true when all do."""
    if not (state.root / "ports.json").exists():
        say(f"no cloud in {state.root}")
        return False
    healthy = True
    for part in parts.build(state, state.ports(say), state.passwords(), "disable"):
        process = processes.leader(state, part.name, part.port)
        answers = process is not None and part.answers(part.port)
        healthy &= answers
        text = "answers" if answers else "does not answer" if process else "not running"
        say(f"{part.title} on {LOOPBACK}:{part.port}: {text}{f' (pid {process.pid})' if process else ''}")
    return healthy


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("action", choices=("up", "down", "status", "checkpoint"))
    parser.add_argument("--state", type=Path, default=DEFAULT_STATE, help="the folder it keeps (default .local)")
    parser.add_argument("--spare-ports", action="store_true", help="on the first start do not try the usual ports")
    parser.add_argument("--sslmode", choices=SSLMODES, default=os.environ.get("WAREHOUSE_SSLMODE", "disable"))
    parser.add_argument(
        "--while-pid", type=int, help="stop by itself when this process has ended, unless it was running before"
    )
    return parser.parse_args()


def main() -> int:
    """Run one action; 0 when it succeeded (status: when all is healthy), else 1 with the reason on stderr."""
    arguments = _arguments()
    parts.own_proxy_exception()
    processes.leave_callers_aws()
    state = State(arguments.state.resolve())
    try:
        if arguments.action == "up":
            options = {"spare_ports": arguments.spare_ports, "sslmode": arguments.sslmode}
            up(state, **options, while_pid=arguments.while_pid)
        elif arguments.action == "down":
            down(state)
        elif arguments.action == "checkpoint":
            checkpoint(state.ports(say)["ministack"])
        else:
            return 0 if status(state) else 1
    except CloudError as error:
        sys.stderr.write(f"cloud: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("cloud: interrupted; `down` stops what was started\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
