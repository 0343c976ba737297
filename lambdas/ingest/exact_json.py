"""JSON with every number as exact as it was sent."""

import json
import re
from typing import Any

import orjson

from lambdas.common.decimals import exact_number

# more than a double holds exactly
MANY_DIGITS = re.compile(r"[0-9.]{17}")
MANY_DIGITS_BYTES = re.compile(MANY_DIGITS.pattern.encode())


def parse(text: bytes | str) -> Any:
    """The value of a JSON text. orjson is fast, but rounds numbers of many digits and knows no half surrogate pairs.

    Raises:
        ValueError: it is no JSON, or nested too deep.
    """
    many = MANY_DIGITS if isinstance(text, str) else MANY_DIGITS_BYTES
    if not many.search(text):  # type: ignore[arg-type]
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass
    try:
        return json.loads(text, parse_float=exact_number, parse_constant=str)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
