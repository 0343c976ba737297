"""What kind a remark on a raw object is: a word that its check goes by, while its text may be put in other words.

A kind stands in front of the remark, `[drift] new raw column ...`; in the ledger all kinds of a reason stand in front
of it together, so that they stay where its end is cut off.
"""

import re
from collections.abc import Iterable, Sequence

DRIFT, RULE = "drift", "rule"
HEAD = re.compile(rf"\[((?:{DRIFT}|{RULE})(?: (?:{DRIFT}|{RULE}))*)\] ")


def mark(kind: str, text: str) -> str:
    """The remark with its kind in front."""
    return f"[{kind}] {text}"


def join(remarks: Sequence[str]) -> str | None:
    """Marked remarks as one reason with the kinds of all; None where there is none."""
    kinds = dict.fromkeys(kind for remark in remarks for kind in kinds_of(remark))
    text = "; ".join(text_of(remark) for remark in remarks)
    return mark(" ".join(kinds), text) if kinds else text or None


def kinds_of(reason: str) -> list[str]:
    """The kinds in front of a remark or a reason; none where it was never marked."""
    found = HEAD.match(reason)
    return found[1].split() if found else []


def text_of(reason: str) -> str:
    """The same without its kinds."""
    return HEAD.sub("", reason, count=1)


def mark_all(kind: str, texts: Iterable[str]) -> tuple[str, ...]:
    """Each remark with its kind in front."""
    return tuple(mark(kind, text) for text in texts)
