"""Files of a local folder, of S3 or of an HTTP server, brought to disk unpacked, one path a file."""

import fnmatch
import gzip
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lambdas.common.errors import SourceError, SourceUnavailable
from lambdas.ingest.formats import read_files
from lambdas.ingest.job import Job
from lambdas.ingest.spool import Rows

KNOWN = {"bucket_url", "file_glob", "format", "csv", "json"}
CHUNK = 1 << 20
GZIP_MAGIC, ZIP_MAGIC = b"\x1f\x8b", b"PK\x03\x04"


def extract_files(job: Job) -> Rows:
    """The rows of all files that bucket_url and file_glob name, in the order of their paths.

    Raises:
        SourceError: nothing matches, or a file cannot be read as its format says.
        SourceUnavailable: the server did not answer.
    """
    unknown = set(job.config) - KNOWN
    if unknown or "bucket_url" not in job.config:
        raise SourceError(f"filesystem: takes {sorted(KNOWN)}, bucket_url at least; unknown are {sorted(unknown)}")
    paths = [unpacked for path in _fetched(job) for unpacked in _unpacked(path, job.spool.folder)]
    if not paths:
        where = f"{job.config['bucket_url']} with file_glob {_glob(job)!r}"
        raise SourceError(f"filesystem: no file matches {where}")
    return read_files(job, paths)


def _glob(job: Job) -> str:
    return str(job.config.get("file_glob", "*"))


def _fetched(job: Job) -> Iterator[Path]:
    url = str(job.config["bucket_url"])
    scheme = urlsplit(url).scheme
    if scheme == "s3":
        return _from_s3(url, job)
    if scheme in ("http", "https"):
        return _from_http(url, job)
    if scheme not in ("", "file"):
        raise SourceError(f"filesystem: {scheme}:// is not supported; use a local folder, s3:// or http(s)://")
    return _from_folder(Path(unquote(urlsplit(url).path) if scheme else url), job)


def _from_folder(folder: Path, job: Job) -> Iterator[Path]:
    if not folder.exists():
        raise SourceError(f"filesystem: {folder} does not exist")
    found = [folder] if folder.is_file() else folder.glob(_glob(job))
    yield from sorted(path for path in found if path.is_file())


def _from_s3(url: str, job: Job) -> Iterator[Path]:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, prefix = urlsplit(url).netloc, urlsplit(url).path.lstrip("/")
    prefix = f"{prefix.rstrip('/')}/" if prefix else ""
    try:
        s3 = boto3.client("s3")
        for key in sorted(_matching_keys(s3, bucket, prefix, _glob(job))):
            path = _own_path(job, key)
            s3.download_file(bucket, key, str(path))
            yield path
    except (BotoCoreError, ClientError) as error:
        raise SourceError(f"filesystem: {url}: {error}") from error


def _matching_keys(s3: Any, bucket: str, prefix: str, glob: str) -> Iterator[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", ()):
            if fnmatch.fnmatchcase(item["Key"].removeprefix(prefix), glob):
                yield item["Key"]


def _from_http(url: str, job: Job) -> Iterator[Path]:
    from lambdas.ingest.rest import session

    glob = job.config.get("file_glob")
    if glob is not None and any(sign in str(glob) for sign in "*?["):
        raise SourceError(f"filesystem: HTTP cannot list files; file_glob {glob!r} must be a file's name")
    address = f"{url.rstrip('/')}/{glob}" if glob is not None else url
    path = _own_path(job, urlsplit(address).path)
    _download(session(job.options), address, path)
    yield path


def _download(session: Any, address: str, path: Path) -> None:
    from requests.exceptions import RequestException

    try:
        with session.get(address, stream=True) as response, path.open("wb") as file:
            if not response.ok:
                kind = SourceUnavailable if response.status_code >= 500 or response.status_code == 429 else SourceError
                raise kind(f"filesystem: GET {address} answered {response.status_code}")
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
    except RequestException as error:
        raise SourceUnavailable(f"filesystem: GET {address}: {type(error).__name__}: {error}") from error


def _own_path(job: Job, name: str) -> Path:
    """A new path in the spool that keeps the file's name, because its ending tells the format."""
    folder = job.spool.folder / "files"
    folder.mkdir(exist_ok=True)
    return folder / f"{len(list(folder.iterdir())):06d}-{Path(name).name}"


def _unpacked(path: Path, spool: Path) -> Iterator[Path]:
    """The file itself, or what a gzip or ZIP file holds, told by its first bytes and not by its name."""
    with path.open("rb") as file:
        magic = file.read(4)
    target = spool / "unpacked"
    target.mkdir(exist_ok=True)
    try:
        if magic.startswith(GZIP_MAGIC):
            with gzip.open(path) as file:
                yield _copied(file, target / f"{path.name}.{len(list(target.iterdir())):06d}")
        elif magic == ZIP_MAGIC:
            yield from _members(path, target)
        else:
            yield path
    except (OSError, EOFError, zipfile.BadZipFile, RuntimeError) as error:
        raise SourceError(f"filesystem: {path.name} cannot be unpacked: {error}") from error


def _members(path: Path, target: Path) -> Iterator[Path]:
    with zipfile.ZipFile(path) as archive:
        for member in sorted(archive.namelist()):
            if not member.endswith("/") and not member.startswith("__MACOSX/"):
                name = f"{path.name}.{len(list(target.iterdir())):06d}"
                with archive.open(member) as file:
                    yield _copied(file, target / name)


def _copied(source: Any, path: Path) -> Path:
    with path.open("wb") as file:
        shutil.copyfileobj(source, file, CHUNK)
    return path
