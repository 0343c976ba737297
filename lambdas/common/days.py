"""The UTC days that an event names."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from lambdas.common.errors import RequestError


def read_day(event: Mapping[str, Any], name: str) -> dt.date:
    """The UTC day that the event has under that name, as YYYY-MM-DD.

    Raises:
        RequestError: it is missing or no day.
    """
    value = event.get(name)
    try:
        return dt.date.fromisoformat(str(value))
    except ValueError as error:
        raise RequestError(f"{name} is {value!r}; expected a UTC day, YYYY-MM-DD") from error
