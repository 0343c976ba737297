"""Names of raw columns, of which tables know no capitals."""

from collections.abc import Iterable, Iterator

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


def distinct_names(given: Iterable[str]) -> Iterator[str]:
    """What the columns of a CSV are called: an empty one by its place, one that comes again with a number behind."""
    seen: set[str] = set()
    for place, name in enumerate(given):
        base, number = name or f"column{place}", 0
        candidate = base
        while candidate.lower() in seen:
            number += 1
            candidate = f"{base}_{number}"
        seen.add(candidate.lower())
        yield candidate
