"""What a loader process is asked to do, and the hand that holds it."""

import contextlib
import json
import os
import select
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Order:
    """One call of the process or the forget function.

    `forget` is a raw key, or the value of `id`; `s3_boundary` is `before N` or `after N`: where to wait, by the number
    of the call of S3. Objects of more than `slice_bytes` are taken in slices, where it is given; who has less than
    `commit_seconds` takes one slice.
    """

    contract: str
    start: str
    end: str
    action: str = "load"
    forget: str = ""
    seconds: float = 60.0
    commit_seconds: float = 45.0
    batch_objects: int = 400
    slice_bytes: int = 0
    s3_boundary: str = ""


class LoaderGoneError(AssertionError):
    """The loader ended without a word."""


class Loading:
    """A loader process under way."""

    def __init__(self, path: Path, order: Order) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(str(path))
        self._talk = self._socket.makefile("rw", encoding="utf-8")
        self._say(json.dumps(asdict(order)))
        self.result: dict[str, Any] | None = None
        self._gone = False
        self.pid = int(self._hear()["pid"])

    def wait(self) -> dict[str, Any]:
        """How it ended: {"answer": ...} or {"error": class, "message"}, with the calls of S3.

        Raises:
            LoaderGoneError: it was killed, or broke on something that the product does not raise on purpose.
        """
        if self.result is None:
            self.result = self._hear()
        return self.result

    def has_ended(self) -> bool:
        """Whether it has said its last word."""
        return self.result is not None or bool(select.select([self._socket], [], [], 0)[0])

    def wait_at_boundary(self) -> str:
        """Wait until it stands at its boundary of S3; the operation there."""
        said = self._hear()
        assert "at" in said, f"the boundary was never reached: {said}"
        return str(said["at"])

    def go_on(self) -> None:
        """Let it leave its boundary of S3."""
        self._say("go on")

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        os.kill(self.pid, signal.SIGKILL)
        with contextlib.suppress(LoaderGoneError):
            self.result = self._hear()
        assert self._gone, f"it had ended before it was killed: {self.result}"

    def freeze(self) -> None:
        """SIGSTOP."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def end(self) -> None:
        """Leave nothing behind, whatever state it is in."""
        with contextlib.suppress(ProcessLookupError):
            if self.result is None and not self._gone:
                os.kill(self.pid, signal.SIGKILL)
        self._talk.close()
        self._socket.close()

    def _say(self, text: str) -> None:
        self._talk.write(text + "\n")
        self._talk.flush()

    def _hear(self) -> dict[str, Any]:
        line = self._talk.readline()
        if not line:
            self._gone = True
            raise LoaderGoneError("the loader ended without a word")
        heard: dict[str, Any] = json.loads(line)
        return heard


@contextmanager
def loading(path: Path, order: Order) -> Iterator[Loading]:
    """A loader process, gone at the end."""
    process = Loading(path, order)
    try:
        yield process
    finally:
        process.end()
