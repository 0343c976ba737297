"""What lay in the lake when a reading of a source began: another ingest of the same days may land in the meantime.

Two that read different states of the source would leave parts of both: rows doubled, rows lost. So what a landing puts
takes the place of what was seen alone, and afterwards it looks whether the days hold what it wanted and nothing else.
Where they do not, it is overtaken: the source has to be read again. Of several, the one that puts last without being
overtaken has begun to read last, and the days are all its own.
"""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from lambdas.common.errors import SourceUnavailable
from lambdas.common.lake import RawObject, list_objects, list_raw
from lambdas.ingest.naming import Lake, Naming

Seen = dict[str, RawObject]

# what S3 says of a write whose condition does not hold, or of two at once
CHANGED = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")


class Overtaken(SourceUnavailable):
    """Another ingest has landed the same days since this one began to read."""


def overtaken(source: str, key: str) -> Overtaken:
    """The error of a landing that finds there what another one put."""
    return Overtaken(
        f"{source}: {key} was written by another ingest of the same days while this one read the source; "
        "they have to be read again, so that they hold what the source said last"
    )


def look(lake: Lake, naming: Naming) -> Seen:
    """What lies in the window by key, as far as ingest writes it: files that others dropped are theirs."""
    window = naming.window
    if window is None:
        found: Any = list_objects(lake.client, lake.bucket, f"raw/{naming.source}/")
    else:
        found = list_raw(lake.client, lake.bucket, naming.source, window.start, window.end)
    return {item.key: item for item in found if naming.number(item.key) is not None}


def write_over(write: Callable[..., Any], naming: Naming, key: str, lying: RawObject | None, **given: Any) -> Any:
    """Write an object in the place of what was seen there, or of nothing: `write` is put_object or copy_object.

    Raises:
        Overtaken: something else lies there.
    """
    condition = {"IfMatch": f'"{lying.etag}"'} if lying else {"IfNoneMatch": "*"}
    try:
        return write(Key=key, **given, **condition)
    except ClientError as error:
        if error.response["Error"]["Code"] in CHANGED:
            raise overtaken(naming.source, key) from error
        raise


def require_own(naming: Naming, lying: Seen, *allowed: Mapping[str, str]) -> None:
    """Raise Overtaken where an object lies in the window whose ETag none of these says of its key."""
    for key, item in lying.items():
        if all(etags.get(key) != item.etag for etags in allowed):
            raise overtaken(naming.source, key)


def etags(objects: Seen) -> dict[str, str]:
    """The ETag by key."""
    return {key: item.etag for key, item in objects.items()}
