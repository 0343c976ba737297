"""Whether an error says that the function's disk is full, whoever raised it."""

import errno


def is_disk_full(error: BaseException) -> bool:
    """Whether the error, ours, Python's or DuckDB's, says so."""
    text = str(error)
    return getattr(error, "errno", None) == errno.ENOSPC or "No space left" in text or "max_temp_directory_size" in text
