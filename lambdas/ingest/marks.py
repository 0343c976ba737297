"""Files written anew without what their readers take wrong."""

import codecs
import shutil
import tempfile
from pathlib import Path

CHUNK = 1 << 20


def has_mark(path: Path) -> bool:
    """Whether the file begins with the byte order mark of UTF-8."""
    with path.open("rb") as file:
        return file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8


def without_mark(path: Path, folder: Path) -> Path:
    """A copy of a file that begins with a byte order mark, without it."""
    target = make_place(path, folder)
    with path.open("rb") as file, target.open("wb") as copy:
        file.seek(len(codecs.BOM_UTF8))
        shutil.copyfileobj(file, copy, CHUNK)
    return target


def make_place(path: Path, folder: Path) -> Path:
    """Where a file of that name can be written anew; files of two folders may have one name."""
    folder.mkdir(exist_ok=True)
    return Path(tempfile.mkdtemp(dir=folder)) / path.name
