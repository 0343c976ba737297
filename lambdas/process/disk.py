"""Whether an object fits on the function's disk at all, or only not beside what else lies there now."""

from pathlib import Path
from shutil import disk_usage, rmtree

from lambdas.common.errors import ObjectError

# Free of the disk, of all of it, where nothing but the work itself can have filled it.
EMPTY = 0.9


def give_up_alone(workspace: Path, error: Exception) -> ObjectError | Exception:
    """What the error means of an object that was worked on alone: its own fault only where it had the whole disk.

    Args:
        workspace: with the files of that work in it, or without.
        error: of which `is_disk_full` holds.
    """
    clear(workspace)
    room = disk_usage(workspace)
    if room.free < EMPTY * room.total:
        return error  # others fill it too: there may be room later
    return ObjectError(
        f"its rows take more than the {room.total:,} bytes of disk that the function has for them (ProcessStorage), as "
        "they came, unpacked and written again. Put them into several objects, or write row groups of 128 MB at most "
        "(row_group_size in pyarrow, ROW_GROUP_SIZE in DuckDB), or give the function more"
    )


def clear(workspace: Path) -> None:
    """Take away what a batch that failed has left; what DuckDB has spilled is DuckDB's."""
    for path in workspace.iterdir():
        if path.is_dir() and path.name != "spill":
            rmtree(path, ignore_errors=True)
        elif path.is_file():
            path.unlink(missing_ok=True)
