"""How the engine writes Parquet."""

from pathlib import Path

# Snappy: what UNLOAD itself writes, so what COPY surely reads.
WRITE = "FORMAT parquet, COMPRESSION snappy"
# DuckDB's own number of rows in a row group, and the least it takes.
MOST_ROWS, LEAST_ROWS = 122_880, 2048
# Unpacked raw bytes whose rows are one row group of what is written: each thread holds one in memory.
GROUP_BYTES = 64 << 20


def write_options(raw: Path, options: str = WRITE) -> str:
    """COPY's options for files with rows of the raw file: the wider a row, the fewer in a row group."""
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(raw)
    size = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    fitting = GROUP_BYTES * metadata.num_rows // max(size, 1)
    return f"{options}, ROW_GROUP_SIZE {min(max(fitting, LEAST_ROWS), MOST_ROWS)}"
