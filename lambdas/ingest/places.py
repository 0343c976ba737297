"""Where files come from: a folder, S3 or an HTTP server. Each is brought to disk as it is, when it is asked for."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lambdas.common.errors import SourceError, SourceUnavailable
from lambdas.ingest.download import download_http, download_s3, s3_client, s3_error
from lambdas.ingest.globs import depth, matches
from lambdas.ingest.job import Job


def fetch_files(job: Job) -> Iterator[tuple[str, Path]]:
    """The files that bucket_url and file_glob mean, in the order of their names: the name, and where it lies on disk.

    They begin with the file that the slice begins with.

    Raises:
        SourceError: there is no such place, or it refuses.
        SourceUnavailable: it did not answer, or not all of it in time, or the slice's file is gone.
    """
    url = str(job.config["bucket_url"])
    scheme = urlsplit(url).scheme
    if scheme == "s3":
        return _from_s3(url, job)
    if scheme in ("http", "https"):
        return _from_http(url, job)
    if scheme not in ("", "file"):
        raise SourceError(f"filesystem: {scheme}:// is not supported; use a local folder, s3:// or http(s)://")
    return _from_folder(Path(unquote(urlsplit(url).path) if scheme else url), job)


def file_glob(job: Job) -> str:
    """The glob that the source names, or that of all files of the folder itself."""
    return str(job.config.get("file_glob", "*"))


def _from_mark(names: Iterable[str], job: Job) -> Iterator[str]:
    """The names in their order, from the one on with which the slice begins."""
    begins = (job.slice.at or {}).get("file")
    left = [name for name in sorted(names) if begins is None or name >= begins]
    if begins is not None and begins not in left:
        raise SourceUnavailable(f"filesystem: {begins} is gone since the slice before was read; read the source anew")
    return iter(left)


def _from_folder(folder: Path, job: Job) -> Iterator[tuple[str, Path]]:
    if not folder.exists():
        raise SourceError(f"filesystem: {folder} does not exist")
    if folder.is_file():
        names: Iterable[str] = [folder.name]
        folder = folder.parent
    else:
        names = _matching_names(folder, file_glob(job))
    for name in _from_mark(names, job):
        yield name, folder / name


def _matching_names(folder: Path, glob: str) -> Iterator[str]:
    """The files' names below the folder. A link to a folder is followed only as deep as the glob itself says."""
    deepest = depth(glob)
    for root, folders, files in os.walk(folder, onerror=_refuse, followlinks=deepest is not None):
        below = Path(root).relative_to(folder)
        if deepest is not None and len(below.parts) >= deepest:
            folders.clear()
        for name in (below / file for file in files):
            if matches(name.as_posix(), glob) and (folder / name).is_file():
                yield str(name)


def _refuse(error: OSError) -> None:
    """A folder that cannot be looked into has files that nobody would miss."""
    raise SourceError(f"filesystem: {error.filename} cannot be listed: {error.strerror}") from error


def _from_s3(url: str, job: Job) -> Iterator[tuple[str, Path]]:
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, prefix = urlsplit(url).netloc, urlsplit(url).path.lstrip("/")
    prefix = f"{prefix.rstrip('/')}/" if prefix else ""
    try:
        s3 = s3_client(job)
        for key in _from_mark(_matching_keys(s3, bucket, prefix, file_glob(job)), job):
            path = _own_path(job, key)
            download_s3(s3, job, bucket, key, path)
            yield key, path
    except (BotoCoreError, ClientError) as error:
        raise s3_error(error, url) from error


def _matching_keys(s3: Any, bucket: str, prefix: str, glob: str) -> Iterator[str]:
    """The keys below the prefix; one that ends in a slash is no file but the mark of a folder."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for key in (item["Key"] for item in page.get("Contents", ())):
            if not key.endswith("/") and matches(key.removeprefix(prefix), glob):
                yield key


def _from_http(url: str, job: Job) -> Iterator[tuple[str, Path]]:
    glob = job.config.get("file_glob")
    if glob is not None and any(sign in str(glob) for sign in "*?["):
        raise SourceError(f"filesystem: HTTP cannot list files; file_glob {glob!r} must be a file's name")
    address = f"{url.rstrip('/')}/{glob}" if glob is not None else url
    path = _own_path(job, urlsplit(address).path)
    download_http(job, address, path)
    yield path.name, path


def _own_path(job: Job, name: str) -> Path:
    """A new path in the spool that keeps the file's name, which messages show."""
    return Path(tempfile.mkdtemp(dir=job.spool.folder)) / (Path(name).name or "answer")
