"""What slices have made is held back under landing/<run>/ until the last one is made, and released as a whole.

A source that fails half-way so leaves nothing under raw/. What nobody releases the bucket's lifecycle takes away.
"""

import datetime as dt
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from lambdas.common.errors import SourceUnavailable
from lambdas.common.lake import RawObject, list_objects
from lambdas.ingest.naming import Lake, Naming, held_key
from lambdas.ingest.seen import Seen, write_over

NOTE = "seen.json"
COPIES_AT_ONCE = 16


def list_held(lake: Lake, run: str) -> Seen:
    """What is held back for that reading, by the raw key and with it as `key`."""
    kept = len(held_key(run, ""))
    found = list_objects(lake.client, lake.bucket, held_key(run, "raw/"))
    return {item.key[kept:]: replace(item, key=item.key[kept:]) for item in found}


def note(lake: Lake, run: str, found: Seen) -> None:
    """Keep it for the later slices of the reading, which other calls may read."""
    rows = [[item.key, item.etag, item.size, item.last_modified.isoformat()] for item in found.values()]
    lake.client.put_object(Bucket=lake.bucket, Key=held_key(run, NOTE), Body=json.dumps(rows).encode())


def recall(lake: Lake, source: str, run: str) -> Seen:
    """What the reading's first slice has noted.

    Raises:
        SourceUnavailable: it is not there any more, nor is what was held back: the reading begins anew.
    """
    try:
        body = lake.client.get_object(Bucket=lake.bucket, Key=held_key(run, NOTE))["Body"].read()
    except lake.client.exceptions.NoSuchKey as error:
        raise SourceUnavailable(
            f"{source}: what the slices of this reading held back is gone, by their age or since they were landed; "
            "read the source from its first slice on"
        ) from error
    rows = (RawObject(key, etag, size, dt.datetime.fromisoformat(at)) for key, etag, size, at in json.loads(body))
    return {item.key: item for item in rows}


def release(lake: Lake, naming: Naming, held: Seen, lying: Seen, deadline: float) -> tuple[dict[str, str], int]:
    """Copy what is held back to its raw keys, within S3, but for what lies there.

    They stay held back until `clear`, so that a release that breaks off, or ends at the deadline, is finished by the
    next one. One object at the least is copied.

    Args:
        lake: the bucket.
        naming: of the reading's last slice.
        held: what is held back for the reading.
        lying: what lies under raw/ now.
        deadline: value of time.monotonic() after which no copy but the first is begun.

    Returns:
        the ETag of each object that was copied, by raw key, and how many objects are left.

    Raises:
        Overtaken: another ingest wrote one of the keys in the meantime.
    """
    due = [key for key, item in held.items() if key not in lying or lying[key].etag != item.etag]

    def copy(key: str) -> str | None:
        if time.monotonic() > deadline and key != due[0]:
            return None
        source = {"Bucket": lake.bucket, "Key": held_key(naming.run or "", key)}
        given = {"Bucket": lake.bucket, "CopySource": source}
        reply = write_over(lake.client.copy_object, naming, key, lying.get(key), **given)
        return str(reply["CopyObjectResult"]["ETag"]).strip('"')

    with ThreadPoolExecutor(COPIES_AT_ONCE) as pool:
        copied = {key: etag for key, etag in zip(due, pool.map(copy, due), strict=True) if etag}
    return copied, len(due) - len(copied)


def clear(lake: Lake, run: str) -> None:
    """Delete what was held back for that reading, which lies under raw/ now, and what it has noted."""
    with ThreadPoolExecutor(COPIES_AT_ONCE) as pool:
        keys = [item.key for item in list_objects(lake.client, lake.bucket, held_key(run, ""))]
        list(pool.map(lambda key: lake.client.delete_object(Bucket=lake.bucket, Key=key), keys))
