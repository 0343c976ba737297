"""Which names a `file_glob` means: one rule for a folder and for S3."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

# Any folders or none where it stands alone between slashes; a last one stands for all files below.
ANY_FOLDERS = "**"


def matches(name: str, glob: str) -> bool:
    """Whether the glob means the name, both with slashes between folders; capitals matter.

    `*`, `?` and `[...]` stay within one folder, `**/` is any folders or none.
    """
    return _match(_parts(name), _parts(glob))


def depth(glob: str) -> int | None:
    """How many folders deep the names lie that the glob may mean; None: any number."""
    parts = _parts(glob)
    return None if ANY_FOLDERS in parts else len(parts) - 1


def _parts(text: str) -> list[str]:
    return [part for part in text.split("/") if part not in ("", ".")]


def _match(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    if not wanted:
        return not parts
    if wanted[0] == ANY_FOLDERS:
        rest = wanted[1:] or ["*"]
        return any(_match(parts[first:], rest) for first in range(len(parts)))
    return bool(parts) and fnmatchcase(parts[0], wanted[0]) and _match(parts[1:], wanted[1:])
