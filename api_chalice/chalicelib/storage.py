"""Where exports lie: exports/<id>/ in the lake bucket, a state beside the files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import ApiError

FOLDER = "exports/"
NOT_HERE = "Exports are not set up here: LAKE_BUCKET and EXPORT_FUNCTION are not given."


@dataclass(frozen=True, slots=True)
class Storage:
    """A bucket. `client` gives a boto3 client when it is first needed; `role` is what Redshift writes as."""

    bucket: str
    role: str
    client: Callable[[], Any]

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], client: Callable[[], Any]) -> "Storage":
        """The bucket and role that the environment names."""
        return cls(environ.get("LAKE_BUCKET", ""), environ.get("COPY_ROLE") or "default", client)

    def address(self, prefix: str) -> str:
        """The s3:// URL of what begins so."""
        return f"s3://{self.bucket}/{FOLDER}{prefix}"

    def write(self, name: str, state: str) -> None:
        """Keep an export's state.

        Raises:
            ApiError: 503, there is no bucket.
        """
        if not self.bucket:
            raise ApiError(503, NOT_HERE)
        self.client().put_object(Bucket=self.bucket, Key=f"{FOLDER}{name}/state.json", Body=state.encode())

    def read(self, name: str) -> str | None:
        """An export's state; None where there is none."""
        if not self.bucket:
            return None
        from botocore.exceptions import ClientError

        try:
            found = self.client().get_object(Bucket=self.bucket, Key=f"{FOLDER}{name}/state.json")
        except ClientError as error:
            # S3 tells what is not there from what may not be read only to those who may list everything
            if error.response["Error"]["Code"] in ("NoSuchKey", "AccessDenied"):
                return None
            raise
        return str(found["Body"].read().decode())

    def files(self, prefix: str, seconds: int) -> list[dict[str, Any]]:
        """The files that begin so: name, bytes, and a URL that opens without a key for so many seconds."""
        s3 = self.client()
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=FOLDER + prefix)
        return [
            {
                "name": item["Key"].rpartition("/")[2],
                "bytes": item["Size"],
                "url": s3.generate_presigned_url(
                    "get_object", Params={"Bucket": self.bucket, "Key": item["Key"]}, ExpiresIn=seconds
                ),
            }
            for page in pages
            for item in page.get("Contents", [])
        ]
