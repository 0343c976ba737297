"""The most memory that this process had."""

import re
import resource
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_memory() -> int:
    """Bytes, resident."""
    # On Linux getrusage counts in what the parent had when it started this process.
    told = re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text()) if STATUS.exists() else None
    return int(told[1]) << 10 if told else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
