"""The two files as text, with what was seen as comments."""

import datetime as dt
import textwrap
from collections.abc import Sequence
from typing import Any

import yaml

from lambdas.common.contract.sql import quoted
from lambdas.common.propose.choices import Chosen
from lambdas.common.propose.profile import Profiled

WIDTH, LONGEST_LINE = 110, 160
# a name that is longer than a line cannot be broken
LONG_LINES = "# yamllint disable rule:line-length"
NO_DAY = "2000-01-01"


class _Indented(yaml.SafeDumper):
    """Lists stand indented under their key, as in the other files under assets/."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002
        return super().increase_indent(flow, indentless=False)


def contract_text(name: str, columns: Sequence[Profiled], chosen: Chosen) -> str:
    """The contract.yaml of a source."""
    head = {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": name, "name": name.replace("_", " ").capitalize(),
        "version": "1.0.0", "status": "draft",
    }  # fmt: skip
    table: dict[str, Any] = {"name": name, "physicalType": "table"}
    custom = {"versionColumn": chosen.version, "nullWords": list(chosen.null_words)}
    table |= _custom({key: value for key, value in custom.items() if value})
    lines = [*_dump(head), "schema:", *_indent([table], 2), "    properties:"]
    if chosen.event is None:
        lines += _no_event(columns[0])
    for column in columns:
        lines += [f"      # {text}" for text in _seen(column)]
        lines += _indent([_property(column, chosen)], 6)
    return "\n".join([*([LONG_LINES] if max(map(len, lines)) > LONGEST_LINE else []), *lines]) + "\n"


def _property(column: Profiled, chosen: Chosen) -> dict[str, Any]:
    found = column.found
    prop: dict[str, Any] = {"name": column.name, "logicalType": found.logical, "physicalType": found.physical}
    if column.name in (*chosen.key, chosen.event) or column.name in chosen.required:
        prop["required"] = True
    if column.name in chosen.key:
        prop |= {"primaryKey": True, "primaryKeyPosition": chosen.key.index(column.name) + 1}
    if column.name == chosen.event:
        prop |= {"partitioned": True}
    if found.options:
        prop["logicalTypeOptions"] = found.options
    if column.expression or column.raw.lower() != column.name:
        prop |= {"transformLogic": column.expression or quoted(column.raw), "transformSourceObjects": [column.raw]}
    own = {"nullWords": list(chosen.own_words[column.name])} if column.name in chosen.own_words else {}
    return prop | _custom({**found.custom, **own})


def _no_event(first: Profiled) -> list[str]:
    """A day for sources that know none: the contract needs one."""
    prop = {
        "name": "known_since", "logicalType": "date", "physicalType": "date", "required": True, "partitioned": True,
        "transformLogic": f"DATE '{NO_DAY}'", "transformSourceObjects": [first.raw],
    }  # fmt: skip
    said = "      # no column holds a time: take this out and write `partitioned: true` where one does"
    return [said, *_indent([prop], 6)]


def _custom(values: dict[str, Any]) -> dict[str, Any]:
    return {"customProperties": [{"property": key, "value": value} for key, value in values.items()]} if values else {}


def _seen(column: Profiled) -> list[str]:
    """What the sample showed, as far as it helps to write rules."""
    empty = column.rows - column.filled
    lines = [f"unsure: {note}" for note in column.found.notes]
    ordered = column.found.logical in ("integer", "number", "date", "timestamp") and not column.found.custom
    if column.few:
        lines.append(f"seen: {', '.join(column.few)}; an enum would allow no other")
    elif column.low and (ordered or column.found.logical in ("integer", "number")):
        lines.append(f"seen: {column.low} to {column.high}; minimum and maximum make it a rule")
    elif column.pattern:
        lines.append(f"seen: all match {column.pattern}; as pattern it is a rule")
    if empty:
        lines.append(f"seen: {empty:,} of {column.rows:,} rows without a value")
    lines = ["".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in line)
             for line in lines]  # fmt: skip
    return [part for line in lines for part in textwrap.wrap(line, WIDTH, break_on_hyphens=False)]


def defs_text(extract: dict[str, Any], first: dt.date, last: dt.date | None) -> str:
    """The defs.yaml of a source that is read whole; `first` and `last` are the sample's UTC days."""
    document = {
        "type": "orchestration.components.Source",
        "attributes": {"start": first.isoformat(), "extract": extract},
    }
    ends = [f'  # end: "{last}" # the last day of the sample: where the source is finished, none after it is awaited']
    schedule = [
        *(ends if last else []),
        '  # schedule: "15 2 * * *" # cron, UTC; without it, somebody asks for the data',
    ]
    lines = _dump(document)
    place = next(number for number, line in enumerate(lines) if line.startswith("  extract:"))
    return "\n".join([*lines[:place], *schedule, *lines[place:]]) + "\n"


def _dump(value: Any) -> list[str]:
    text = yaml.dump(value, Dumper=_Indented, sort_keys=False, allow_unicode=True, width=WIDTH)
    return text.rstrip("\n").split("\n")


def _indent(value: Any, columns: int) -> list[str]:
    return [" " * columns + line if line else line for line in _dump(value)]
