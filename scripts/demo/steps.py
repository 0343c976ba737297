"""The demo's steps: each runs a command that people can type themselves, and waits for what it brings about."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from lambdas.common.source import load_source_config
from scripts.demo.account import Account, child_environment, read_env

ROOT = Path(__file__).resolve().parents[2]
# The last UTC day that the sample of a source without an end reaches.
LAST_DAY = {"earthquakes": "2018-02-07"}
PATIENCE_SECONDS = 240
CHECKS_SECONDS = 60


class StepFailed(Exception):  # noqa: N818 - reads as what happened
    """A step did not end well; the message says which, and where to look."""


def cloud_is_running(state: Path) -> bool:
    """Whether the local cloud ran before the demo; then it is left running."""
    return _run("infrastructure.local.cloud", "status", "--state", str(state), quiet=True) == 0


def dagster_is_running(state: Path) -> bool:
    """Whether Dagster's page answered before the demo; then it is left running too."""
    try:
        url = read_env(state / "env")["DAGSTER_URL"] + "/server_info"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=2):
            return True
    except (OSError, KeyError):
        return False


def start(state: Path, console: Console) -> None:
    """The local cloud, everything deployed to it, and Dagster's daemon with its sensors."""
    console.rule("local cloud: MiniStack, Redshift endpoint, replay of the USGS feed")
    # Tied to this process: even kill -9 of the demo leaves nothing running.
    _must("infrastructure.local.cloud", "up", "--state", str(state), "--while-pid", str(os.getpid()))
    console.rule("deploy: the templates that AWS gets")
    _must("infrastructure.deploy", "local", "--state", str(state))
    console.rule("Dagster's daemon, sensor running")
    _must("infrastructure.local.dagster", "up", "--daemon-only", "--state", str(state))


def stop(state: Path, console: Console, *, keep_cloud: bool, keep_dagster: bool, patience: int) -> None:
    """Stop what the demo started; checks behind the last loads have so many seconds to end."""
    console.print("[dim]stopping what the demo started; data stays in .local/[/dim]")
    if not keep_dagster:
        _run("infrastructure.local.dagster", "down", "--state", str(state), "--patience", str(patience), quiet=True)
    if not keep_cloud:
        _run("infrastructure.local.cloud", "down", "--state", str(state), quiet=True)


def materialize_raw(state: Path, console: Console, sources: Sequence[str]) -> dict[str, float]:
    """Materialize raw/<source> over its whole range, one run a source, side by side; seconds by source."""
    console.rule("Dagster materializes the raw assets: the ingest function extracts and lands")
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress, ThreadPoolExecutor(len(sources)) as pool:
        runs = {source: pool.submit(_materialize, state, progress, source) for source in sources}
        return {source: run.result() for source, run in runs.items()}


def _materialize(state: Path, progress: Progress, source: str) -> float:
    began = time.monotonic()
    config = load_source_config(source)
    span = f"{config.start}...{config.end or LAST_DAY[source]}"
    task = progress.add_task(f"raw/{source:12} {span}", total=1)
    _launch(state, f"raw-{source}", "--assets", f"key:raw/{source}", "--partition-range", span)
    progress.update(task, completed=1)
    return time.monotonic() - began


def refresh_marts(state: Path, console: Console) -> None:
    """Materialize the marts, once, after all their inputs."""
    console.rule("Dagster refreshes the marts")
    with console.status("mart/daily_seismicity, mart/flight_delays_by_weather"):
        _launch(state, "marts", "--assets", "group:marts")


def wait_for_loads(account: Account, console: Console, sources: Sequence[str]) -> dict[str, float]:
    """Wait until the sensor's runs have committed every raw object; seconds until each source was whole."""
    console.rule("S3 tells SQS, Dagster's sensor starts runs, the process function loads Redshift")
    began = time.monotonic()
    done: dict[str, float] = {}
    columns = (TextColumn("{task.description:12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        tasks = {source: progress.add_task(source, total=None) for source in sources}
        while len(done) < len(sources):
            for source in [s for s in sources if s not in done]:
                missing, total = account.waiting(source)
                progress.update(tasks[source], total=total, completed=total - missing)
                if not missing:
                    done[source] = time.monotonic() - began
            if time.monotonic() - began > PATIENCE_SECONDS:
                raise StepFailed(f"no end of the loads after {PATIENCE_SECONDS} s; see .local/logs and `make ui`")
            time.sleep(1)
    return done


def _launch(state: Path, name: str, *options: str) -> None:
    env = child_environment(read_env(state / "env"))
    env["DAGSTER_HOME"] = str(state / "dagster")
    command = [str(Path(sys.executable).with_name("dg")), "launch", *options]
    log = state / "logs" / f"demo-{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        if subprocess.run(command, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT).returncode:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise StepFailed(f"{' '.join(command[1:])} failed; the end of {log}:\n{tail}")


def _must(module: str, *arguments: str) -> None:
    if _run(module, *arguments):
        raise StepFailed(f"`python -m {module} {arguments[0]}` failed; its message stands above")


def _run(module: str, *arguments: str, quiet: bool = False) -> int:
    output = subprocess.DEVNULL if quiet else None
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, stdout=output, stderr=output).returncode
