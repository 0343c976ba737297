"""Cron lines as a defs.yaml may have them: five fields of numbers, names, ranges and steps, in UTC."""

import datetime as dt
import re

BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
MONTHS = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
WEEKDAYS = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
NAMES = {(1, 12): MONTHS, (0, 7): WEEKDAYS}
PART = re.compile(r"(\*|\d+(?:-\d+)?|[A-Za-z]{3}(?:-[A-Za-z]{3})?)(?:/([1-9]\d*))?")


def is_cron(text: str) -> bool:
    """Whether that is such a line."""
    fields = text.split()
    return len(fields) == len(BOUNDS) and all(map(_is_field, fields, BOUNDS))


def _is_field(field: str, bounds: tuple[int, int]) -> bool:
    low, high = bounds
    for part in field.split(","):
        match = PART.fullmatch(part)
        if not match:
            return False
        numbers = [int(digits) for digits in re.findall(r"\d+", match[1])]
        if any(not low <= number <= high for number in numbers) or numbers != sorted(numbers):
            return False
        if match[1][0].isalpha() and not set(match[1].lower().split("-")) <= NAMES.get(bounds, set()):
            return False
    return True


def last_tick_day(line: str, moment: dt.datetime) -> dt.date | None:
    """The UTC day of the line's last tick at or before the aware moment; None for a line that never ticks."""
    from croniter import CroniterBadDateError, croniter

    # croniter looks for ticks before a moment
    behind = moment.astimezone(dt.UTC) + dt.timedelta(microseconds=1)
    try:
        tick: dt.datetime = croniter(line, behind).get_prev(dt.datetime)
    except CroniterBadDateError:
        return None
    return tick.date()
