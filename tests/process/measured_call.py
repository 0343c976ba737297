"""One call of the process function in a process of its own, with what it took: a line of JSON.

Run as a module, in a folder that has lambdas/ and assets/, with a temp folder that nobody else uses.

Args: the event as JSON, and the bytes of a slice.
"""

import json
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from lambdas.process import app, slices
from tests.peaks import peak_memory

INTERVAL = 0.01


def used(folder: Path) -> int:
    """Bytes that the folder's files take on the disk; holes take none."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_blocks * 512
        except FileNotFoundError:
            continue
    return total


def main(event: dict[str, Any], slice_bytes: int) -> None:
    """Call, and print answer, seconds, memory and disk (peaks, in bytes)."""
    slices.SLICE_BYTES = slice_bytes
    seen, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(INTERVAL):
            seen.append(used(Path(tempfile.gettempdir())))

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.monotonic()
    try:
        answer = app.handler(event, None)
    finally:
        done.set()
        watcher.join()
    told = {"answer": answer, "seconds": time.monotonic() - began, "memory": peak_memory(), "disk": max(seen)}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), int(sys.argv[2]))
