"""The parts of the local cloud: how each is started, and how one knows that it answers."""

import contextlib
import os
import shutil
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import psutil

from infrastructure.local import processes
from infrastructure.local.redshift import health
from infrastructure.local.state import LOOPBACK, CloudError, State, port_is_free

REGION = "us-east-1"
CHECKPOINT_PATH = "/_checkpoint"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
FEED = processes.PROJECT / "assets/sources/earthquakes/sample/earthquakes.json.gz"
START_SECONDS = 90
Say = Callable[[str], None]


@dataclass(frozen=True)
class Part:
    """One server of the cloud.

    Attributes:
        name: its key in the ports file, the name of its log and of its pid file.
        title: what people call it.
        port: the loopback port that it listens on.
        module: started as `python -m module arguments`, with `extra` in its environment.
        answers: whether it serves requests now.
        patience: seconds it may take to end by itself before it is killed.
        scrap: folders in the temporary folder that it leaves behind and never reads again, as a pattern.
    """

    name: str
    title: str
    port: int
    module: str
    answers: Callable[[int], bool]
    arguments: tuple[str, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)
    patience: float = 20
    scrap: str = "none"


def build(state: State, ports: Mapping[str, int], passwords: Mapping[str, str], sslmode: str) -> list[Part]:
    """The parts of the cloud in this folder, in the order in which they start."""
    return [
        _ministack(state, ports["ministack"], trust(state, sslmode)),
        _redshift(state, ports, passwords["admin"], sslmode),
        _usgs(ports["usgs"]),
    ]


def trust(state: State, sslmode: str) -> dict[str, str]:
    """What lets the driver trust the endpoint's certificate; nothing where the endpoint refuses TLS.

    The driver takes the file that this variable names beside its own bundle; the system's folder stays in use.
    """
    return {} if sslmode == "disable" else {"SSL_CERT_FILE": str(state.root / "redshift" / "tls" / "ca.pem")}


def _ministack(state: State, port: int, trusted: Mapping[str, str]) -> Part:
    extra = {
        **trusted,
        "GATEWAY_PORT": str(port),
        "BIND_HOST": LOOPBACK,
        # the host in queue URLs: `localhost` may mean ::1 first
        "MINISTACK_HOST": LOOPBACK,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state.root / "ministack" / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state.root / "ministack" / "s3"),
        "MINISTACK_REGION": REGION,
        # both would listen on every interface
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        **CREDENTIALS,
    }
    module, scrap = "infrastructure.local.aws", "ministack-lambda-*"
    return Part("ministack", "MiniStack (AWS)", port, module, _ministack_answers, extra=extra, scrap=scrap)


def _redshift(state: State, ports: Mapping[str, int], password: str, sslmode: str) -> Part:
    arguments = (
        *("--state", str(state.root / "redshift"), "--port", str(ports["redshift"])),
        *("--s3-endpoint", f"http://{LOOPBACK}:{ports['ministack']}", "--sslmode", sslmode),
    )
    extra = {"WAREHOUSE_ADMIN_PASSWORD": password, **CREDENTIALS}
    module = "infrastructure.local.redshift"
    return Part("redshift", "Redshift endpoint", ports["redshift"], module, health.check, arguments, extra)


def _usgs(port: int) -> Part:
    arguments = ("--port", str(port), "--feed", str(FEED))
    return Part("usgs", "USGS replay", port, "infrastructure.local.usgs", _usgs_answers, arguments, patience=2)


def answers_http(url: str) -> bool:
    """Whether a GET is answered with 200 within two seconds."""
    # a proxy of the caller's environment has no business on loopback
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with contextlib.suppress(OSError), opener.open(url, timeout=2) as answer:
        return bool(answer.status == 200)
    return False


def _ministack_answers(port: int) -> bool:
    return answers_http(f"http://{LOOPBACK}:{port}/_ministack/ready")


def _usgs_answers(port: int) -> bool:
    return answers_http(f"http://{LOOPBACK}:{port}/fdsnws/event/1/version")


def is_running(state: State, part: Part) -> psutil.Process | None:
    """The part's main process when it lives and answers; None otherwise."""
    process = processes.leader(state, part.name, part.port)
    if process is None or not _started_as(process, part):
        return None
    deadline = time.monotonic() + 5
    while not part.answers(part.port):
        if time.monotonic() > deadline or not process.is_running():
            return None
        time.sleep(0.1)
    return process


def _started_as(process: psutil.Process, part: Part) -> bool:
    try:
        return tuple(process.cmdline()[3:]) == part.arguments
    except psutil.Error:
        return False


def launch(state: State, part: Part) -> None:
    """Start a part that does not run; what a killed one left behind is ended first.

    Raises:
        CloudError: something else listens on the port recorded for the part.
    """
    processes.stop(processes.marked(state, part.name), patience=5)
    for folder in (state.root / "tmp").glob(part.scrap):
        shutil.rmtree(folder, ignore_errors=True)
    if not port_is_free(part.port):
        owner = processes.describe(processes.port_owner(part.port))
        raise CloudError(
            f"port {part.port}, recorded for {part.title} in {state.root}, is in use by {owner}: end it and try again"
        )
    processes.start(state, part.name, module=part.module, arguments=part.arguments, extra=part.extra)


def await_answer(state: State, part: Part) -> None:
    """Wait until a launched part answers.

    Raises:
        CloudError: it ended, or did not answer in time; the end of its log is in the message.
    """
    deadline = time.monotonic() + START_SECONDS
    while not part.answers(part.port):
        if processes.leader(state, part.name, part.port) is None or time.monotonic() > deadline:
            log = state.logs / f"{part.name}.log"
            tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
            raise CloudError(f"{part.title} did not come up; the end of {log}:\n{tail}")
        time.sleep(0.05)


def own_proxy_exception() -> None:
    """Keep this process's own clients off a proxy for loopback."""
    os.environ.update(processes.no_proxy())
