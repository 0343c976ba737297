"""What a contract says over all rows of an object together, for one that is taken in slices: the rows of those before.

Of each slice that is done, the columns that are looked at lie on disk: those with unique values, or all of them where a
rule over the object may read any. They are read from the slice's curated file, the other columns are holes.
"""

import datetime as dt
from pathlib import Path
from shutil import disk_usage
from typing import Any

from lambdas.common.contract import Contract
from lambdas.common.errors import ObjectError
from lambdas.common.lake import RawObject
from lambdas.process.ranges import Ranges

# These files take at most one in so many bytes of the disk: the rest is for the slice under way.
SHARE = 3


class Former:
    """Files of the slices before, on disk; none where the contract says nothing over all rows."""

    def __init__(self, s3: Any, bucket: str, contract: Contract, folder: Path) -> None:
        self.files: tuple[Path, ...] = ()
        self._s3 = s3
        self._bucket = bucket
        self._unique = [column.name for column in contract.columns if column.unique]
        self._rules = [rule.name for rule in contract.object_rules]
        self._folder = folder
        self._most = disk_usage(folder).total // SHARE

    def fetch(self, key: str, size: int, end: int) -> None:
        """Bring what is looked at of a slice to the disk.

        Args:
            key: its curated file.
            size: that file's, in bytes.
            end: the number of the object's rows up to its last one.

        Raises:
            ChangedError: the file is there no more.
            ObjectError: it is more than the disk has room for.
        """
        if not self._unique and not self._rules:
            return
        item = RawObject(key, "", size, dt.datetime.now(dt.UTC))
        file = Ranges(self._s3, self._bucket, item, self._folder / f"{end:012}.former")
        file.read_columns(None if self._rules else self._unique)
        self.files += (file.path,)
        taken = sum(path.stat().st_blocks * 512 for path in self.files)
        if taken > self._most:
            raise ObjectError(self._too_large(end, taken))

    def _too_large(self, end: int, taken: int) -> str:
        looked = [*(f"the unique values of {name}" for name in self._unique), *(f"the rule {n!r}" for n in self._rules)]
        return (
            f"{' and '.join(looked)} look at all rows of an object together: those of its first {end:,} take "
            f"{taken:,} bytes of the function's disk, and {self._most:,} may be. Put its rows into several objects, "
            "take that out of the contract, or give the function a larger disk (ProcessStorage)"
        )
