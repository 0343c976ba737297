"""Takes a query string apart against a dataset: everything wrong with it is found before anything is said."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import Mistake, invalid
from .schemas import Dataset, Field
from .values import KINDS, parse_moment

FORMATS = ("json", "ndjson", "csv")
# What every endpoint over a dataset takes beside filters.
SELECTING = ("from", "to", "source", "format")
OWN = {
    "records": (*SELECTING, "columns", "sort", "limit", "cursor", "count"),
    "aggregate": (*SELECTING, "metrics", "by", "bucket", "sort", "limit"),
    "stats": (*SELECTING, "columns"),
    "values": (*SELECTING, "limit"),
    # the only one that is not over rows: no filter means anything to it
    "days": ("from", "to", "format"),
    "exports": ("from", "to", "source", "columns"),
}
# A column of such a name is reached by col__eq. `source` gives way to a column.
RESERVED = frozenset(name for names in OWN.values() for name in names) - {"source"}
# Values of all filters of a request together; the driver could bind 32,767.
MOST_VALUES = 1_000

Query = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Filter:
    """Rows whose column compares so to the values; `null` has one truth value."""

    field: Field
    operator: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows of a dataset: UTC range [start, end), open where None, and filters that all hold.

    `form` is the answer's format, empty where the parameter does not say.
    """

    dataset: Dataset
    start: dt.datetime | None = None
    end: dt.datetime | None = None
    filters: tuple[Filter, ...] = ()
    form: str = ""


class Reader:
    """Reads the parameters of one request and collects what is wrong with them."""

    def __init__(self, dataset: Dataset, query: Query, endpoint: str) -> None:
        self.dataset = dataset
        self.query = query
        takes_source = dataset.sources and "source" not in dataset.fields
        self.own = [name for name in OWN[endpoint] if name != "source" or takes_source]
        self.filters = endpoint != "days"
        self.rows = endpoint == "records"
        self.mistakes: list[Mistake] = []

    def wrong(self, parameter: str, detail: str, allowed: Iterable[str] = ()) -> None:
        """Remember a mistake."""
        self.mistakes.append(Mistake(parameter, detail, tuple(allowed)))

    def finish(self) -> None:
        """Stop here if anything was wrong.

        Raises:
            ApiError: 400 with all mistakes.
        """
        if self.mistakes:
            raise invalid(self.mistakes)

    def one(self, parameter: str) -> str | None:
        """The value of a parameter that may stand once."""
        values = self.query.get(parameter, ())
        if len(values) > 1:
            self.wrong(parameter, "may be given only once")
        return values[0] if values else None

    def parsed(self, parameter: str, parse: Callable[[str], Any], default: Any = None) -> Any:
        """The value of a parameter that may stand once, read by `parse`."""
        text = self.one(parameter)
        if text is None:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.wrong(parameter, str(error))
            return default

    def choice(self, parameter: str, allowed: Sequence[str], told: str = "") -> str:
        """One of the allowed words, or empty where the parameter is not given."""
        text = self.one(parameter)
        if text is not None and text not in allowed:
            self.wrong(parameter, told or f"{text[:100]!r} is not one of those allowed", allowed)
        return text if text is not None and text in allowed else ""

    def names(self, parameter: str, allowed: Sequence[str]) -> tuple[str, ...]:
        """The names in a parameter: separated by commas, the parameter repeated, or both; each once."""
        found = [name for text in self.query.get(parameter, ()) for name in text.split(",")]
        known = set(allowed)
        seen: set[str] = set()
        for name in found:
            if name not in known:
                self.wrong(parameter, f"there is no {name[:100]!r} here", allowed)
            elif name in seen:
                self.wrong(parameter, f"{name} stands twice")
            seen.add(name)
        return tuple(dict.fromkeys(name for name in found if name in known))

    def limit(self, default: int, most: int) -> int:
        """The parameter `limit`, a whole number from 1."""

        def parse(text: str) -> int:
            if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
                raise ValueError(f"must be a whole number from 1 to {most}")
            return int(text)

        return int(self.parsed("limit", parse, default))

    def sort(self, allowed: Sequence[str], default: str = "") -> tuple[str, bool]:
        """The name in `sort`, and whether it goes downwards."""
        text = self.one("sort")
        if text is None:
            text = default
        name = text.removeprefix("-")
        if text and name not in allowed:
            self.wrong("sort", f"cannot sort by {name[:100]!r}{self._why_unsorted(name)}", allowed)
            return default.removeprefix("-"), default.startswith("-")
        return name, text.startswith("-")

    def _why_unsorted(self, name: str) -> str:
        if "," in name:
            return ": one name alone"
        field = self.dataset.fields.get(name)
        if field is None or field.sortable or not self.rows:
            return "; a name alone goes upwards, one with - in front downwards"
        return ": its type has no order" if field.column.required else ": it may be empty, and pages need a value"

    def selection(self) -> Selection:
        """Range, format and filters: every parameter that is not one of the endpoint's own is a filter."""
        start, end = self.parsed("from", parse_moment), self.parsed("to", parse_moment)
        if start and end and start >= end:
            self.wrong("from", "must be before `to`: `from` belongs to the range, `to` does not")
        form = self.choice("format", FORMATS)
        if "source" in self.own:
            self.names("source", self.dataset.sources)
        filters = [self._filter(name) for name in self.query if name not in self.own]
        if sum(len(self.query[name]) for name in self.query if name not in self.own) > MOST_VALUES:
            self.wrong("request", f"has more than {MOST_VALUES} values to filter by")
        return Selection(self.dataset, start, end, tuple(f for f in filters if f), form)

    def _filter(self, parameter: str) -> Filter | None:
        name, operator = _split(parameter, self.dataset)
        field = self.dataset.fields.get(name)
        if field is None or not self.filters:
            columns = self.dataset.fields if self.filters else ()
            self.wrong(parameter[:200], "is neither a parameter nor a column here", [*self.own, *columns])
            return None
        if operator not in field.operators:
            allowed = [f"{name}__{op}" for op in field.operators]
            self.wrong(parameter[:200], f"there is no filter {operator[:100]!r} for {name}", allowed)
            return None
        return self._values(parameter, field, operator)

    def _values(self, parameter: str, field: Field, operator: str) -> Filter | None:
        texts = self.query[parameter]
        if operator not in ("eq", "ne") and len(texts) > 1:
            self.wrong(parameter, "may be given only once")
            return None
        parse = _PARSERS.get(operator, field.kind.parse)
        values = []
        for text in texts:
            try:
                values.append(parse(text))
            except ValueError as error:
                self.wrong(parameter, f"{text[:100]!r} {error}")
        return Filter(field, operator, tuple(values))


def _split(parameter: str, dataset: Dataset) -> tuple[str, str]:
    """Column and operator that a parameter names. A column named like a parameter is reached by col__eq."""
    if parameter in dataset.fields and parameter not in RESERVED:
        return parameter, "eq"
    name, mark, operator = parameter.rpartition("__")
    return (name, operator) if mark and name in dataset.fields else (parameter, "eq")


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return text == "true"


def _pattern(text: str) -> str:
    found = str(KINDS["text"].parse(text))
    if (len(found) - len(found.rstrip("\\"))) % 2:
        raise ValueError("must not end in the escape \\; a \\ itself is written twice")
    return found


_PARSERS: dict[str, Callable[[str], Any]] = {"null": _truth, "like": _pattern, "ilike": _pattern}
