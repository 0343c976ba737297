"""The folder that a local cloud keeps: ports, secrets, pids, logs and data, each written in one step.

Ports are chosen once and kept for ever, because URLs with them are stored inside stacks and parameters.
"""

import contextlib
import fcntl
import json
import os
import random
import secrets
import shlex
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PREFERRED_PORTS = {"ministack": 4566, "redshift": 5439, "usgs": 8087, "dagster": 3000}
# Below the range the kernel gives to outgoing connections, which could hold such a port for a moment.
SPARE_PORTS = range(20_000, 30_000)
USERS = ("admin", "loader", "reader", "bi")
LOOPBACK = "127.0.0.1"


class CloudError(Exception):
    """What keeps the local cloud from coming up, said so that a person can act on it."""


@dataclass(frozen=True)
class State:
    """One local cloud's folder. Two folders are two clouds that know nothing of each other."""

    root: Path

    @property
    def env_file(self) -> Path:
        """The file of shell exports that clients source."""
        return self.root / "env"

    @property
    def logs(self) -> Path:
        """The folder with one log per part."""
        return self.root / "logs"

    def pid_file(self, part: str) -> Path:
        """Where the pid of a part is recorded."""
        return self.root / "run" / f"{part}.pid"

    def prepare(self) -> None:
        """Create the folders. The root stays passable: PostgreSQL runs as a user of its own under root."""
        for name in ("tmp", "home"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        for name in ("logs", "run", "ministack"):
            (self.root / name).mkdir(mode=0o700, exist_ok=True)

    @contextlib.contextmanager
    def locked(self, say: Callable[[str], None]) -> Iterator[None]:
        """Hold the folder alone; a second `up` or `down` waits here."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("another start or stop of this cloud is at work; waiting for it")
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def ports(self, say: Callable[[str], None], *, spare: bool = False) -> dict[str, int]:
        """The recorded port of every part; on the very first call they are chosen and recorded.

        Args:
            say: told when a preferred port is taken and another was chosen.
            spare: choose free ports without trying the preferred ones (several clouds side by side).
        """
        path = self.root / "ports.json"
        recorded = read_json(path)
        chosen = {part: recorded.get(part) or _choose(part, say, spare=spare) for part in PREFERRED_PORTS}
        if chosen != recorded:
            write_private(path, json.dumps(chosen, indent=1))
        return chosen

    def passwords(self) -> dict[str, str]:
        """The warehouse passwords by user, generated once."""
        path = self.root / "secrets.json"
        recorded = read_json(path)
        # Redshift wants an upper case letter, a lower case letter and a digit.
        known = {user: recorded.get(user) or f"Aa1{secrets.token_hex(16)}" for user in USERS}
        if known != recorded:
            write_private(path, json.dumps(known, indent=1))
        return known


def _choose(part: str, say: Callable[[str], None], *, spare: bool) -> int:
    preferred = PREFERRED_PORTS[part]
    if not spare and port_is_free(preferred):
        return preferred
    # ports need no secrecy
    port = next(p for p in random.sample(SPARE_PORTS, 200) if port_is_free(p))
    if not spare:
        say(f"port {preferred} ({part}) is taken; {port} is used from now on")
    return port


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file, empty when there is no file.

    Raises:
        CloudError: the file is there but holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (ValueError, OSError) as error:
        raise CloudError(f"{path} cannot be read ({error}); put it back or remove {path.parent}") from error
    if not isinstance(content, dict):
        raise CloudError(f"{path} holds no JSON object; put it back or remove {path.parent}")
    return content


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads; readers see the old or the new content, never a part."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)


def read_env(path: Path) -> dict[str, str]:
    """The names and values of a file of shell exports; empty when there is none."""
    if not path.exists():
        return {}
    words = shlex.split(path.read_text(encoding="utf-8"), comments=True)
    return dict(word.split("=", 1) for word in words if "=" in word)


def update_env(path: Path, values: Mapping[str, str]) -> None:
    """Set names in a file of shell exports (mode 0600) and keep the others."""
    merged = {**read_env(path), **values}
    lines = [f"export {name}='{_quoted(value)}'\n" for name, value in merged.items()]
    write_private(path, "".join(lines))


def _quoted(value: str) -> str:
    return value.replace("'", "'\"'\"'")
