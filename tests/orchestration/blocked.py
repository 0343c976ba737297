"""The earthquakes and their mart, where a blocking check says that no key may stand twice; a daemon's code location."""

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import yaml

from lambdas.common.contract import assets_folder
from orchestration.automation import build_automation
from orchestration.components import Mart, Source
from orchestration.resources import build_resources
from orchestration.sensors import build_sensors

UNIQUE = dg.AssetCheckKey(dg.AssetKey(["core", "earthquakes"]), "keys_are_unique")
MART = dg.AssetKey(["mart", "daily_seismicity"])
# Where `declare` has put what the code location is made of.
FOLDER = "BLOCKED_ASSETS"


def declare(assets: Path) -> None:
    """Write a copy of assets/ in which the check blocks."""
    shutil.copytree(assets_folder(), assets, ignore=shutil.ignore_patterns("__pycache__", "sample"))
    path = assets / "sources" / "earthquakes" / "contract.yaml"
    contract = yaml.safe_load(path.read_text())
    blocking = {"property": "checks", "value": {UNIQUE.name: "blocking"}}
    contract["schema"][0].setdefault("customProperties", []).append(blocking)
    path.write_text(yaml.safe_dump(contract))


def build(assets: Path) -> dg.Definitions:
    """The definitions of the source and of its mart in such a copy."""
    model = Source.model()(start="2018-01-30")
    source = Source.resolve_from_model(dg.ResolutionContext.default(), model)
    folders = (assets / "sources" / "earthquakes", assets / "marts" / "daily_seismicity")
    built = [one.build_defs(SimpleNamespace(path=path)) for one, path in zip((source, Mart()), folders, strict=True)]  # type: ignore[arg-type]
    return dg.Definitions.merge(*built, dg.Definitions(resources=build_resources()))


@dg.definitions
def defs() -> dg.Definitions:
    """The same with what makes it run by itself."""
    sensors = [*build_sensors(), build_automation()]
    platform = dg.Definitions(sensors=sensors, executor=dg.in_process_executor)
    return dg.Definitions.merge(build(Path(os.environ[FOLDER])), platform)
