"""MiniStack with a checkpoint: its state is also written while it runs, not only at a clean stop.

Its functions fail as on AWS (`infrastructure.local.failures`), its API gateway answers as the template has it
(`infrastructure.local.gateway`), its S3 copies on conditions (`infrastructure.local.copies`).

MiniStack saves at SIGTERM and falls back to that after SIGKILL. POST /_checkpoint saves at once, with MiniStack's own
function. The file `checkpoint.json` says when the last save began and whether the process ended cleanly after it.

Run by `infrastructure.local.cloud`; its settings are MiniStack's environment variables.
"""

import json
import os
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from ministack import app as gateway
from ministack.core.persistence import save_all

from infrastructure.local.copies import heed_conditions
from infrastructure.local.failures import name_failures
from infrastructure.local.gateway import read_gateway_responses
from infrastructure.local.parts import CHECKPOINT_PATH

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_ministack = gateway.app


def _record_path() -> Path:
    return Path(os.environ["STATE_DIR"], "checkpoint.json")


def _record(began: float, *, clean: bool) -> None:
    path = _record_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"began": began, "clean": clean}), encoding="ascii")
    fresh.replace(path)


def _record_start() -> None:
    """From here on the state on disk grows old; an unclean end of before stays recorded until it is dealt with."""
    path = _record_path()
    if not path.exists() or json.loads(path.read_text(encoding="ascii"))["clean"]:
        _record(time.time(), clean=False)


def _checkpoint() -> None:
    began = time.time()
    save_all(gateway._build_persistence_save_dict())
    _record(began, clean=False)


async def _serve(scope: Message, receive: Receive, send: Send) -> None:
    """MiniStack's application, with the checkpoint path before it and the record of a clean end behind it."""
    if scope["type"] == "http" and scope["path"] == CHECKPOINT_PATH and scope["method"] == "POST":
        _checkpoint()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return

    async def note(message: Message) -> None:
        if message["type"] == "lifespan.startup.complete":
            _record_start()
        elif message["type"] == "lifespan.shutdown.complete":
            _record(time.time(), clean=True)
        await send(message)

    await _ministack(scope, receive, note if scope["type"] == "lifespan" else send)


if __name__ == "__main__":
    heed_conditions()
    name_failures()
    read_gateway_responses()
    gateway.app = _serve
    gateway.main()
