"""Files of a local folder, of S3 or of an HTTP server, brought to disk unpacked, one path a file."""

import errno
import fnmatch
import gzip
import hashlib
import shutil
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lambdas.common.errors import SourceError, SourceUnavailable, WorkspaceFull
from lambdas.common.source import KEYS, PACKINGS, archive_members
from lambdas.ingest import slices
from lambdas.ingest.formats import read_files
from lambdas.ingest.job import Job
from lambdas.ingest.spool import Rows

CHUNK = 1 << 20
# names of a ZIP in a message
SHOWN = 10
GZIP_MAGIC, ZIP_MAGIC = b"\x1f\x8b", b"PK\x03\x04"


def extract_files(job: Job) -> Rows:
    """The rows of all files that bucket_url and file_glob name, in the order of their paths, slice by slice.

    A slice ends after so many rows or bytes; the next one begins with that row of that file.

    Raises:
        SourceError: nothing matches, or a file cannot be read as its format says.
        SourceUnavailable: the server did not answer, or a file has changed since the slice before was read.
    """
    known = KEYS["filesystem"]
    unknown = sorted(set(job.config) - set(known))
    if unknown or "bucket_url" not in job.config:
        raise SourceError(f"filesystem: takes {', '.join(known)}, bucket_url at least; unknown are {unknown}")
    found, following = _slice(job)
    if not found:
        where = f"{job.config['bucket_url']} with file_glob {_glob(job)!r}"
        raise SourceError(f"filesystem: no file matches {where}")
    rows, stopped = read_files(job, [place.path for place in found], int((job.slice.at or {}).get("row", 0)))
    if stopped is not None:
        following = found[stopped[0]].mark(stopped[1])
    return replace(rows, following=following)


@dataclass(frozen=True, slots=True)
class Place:
    """A file on disk: that `member` of the source's file `name`, which an archive has several of.

    `digest` is that of the source's file as it came: the next slice goes on in the same bytes or not at all.
    """

    name: str
    digest: str
    member: int
    path: Path

    def mark(self, row: int) -> dict[str, Any]:
        """Where a slice begins that begins with that row of the file."""
        return {"file": self.name, "digest": self.digest, "member": self.member, "row": row}


def _slice(job: Job) -> tuple[list[Place], dict[str, Any] | None]:
    """The files of the slice, unpacked, and the mark of the first one that it has no room for."""
    found: list[Place] = []
    size = 0
    for place in _places(job):
        if size >= slices.SLICE_BYTES:
            return found, place.mark(0)
        found.append(place)
        size += place.path.stat().st_size
    return found, None


def _places(job: Job) -> Iterator[Place]:
    """All files from the one on with which the slice begins, each brought to disk when it is asked for."""
    at = job.slice.at
    for number, (name, path) in enumerate(_fetched(job)):
        digest, first = _digest(path), 0
        if at is not None and number == 0:
            _require_same(at, name, digest)
            first = int(at.get("member", 0))
        for member, unpacked in enumerate(_unpacked(path, job)):
            if member >= first:
                yield Place(name, digest, member, unpacked)
            else:
                unpacked.unlink()


def _digest(path: Path) -> str:
    """Of the bytes themselves: dates and ETags change without them, and not every server sends any."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def _require_same(at: Mapping[str, Any], name: str, digest: str) -> None:
    """Refuse to go on in a file that is another: the rows landed would be a mix of two. A retry reads all anew."""
    if (at.get("file"), at.get("digest")) != (name, digest):
        raise SourceUnavailable(
            f"filesystem: {name} has changed since the slice before was read ({at.get('file')}); read the source anew"
        )


def _from_mark(names: Iterable[str], job: Job) -> Iterator[str]:
    """The names in their order, from the one on with which the slice begins."""
    begins = (job.slice.at or {}).get("file")
    left = [name for name in sorted(names) if begins is None or name >= begins]
    if begins is not None and begins not in left:
        raise SourceUnavailable(f"filesystem: {begins} is gone since the slice before was read; read the source anew")
    return iter(left)


def _glob(job: Job) -> str:
    return str(job.config.get("file_glob", "*"))


def _fetched(job: Job) -> Iterator[tuple[str, Path]]:
    url = str(job.config["bucket_url"])
    scheme = urlsplit(url).scheme
    if scheme == "s3":
        return _from_s3(url, job)
    if scheme in ("http", "https"):
        return _from_http(url, job)
    if scheme not in ("", "file"):
        raise SourceError(f"filesystem: {scheme}:// is not supported; use a local folder, s3:// or http(s)://")
    return _from_folder(Path(unquote(urlsplit(url).path) if scheme else url), job)


def _from_folder(folder: Path, job: Job) -> Iterator[tuple[str, Path]]:
    if not folder.exists():
        raise SourceError(f"filesystem: {folder} does not exist")
    found = [folder] if folder.is_file() else [path for path in folder.glob(_glob(job)) if path.is_file()]
    for name in _from_mark((str(path.relative_to(folder)) for path in found), job):
        yield name, folder / name


def _from_s3(url: str, job: Job) -> Iterator[tuple[str, Path]]:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, prefix = urlsplit(url).netloc, urlsplit(url).path.lstrip("/")
    prefix = f"{prefix.rstrip('/')}/" if prefix else ""
    try:
        s3 = boto3.client("s3")
        for key in _from_mark(_matching_keys(s3, bucket, prefix, _glob(job)), job):
            path = _own_path(job, key)
            s3.download_file(bucket, key, str(path))
            yield key, path
    except (BotoCoreError, ClientError) as error:
        raise SourceError(f"filesystem: {url}: {error}") from error


def _matching_keys(s3: Any, bucket: str, prefix: str, glob: str) -> Iterator[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", ()):
            if fnmatch.fnmatchcase(item["Key"].removeprefix(prefix), glob):
                yield item["Key"]


def _from_http(url: str, job: Job) -> Iterator[tuple[str, Path]]:
    from lambdas.ingest.rest import session

    glob = job.config.get("file_glob")
    if glob is not None and any(sign in str(glob) for sign in "*?["):
        raise SourceError(f"filesystem: HTTP cannot list files; file_glob {glob!r} must be a file's name")
    address = f"{url.rstrip('/')}/{glob}" if glob is not None else url
    path = _own_path(job, urlsplit(address).path)
    _download(session(job), address, path, job.options.attempts)
    yield path.name, path


def _download(session: Any, address: str, path: Path, attempts: int) -> None:
    """The file as a whole: where the connection ends before the file does, it is asked for anew."""
    from requests.exceptions import ChunkedEncodingError, RequestException

    try:
        with session.get(address, stream=True) as response, path.open("wb") as file:
            if not response.ok:
                kind = SourceUnavailable if response.status_code >= 500 or response.status_code == 429 else SourceError
                raise kind(f"filesystem: GET {address} answered {response.status_code}")
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
    except RequestException as error:
        if isinstance(error, ChunkedEncodingError) and attempts > 1:
            return _download(session, address, path, attempts - 1)
        raise SourceUnavailable(f"filesystem: GET {address}: {type(error).__name__}: {error}") from error


def _own_path(job: Job, name: str) -> Path:
    """A new path in the spool that keeps the file's name, which messages show."""
    return Path(tempfile.mkdtemp(dir=job.spool.folder)) / (Path(name).name or "answer")


def _unpacked(path: Path, job: Job) -> Iterator[Path]:
    """The file itself, or what a gzip or ZIP file holds, told by its first bytes and not by its name."""
    with path.open("rb") as file:
        magic = file.read(4)
    try:
        if magic.startswith(GZIP_MAGIC):
            with gzip.open(path) as file:
                yield _copied(file, path.name, job.spool.folder)
        elif magic == ZIP_MAGIC:
            yield from _members(path, job)
        elif not magic and path.suffix.lower().removeprefix(".") in PACKINGS:
            raise EOFError("it has no byte, as a file that was never written")
        else:
            yield path
            return
    except (OSError, EOFError, zipfile.BadZipFile, RuntimeError) as error:
        if getattr(error, "errno", None) == errno.ENOSPC:
            raise WorkspaceFull(f"filesystem: no room to unpack {path.name}; set IngestStorage higher") from error
        raise SourceError(f"filesystem: {path.name} cannot be unpacked: {error}") from error
    if path.is_relative_to(job.spool.folder):
        path.unlink()  # the disk is small, and what is packed is not read again


def _members(path: Path, job: Job) -> Iterator[Path]:
    with zipfile.ZipFile(path) as archive:
        chosen = archive_members(archive.namelist(), str(job.config.get("members", "*")))
        _require_alike(path, archive.namelist(), chosen, job)
        for member in chosen:
            with archive.open(member) as file:
                yield _copied(file, f"{path.name}.{Path(member).name}", job.spool.folder)


def _require_alike(path: Path, names: Sequence[str], chosen: Sequence[str], job: Job) -> None:
    """Refuse a ZIP of which nothing is chosen, and one of several kinds of files of which nobody said which is data."""
    shown = ", ".join(archive_members(names)[:SHOWN]) or "no file"
    if not chosen:
        told = f"no file in the ZIP matches members {job.config.get('members', '*')!r}"
        raise SourceError(f"filesystem: {path.name}: {told}; it holds {shown}")
    if "members" not in job.config and len({Path(name).suffix.lower() for name in chosen}) > 1:
        told = f"the ZIP holds files of several kinds: {shown}; say which are data by filesystem.members"
        raise SourceError(f"filesystem: {path.name}: {told}, as in members: {_example(chosen)!r}")


def _example(names: Sequence[str]) -> str:
    """A glob of the most common ending."""
    return f"*{Counter(Path(name).suffix for name in names).most_common(1)[0][0]}"


def _copied(source: Any, name: str, spool: Path) -> Path:
    path = Path(tempfile.mkdtemp(dir=spool)) / name
    with path.open("wb") as file:
        shutil.copyfileobj(source, file, CHUNK)
    return path
