"""A registry of images on loopback that asks for a login, as ECR does."""

import base64
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import urllib3

from infrastructure.local.state import LOOPBACK, SPARE_PORTS, port_is_free

INSTALL = "docker-registry and skopeo are not installed: make system"
# The crypt of C's library; htpasswd knows its form by the beginning.
CRYPT = ["perl", "-e", "print crypt(<STDIN>, q($2y$05$abcdefghijklmnopqrstuu))"]


class Registry:
    """A registry that runs; `token` is what lets one in, as ECR gives it."""

    def __init__(self, port: int, token: str) -> None:
        self.host = f"{LOOPBACK}:{port}"
        self._token = token
        self._http = urllib3.PoolManager(retries=False)

    def get(self, path: str, *, login: bool = True) -> urllib3.BaseHTTPResponse:
        """The answer to a GET; raises OSError-like errors of urllib3 while it does not listen."""
        headers = {"Authorization": f"Basic {self._token}"} if login else {}
        headers["Accept"] = "application/vnd.docker.distribution.manifest.v2+json"
        return self._http.request("GET", f"http://{self.host}/v2/{path}", headers=headers)


@contextmanager
def registry(folder: Path, token: str) -> Iterator[Registry]:
    """A registry with its files in an empty folder, gone afterwards."""
    folder.mkdir()
    user, _, password = base64.b64decode(token).decode().partition(":")
    told = subprocess.run(CRYPT, input=password, capture_output=True, text=True, check=True).stdout
    assert told.startswith("$2y$"), "this C library has no bcrypt"
    (folder / "htpasswd").write_text(f"{user}:{told}\n")
    port = next(port for port in reversed(SPARE_PORTS) if port_is_free(port))
    settings = folder / "config.yml"
    settings.write_text(
        f"version: 0.1\nlog: {{level: error}}\nhttp: {{addr: '{LOOPBACK}:{port}', secret: none}}\n"
        f"storage: {{filesystem: {{rootdirectory: '{folder}/files'}}}}\n"
        f"auth: {{htpasswd: {{realm: tests, path: '{folder}/htpasswd'}}}}\n"
    )
    with (folder / "log").open("wb") as log:
        try:
            server = subprocess.Popen(["docker-registry", "serve", str(settings)], stdout=log, stderr=log)
        except FileNotFoundError as error:
            raise AssertionError(INSTALL) from error
    try:
        running = Registry(port, token)
        _await(running, server, folder / "log")
        yield running
    finally:
        server.terminate()
        server.wait(20)


def _await(running: Registry, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        try:
            assert running.get("").status == 200, log.read_text()
            return
        except urllib3.exceptions.HTTPError:
            time.sleep(0.1)
