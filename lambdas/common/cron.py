"""Cron lines as a defs.yaml may have them: five fields of numbers, names, ranges and steps, in UTC."""

import datetime as dt
import re

BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
NAMES = {(1, 12): {name: n for n, name in enumerate(MONTHS, 1)}, (0, 7): {name: n for n, name in enumerate(WEEKDAYS)}}
PART = re.compile(r"(\*|\d+(?:-\d+)?|[A-Za-z]{3}(?:-[A-Za-z]{3})?)(?:/([1-9]\d*))?")
# the 29th of February may be eight years away
MOST_DAYS = 8 * 366


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
        if match[1][0].isalpha() and not set(match[1].lower().split("-")) <= NAMES.get(bounds, {}).keys():
            return False
    return True


def last_tick_day(line: str, moment: dt.datetime) -> dt.date | None:
    """The UTC day of the line's last tick at or before the aware moment; None where there was none in eight years."""
    fields = line.split()
    minutes, hours, days, months, weekdays = map(_values, fields, BOUNDS)
    weekdays = {number % 7 for number in weekdays}
    now = moment.astimezone(dt.UTC)
    # as cron has it: where both are restricted, either will do
    enough = all if "*" in (fields[2], fields[4]) else any
    for ago in range(MOST_DAYS):
        day = now.date() - dt.timedelta(days=ago)
        fits = day.month in months and enough((day.day in days, day.isoweekday() % 7 in weekdays))
        if fits and (ago or (min(hours), min(minutes)) <= (now.hour, now.minute)):
            return day
    return None


def _values(field: str, bounds: tuple[int, int]) -> set[int]:
    return {number for part in field.split(",") for number in _part(part, bounds)}


def _part(part: str, bounds: tuple[int, int]) -> list[int]:
    said, _, step = part.partition("/")
    low, high = bounds
    ends = [low, high] if said == "*" else [_number(end, bounds) for end in said.split("-")]
    # a number with a step goes on to the end, and names may go beyond it: fri-sun
    first, last = ends[0], high if len(ends) == 1 and step else ends[-1]
    found = range(first, last + 1) if first <= last else [*range(first, high + 1), *range(low, last + 1)]
    return list(found)[:: int(step or 1)]


def _number(end: str, bounds: tuple[int, int]) -> int:
    return int(end) if end.isdigit() else NAMES[bounds][end.lower()]
