"""How much of the function's memory DuckDB takes: little as a rule; most of it, in one thread, where rows are wide."""

import os
from pathlib import Path
from typing import Any

# For rows as they mostly are. They go through in vectors, of which each thread holds some.
MEMORY = "700MB"
VECTOR_ROWS = 2048
# Of the function's memory, where that does not suffice; the rest is Python's.
SHARE = 0.6


def execute(connection: Any, sql: str) -> None:
    """Run a statement over all rows of an object; where memory does not suffice, once more with most of it.

    One thread then has it alone. That stays so for the connection: the object's next rows are as wide.
    """
    import duckdb

    try:
        connection.execute(sql)
    except duckdb.OutOfMemoryException:
        connection.execute("SET threads = 1")
        connection.execute(f"SET memory_limit = '{_most()}MB'")
        connection.execute(sql)


def is_too_small(error: BaseException) -> bool:
    """Whether memory did not suffice for what was run; the disk, which others fill too, is another matter."""
    import duckdb

    return isinstance(error, duckdb.OutOfMemoryException) and "max_temp_directory_size" not in str(error)


def tell_width(raw: Path) -> str:
    """Why the object's rows do not fit into memory, and what to do."""
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(raw)
    size = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    vector = VECTOR_ROWS * size // max(metadata.num_rows, 1)
    return (
        f"its rows are too wide: {VECTOR_ROWS:,} of them, which are worked on at once, have about {vector:,} bytes, "
        f"and {_most():,} MB of memory did not suffice for them. Leave long texts out of the object, or put them into "
        "several rows, or give the function more memory (ProcessMemory)"
    )


def _most() -> int:
    """MB. Not less than what did not suffice, in a small function too."""
    return max(int(int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "2048")) * SHARE), int(MEMORY[:-2]))
