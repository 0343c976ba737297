"""Orders to an endpoint that was started for faults on demand."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any


class Faults:
    """The faults of one endpoint.

    Args:
        state: Its state directory.
    """

    def __init__(self, state: Path) -> None:
        self._path = str(state / "faults.sock")

    def _order(self, **order: Any) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(10)
            connection.connect(self._path)
            connection.sendall(json.dumps(order).encode() + b"\n")
            with connection.makefile("rb") as answers:
                answer: dict[str, Any] = json.loads(answers.readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer

    def arm(self, fault: str, *, session: str = "", statement: str = "", nth: int = 1, **more: Any) -> int:
        """Arm a fault for the nth statement that matches; its number."""
        answer = self._order(do="arm", fault=fault, session=session, statement=statement, nth=nth, **more)
        return int(answer["id"])

    def state(self, number: int) -> dict[str, Any]:
        """What has become of a fault: reached, paused, statement, pid, application_name."""
        return self._order(do="state", id=number)

    def wait_reached(self, number: int, seconds: float = 10.0) -> dict[str, Any]:
        """Wait until a statement has met the fault.

        Raises:
            AssertionError: None has in that time.
        """
        deadline = time.monotonic() + seconds
        while not (state := self.state(number))["reached"]:
            if time.monotonic() > deadline:
                raise AssertionError(f"fault {number} was not reached; sent were {self.statements()[-20:]}")
            time.sleep(0.01)
        return state

    def release(self, number: int) -> None:
        """End a pause."""
        self._order(do="release", id=number)

    def clear(self) -> None:
        """Disarm all, release all pauses, forget what was sent."""
        self._order(do="clear")

    def statements(self, session: str = "") -> list[str]:
        """What matching sessions have sent since the last clear, in order."""
        return list(self._order(do="statements", session=session)["statements"])
