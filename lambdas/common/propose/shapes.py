"""What all texts of a column look like, as a pattern that could be a rule; and texts that are nearly numbers."""

import re
from collections.abc import Sequence

CLASSES = (("0123456789", r"\d"), ("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "[A-Z]"), ("abcdefghijklmnopqrstuvwxyz", "[a-z]"))
MOST_RUNS, LEAST_TEXTS = 8, 10
# a currency, a unit or a per cent around what is a number otherwise
OWED = re.compile(r"\d[\d.,' ]*-|\([\d.,' ]*\d\)")
AROUND = re.compile(r"\s*(?:[$€£¥%]|[A-Z]{3}\s)?\s*[+-]?\d[\d.,' ]*\s*(?:[$€£¥%]|[A-Za-z]{1,4})?\s*")


def find_pattern(texts: Sequence[str]) -> str:
    """A regular expression that all the texts match and that says something; empty where there is none."""
    if len(texts) < LEAST_TEXTS:
        return ""
    kinds = [kind for kind, _ in _runs(texts[0])]
    if not kinds or len(kinds) > MOST_RUNS:
        return ""
    shapes = []
    for text in texts:
        shapes.append(_runs(text))
        if [kind for kind, _ in shapes[-1]] != kinds:
            return ""
    if len(kinds) == 1 and kinds[0] == "[a-z]":
        return ""
    lengths = [(min(sizes), max(sizes)) for sizes in zip(*([n for _, n in shape] for shape in shapes), strict=True)]
    return "^" + "".join(kind + _times(*length) for kind, length in zip(kinds, lengths, strict=True)) + "$"


def looks_like_number(texts: Sequence[str]) -> bool:
    """Whether all texts are numbers but for a sign of currency, a unit or a per cent."""
    some_bare = [text for text in texts if re.search(r"[^\d.,' +-]", text)]
    return bool(some_bare) and all(AROUND.fullmatch(text) for text in texts)


def has_minus_elsewhere(texts: Sequence[str]) -> bool:
    """Whether all texts are numbers, and some have their minus behind them or are in brackets, as in accounts."""
    some = any(OWED.fullmatch(text) for text in texts)
    return some and all(OWED.fullmatch(text) or AROUND.fullmatch(text) for text in texts)


def _runs(text: str) -> list[tuple[str, int]]:
    """The text as runs of one class of character, each with its length."""
    found: list[tuple[str, int]] = []
    for character in text:
        kind = next((kind for members, kind in CLASSES if character in members), _literal(character))
        if found and found[-1][0] == kind:
            found[-1] = (kind, found[-1][1] + 1)
        else:
            found.append((kind, 1))
    return found


def _literal(character: str) -> str:
    """The character in a pattern of RE2, which does not know every escape that Python writes."""
    return f"\\{character}" if character in r".^$*+?()[]{}|\\" else character


def _times(least: int, most: int) -> str:
    if least == most:
        return "" if least == 1 else f"{{{least}}}"
    return f"{{{least},{most}}}"
