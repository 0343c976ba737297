"""The rows of files, slice by slice: each file on disk, unpacked, one path a file."""

import gzip
import hashlib
import shutil
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lambdas.common.errors import SourceError, SourceUnavailable, WorkspaceFull
from lambdas.common.room import is_disk_full
from lambdas.common.source import KEYS, PACKINGS, archive_members
from lambdas.ingest import slices
from lambdas.ingest.formats import read_files
from lambdas.ingest.job import Job
from lambdas.ingest.places import fetch_files, file_glob
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
        where = f"{job.config['bucket_url']} with file_glob {file_glob(job)!r}"
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
    for number, (name, path) in enumerate(fetch_files(job)):
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
        if is_disk_full(error):
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
