"""The most memory and disk that this process had."""

import re
import resource
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

INTERVAL = 0.01
STATUS = Path("/proc/self/status")


def peak_memory() -> int:
    """Bytes, resident."""
    # On Linux getrusage counts in what the parent had when it started this process.
    told = re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text()) if STATUS.exists() else None
    return int(told[1]) << 10 if told else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def used(folder: Path) -> int:
    """Bytes that the folder's files take on the disk; holes take none."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_blocks * 512
        except FileNotFoundError:
            continue
    return total


def measure(call: Callable[[], Any]) -> dict[str, Any]:
    """Call, and tell the answer, seconds, memory and disk (peaks, in bytes); nobody else uses the temporary folder."""
    seen, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(INTERVAL):
            seen.append(used(Path(tempfile.gettempdir())))

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.monotonic()
    try:
        answer = call()
    finally:
        done.set()
        watcher.join()
    return {"answer": answer, "seconds": time.monotonic() - began, "memory": peak_memory(), "disk": max(seen)}
