"""The defs.yaml of a source, read without Dagster: where its data comes from, and since when."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lambdas.common.contract import assets_folder
from lambdas.common.errors import ContractError

EXTRACTORS = ("rest_api", "filesystem", "sql_database")


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """The attributes of a defs.yaml. `start` is the first UTC day; `schedule` a cron line in UTC.

    `extract` holds one of rest_api, filesystem or sql_database in dlt's own configuration, beside
    `end: inclusive` where the source includes the end of a window, and other options that
    lambdas.ingest.request lists. None: others drop the files.
    """

    name: str
    start: dt.date
    schedule: str | None = None
    extract: Mapping[str, Any] | None = None

    @property
    def extractor(self) -> str | None:
        """Which extractor `extract` configures; None where others drop the files."""
        if self.extract is None:
            return None
        return next(kind for kind in EXTRACTORS if kind in self.extract)

    @property
    def windowed(self) -> bool:
        """Whether the source is asked for days; if not, it is read whole at every call."""
        extract = self.extract or {}
        return _holds_window(extract) or "window_column" in (extract.get("sql_database") or {})

    @property
    def pass_days(self) -> int:
        """The most days that one pass over the source asks for."""
        return max(1, int((self.extract or {}).get("pass_days", 31)))


def _holds_window(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_window(item) for item in value.values())
    if isinstance(value, list):
        return any(_holds_window(item) for item in value)
    return isinstance(value, str) and ("{start}" in value or "{end}" in value)


def load_source_config(name: str, assets: Path | None = None) -> SourceConfig:
    """The configuration of that source.

    Raises:
        ContractError: the file is missing or wrong; names it and what is allowed.
    """
    path = (assets or assets_folder()) / "sources" / name / "defs.yaml"
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return parse_source_config(name, document["attributes"])
    except FileNotFoundError as error:
        raise ContractError(f"{path}: no such source; is the name right?") from error
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise ContractError(f"{path}: cannot be read: {type(error).__name__}: {error}") from error


def parse_source_config(name: str, attributes: Mapping[str, Any]) -> SourceConfig:
    """The same from the `attributes` block itself.

    Raises:
        ValueError: an attribute is unknown, missing or malformed.
    """
    unknown = set(attributes) - {"start", "schedule", "extract"}
    if unknown:
        raise ValueError(f"unknown attributes {sorted(unknown)}; allowed are start, schedule, extract")
    extract = attributes.get("extract")
    if extract is not None and sum(kind in extract for kind in EXTRACTORS) != 1:
        raise ValueError(f"extract must hold exactly one of {', '.join(EXTRACTORS)}")
    return SourceConfig(name, dt.date.fromisoformat(str(attributes["start"])), attributes.get("schedule"), extract)
