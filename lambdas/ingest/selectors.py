"""The `data_selector` of a REST resource: parsed once, and refused where an answer has nothing there.

An API that answers 200 with `{"error": ...}` would otherwise be taken for one that has no rows, and a day that holds
some would be emptied.
"""

import re
from typing import Any

from lambdas.common.errors import SourceError

# What follows a path of plain names: an index, a wildcard or a filter finds nothing in an empty list, and rightly so.
PLAIN = re.compile(r"^[^\[\]*?@]+")
MOST_NAMES = 20


def compile_selector(text: str, *, may_be_absent: bool) -> Any:
    """The JSONPath of that text. dlt would parse it for every page, which costs as much as reading the page's JSON.

    Unless it may be absent, finding no such place in an answer raises SourceError, which names what the answer has.
    """
    from dlt.common.jsonpath import compile_path
    from jsonpath_ng import JSONPath

    path = compile_path(text)
    plain = PLAIN.match(text)
    if may_be_absent or not plain or not plain[0].strip("$. "):
        return path
    place = compile_path(plain[0].rstrip("."))

    class Present(JSONPath):
        def find(self, datum: Any) -> Any:
            if not place.find(datum):
                raise SourceError(_absent(text, datum))
            return path.find(datum)

        def __str__(self) -> str:
            return text

    return Present()


def _absent(text: str, answer: Any) -> str:
    names = ", ".join(map(str, list(answer)[:MOST_NAMES])) if isinstance(answer, dict) else type(answer).__name__
    return (
        f"answered without data_selector {text!r}; it has: {names or 'nothing'}. "
        "Where a source leaves it out when it has no rows, set extract.data_may_be_absent: true"
    )
