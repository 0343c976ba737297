"""Raw objects through the engine: fetched as they were listed, split, and put under curated/ and rejected/.

Curated names carry raw stem, ETag and contract hash, so that a name always means the same rows.
"""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.db.ledger import BAD, LOADED, Entry
from lambdas.common.errors import ObjectError
from lambdas.common.lake import RawObject, day_prefix, parse_raw_key
from lambdas.process.engine import Engine

logger = logging.getLogger(__name__)

TRANSFERS = 8


@dataclass(frozen=True, slots=True)
class Staged:
    """An entry for the ledger, and the size in bytes of its curated file; 0 where there is none to copy."""

    entry: Entry
    curated_size: int


class Stager:
    """Stages the raw objects of one source. Objects that changed since the listing are left for the next one."""

    def __init__(self, s3: Any, bucket: str, contract: Contract, engine: Engine, workspace: Path) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._contract = contract
        self._engine = engine
        self._workspace = workspace

    def stage(self, objects: Sequence[RawObject]) -> Iterator[Staged]:
        """Fetch and put in the background, split one after the other; in the order of the objects.

        Raises:
            ContractError: the contract does not fit the data.
        """
        with ThreadPoolExecutor(TRANSFERS) as pool:
            fetched = pool.map(self._fetch, objects)
            split = [self._split(item, path) for item, path in zip(objects, fetched, strict=True) if path]
            yield from pool.map(self._put, split)

    def _fetch(self, item: RawObject) -> Path | None:
        """The object's bytes on disk, as the listing saw it; None where it has changed or gone since."""
        path = self._workspace / f"{parse_raw_key(item.key).day}-{item.etag}-{abs(hash(item.key))}.raw"
        try:
            reply = self._s3.get_object(Bucket=self._bucket, Key=item.key, IfMatch=item.etag)
        except self._s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in ("PreconditionFailed", "NoSuchKey", "412", "404"):
                logger.info("%s changed since it was listed; the next listing has it", item.key)
                return None
            raise
        with path.open("wb") as file:
            for chunk in reply["Body"].iter_chunks(1 << 20):
                file.write(chunk)
        return path

    def _split(self, item: RawObject, raw: Path) -> tuple[Entry, Path, Path]:
        parsed = parse_raw_key(item.key)
        curated, rejected = raw.with_suffix(".curated"), raw.with_suffix(".rejected")
        name = f"{parsed.stem}_{item.etag}_{self._contract.hash}.parquet"
        common = (item.key, parsed.day, item.etag, self._contract.hash)
        try:
            split = self._engine.split(raw, item.key, parsed.day, curated=curated, rejected=rejected)
        except ObjectError as error:
            logger.warning("%s is set aside: %s", item.key, error)
            curated.unlink(missing_ok=True)
            return Entry(*common, status=BAD, reason=str(error)), curated, rejected
        finally:
            raw.unlink()
        entry = Entry(
            *common,
            status=LOADED,
            rows_in=split.rows_in,
            rows_accepted=split.rows_accepted,
            rows_rejected=split.rows_rejected,
            rows_late=split.rows_late,
            event_from=split.event_from,
            event_to=split.event_to,
            curated_key=day_prefix("curated", parsed.source, parsed.day) + name if split.rows_accepted else None,
            rejected_key=day_prefix("rejected", parsed.source, parsed.day) + name if split.rows_rejected else None,
        )
        return entry, curated, rejected

    def _put(self, done: tuple[Entry, Path, Path]) -> Staged:
        entry, curated, rejected = done
        size = self._put_once(entry.curated_key, curated)
        self._put_once(entry.rejected_key, rejected)
        return Staged(entry, size)

    def _put_once(self, key: str | None, path: Path) -> int:
        """Put the file under its key unless it lies there already; the size of what lies there."""
        try:
            if key is None:
                return 0
            with path.open("rb") as body:
                self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, IfNoneMatch="*")
            return path.stat().st_size
        except self._s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in ("PreconditionFailed", "412"):
                raise
            return int(self._s3.head_object(Bucket=self._bucket, Key=key)["ContentLength"])
        finally:
            path.unlink(missing_ok=True)
