"""Names of raw columns, of which tables know no capitals."""

from collections.abc import Iterable

# what a CSV calls its first column where that has no name
UNNAMED = "column0"


def find_twins(names: Iterable[str]) -> tuple[str, str] | None:
    """The first two that are one name."""
    seen: dict[str, str] = {}
    for name in names:
        if name.lower() in seen:
            return seen[name.lower()], name
        seen[name.lower()] = name
    return None
