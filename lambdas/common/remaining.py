"""What remains of a call, as messages and logs may show it."""

from collections.abc import Mapping
from typing import Any


def shown(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event, or what `remaining` of an answer says, without the position of a slice.

    A slice of a table goes on behind a value of the key, which may be that of a restricted column.
    """
    part = event.get("slice")
    if not isinstance(part, Mapping):
        return dict(event)
    return {**event, "slice": {name: value for name, value in part.items() if name != "at"}}
