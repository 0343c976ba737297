"""How many rows raw objects have, by their Parquet footers: the rest of an object is not read."""

import io
from typing import Any

from lambdas.common.lake import RawObject

# Most footers fit; a longer one is read again as a whole.
TAIL = 1 << 16
# behind the footer: its length and the magic
ENDING = 8


def count_rows(s3: Any, bucket: str, item: RawObject) -> int | None:
    """The rows of a raw object as it lies now; None where it is no Parquet file, which others may have dropped."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not item.size:
        return None
    tail = _read_tail(s3, bucket, item, TAIL)
    length = int.from_bytes(tail[-ENDING:][:4], "little") + ENDING
    if len(tail) < length <= item.size:
        tail = _read_tail(s3, bucket, item, length)
    try:
        return int(pq.read_metadata(io.BytesIO(tail)).num_rows)
    except (pa.ArrowException, OSError):
        return None


def _read_tail(s3: Any, bucket: str, item: RawObject, length: int) -> bytes:
    return bytes(s3.get_object(Bucket=bucket, Key=item.key, Range=f"bytes=-{length}")["Body"].read())
