"""The place in S3 that an UNLOAD writes to: whether it is free, and how objects get there."""

from __future__ import annotations

from typing import IO, Any

from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError

from infrastructure.local.redshift.copying.source import s3_error, split_url
from infrastructure.local.redshift.dialect.transfers import UnloadStatement
from infrastructure.local.redshift.errors import INTERNAL_ERROR, RedshiftError

_TRANSFER = TransferConfig(use_threads=False)
_DELETED_AT_ONCE = 1000


class Destination:
    """Where the files of one UNLOAD go.

    Args:
        s3: A boto3 client.
        statement: The UNLOAD.
    """

    def __init__(self, s3: Any, statement: UnloadStatement) -> None:
        self._s3 = s3
        self._statement = statement
        self._bucket, self._prefix = split_url(statement.target)
        self._cleaned: set[str] = set()

    def prepare(self) -> None:
        """Look whether the place is free; CLEANPATH frees it.

        Raises:
            RedshiftError: It is not, or it can not be reached.
        """
        if self._statement.clean_path:
            if not self._statement.partitions:
                self._clean("")
        elif not self._statement.allow_overwrite and self._keys(self._prefix, 1):
            raise RedshiftError(
                INTERNAL_ERROR,
                "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, manually "
                "removing the target files in S3, or using the ALLOWOVERWRITE option.",
            )

    def put(self, name: str, file: IO[bytes], *, folder: str = "") -> str:
        """Put a file under the prefix; its s3:// URL.

        Args:
            name: What follows the prefix (and the folder).
            file: The content, from its start.
            folder: The partition, which CLEANPATH empties before its first file.

        Raises:
            RedshiftError: It could not be written.
        """
        if self._statement.clean_path and folder:
            self._clean(folder)
        key = f"{self._prefix}{folder}{name}"
        file.seek(0)
        try:
            self._s3.upload_fileobj(file, self._bucket, key, Config=_TRANSFER)
        except (ClientError, BotoCoreError, S3UploadFailedError) as problem:
            raise s3_error(problem, f"s3://{self._bucket}/{key}") from problem
        return f"s3://{self._bucket}/{key}"

    def _clean(self, folder: str) -> None:
        if folder in self._cleaned:
            return
        self._cleaned.add(folder)
        while keys := self._keys(self._prefix + folder, _DELETED_AT_ONCE):
            try:
                self._s3.delete_objects(Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in keys]})
            except (ClientError, BotoCoreError) as problem:
                raise s3_error(problem, self._statement.target) from problem

    def _keys(self, prefix: str, count: int) -> list[str]:
        try:
            found = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix, MaxKeys=count)
        except (ClientError, BotoCoreError) as problem:
            raise s3_error(problem, self._statement.target) from problem
        return [item["Key"] for item in found.get("Contents", [])]
