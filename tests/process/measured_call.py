"""One call of the process function in a process of its own, with what it took: a line of JSON.

Run in a folder that has lambdas/ and assets/, with a temp folder that nobody else uses.

Args: the event as JSON, and the bytes of a slice.
"""

import json
import re
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from lambdas.process import app, slices

INTERVAL = 0.01
STATUS = Path("/proc/self/status")


def used(folder: Path) -> int:
    """Bytes that the folder's files take on the disk; holes take none."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_blocks * 512
        except FileNotFoundError:
            continue
    return total


def peak_memory() -> int:
    """The most bytes that this process had in memory."""
    # On Linux getrusage counts the parent in as well, whatever it had when it started this process.
    told = re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text()) if STATUS.exists() else None
    return int(told[1]) << 10 if told else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


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
