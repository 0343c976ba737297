"""Times and JSON of PostgreSQL: as Python has them where it has the same, else the text that the server says.

psycopg2 makes the last moment of the year 9999 of `infinity`, and midnight of 24:00, which are other values, and fails
on a year that Python has not. Spans of time stay text as a whole: a month is no number of days. Of JSON it would round
numbers and drop attributes that come twice.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any

from lambdas.ingest.records import JsonText

# PostgreSQL's number of a type, of lists of it, and psycopg2's name for what reads it
TIMES = {"PYDATE": (1082, 1182), "PYDATETIME": (1114, 1115), "PYDATETIMETZ": (1184, 1185), "PYTIME": (1083, 1183)}
TIMES_WITH_ZONE, SPANS = (1266, 1270), (1186, 1187)
JSON, JSONB = (114, 199), (3802, 3807)
# any value of the type, for what asks for its kind alone
SAMPLES = {1082: dt.date.max, 1114: dt.datetime(2000, 1, 1), 1184: dt.datetime(2000, 1, 1, tzinfo=dt.UTC)}  # noqa: DTZ001
OTHERWISE = ("infinity", "-infinity", "24:00")


def keep_values(driver: Any) -> None:
    """Let this connection of psycopg2 give a time only where that is what the server said, and JSON as its text."""
    from psycopg2 import extensions

    readers = [(numbers, _exact(getattr(extensions, name))) for name, numbers in TIMES.items()]
    readers += [
        (TIMES_WITH_ZONE, _exact(extensions.PYTIME)),
        (SPANS, lambda text, _cursor: text),
        (JSON, _json),
        (JSONB, _json),
    ]
    for (one, many), read in readers:
        kept = extensions.new_type((one,), f"KEPT {one}", read)
        extensions.register_type(kept, driver)
        extensions.register_type(extensions.new_array_type((many,), f"KEPT {many}", kept), driver)


def _json(text: str | None, _cursor: Any) -> JsonText | None:
    return None if text is None else JsonText(text)


def _exact(read: Any) -> Callable[[str | None, Any], Any]:
    def exact(text: str | None, cursor: Any) -> Any:
        if text is None or text.startswith(OTHERWISE):
            return text
        try:
            return read(text, cursor)
        except ValueError:  # before the year 1 or after 9999
            return text

    return exact
