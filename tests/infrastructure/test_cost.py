"""docs/cost.md says what templates, parameters and prices make; each of these numbers moves it."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from infrastructure.cost.__main__ import COLUMNS, HERE, PAGE, page
from infrastructure.cost.lines import lines, rpu_hours_a_day
from infrastructure.cost.shape import Shape, read_run, read_shape

PRICES: dict[str, Any] = yaml.safe_load((HERE / "prices.yaml").read_text())["prices"]
ASSUMED: dict[str, Any] = yaml.safe_load((HERE / "workloads.yaml").read_text())
LOADS = {name: {**ASSUMED["common"], **load} for name, load in ASSUMED["workloads"].items()}
RUN = read_run()


@pytest.fixture(scope="module")
def prod() -> Shape:
    return read_shape("prod")


def total(shape: Shape, load: dict[str, float], prices: dict[str, Any] = PRICES) -> float:
    return sum(lines(shape, RUN, load, prices).values())


def with_parameter(shape: Shape, name: str, value: str) -> Shape:
    return dataclasses.replace(shape, parameters={**shape.parameters, name: value})


def test_the_page_is_what_the_program_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make cost`"
    assert {name for _, name in COLUMNS} == set(LOADS)


def test_every_price_is_used(prod: Shape) -> None:
    prod = dataclasses.replace(prod, resources=(*prod.resources, {"Type": "AWS::CloudWatch::Dashboard"}))
    none_there = with_parameter(prod, "Egress", "endpoints")
    for name, price in PRICES.items():
        dearer = {kind: 2 * cost for kind, cost in price.items()} if isinstance(price, dict) else 2 * price
        changed = {**PRICES, name: dearer}
        assert any(total(one, LOADS["medium"], changed) > total(one, LOADS["medium"]) for one in (prod, none_there)), (
            name
        )


@pytest.mark.parametrize("name", sorted(ASSUMED["common"]))
def test_every_assumption_is_used(prod: Shape, name: str) -> None:
    load = LOADS["medium"]
    assert total(prod, {**load, name: load[name] * 2}) > total(prod, load)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("BaseCapacity", "16"), ("TaskCpu", "4096"), ("TaskMemory", "16384"), ("EndpointZones", "1")),
        *(("DatabaseClass", "db.t4g.medium"), ("DatabaseInTwoZones", "false"), ("Egress", "none")),
        *(("ProcessMemory", "8192"), ("LogRetentionDays", "365")),
    ],
)
def test_a_parameter_of_the_stacks_moves_the_sum(prod: Shape, name: str, value: str) -> None:
    assert total(with_parameter(prod, name, value), LOADS["small"]) != total(prod, LOADS["small"])


def test_another_alarm_and_another_secret_cost(prod: Shape) -> None:
    for kind in ("AWS::CloudWatch::Alarm", "AWS::SecretsManager::Secret"):
        more = dataclasses.replace(prod, resources=(*prod.resources, {"Type": kind}))
        assert total(more, LOADS["idle"]) > total(prod, LOADS["idle"])


def test_the_limit_lets_the_expected_load_through(prod: Shape) -> None:
    assert rpu_hours_a_day(prod, LOADS["medium"]) < prod.number("RpuHoursPerDay")
    dev = read_shape("dev")
    assert rpu_hours_a_day(dev, LOADS["small"]) < dev.number("RpuHoursPerDay")


def test_prices_have_their_date_and_place() -> None:
    stated = yaml.safe_load(Path(HERE / "prices.yaml").read_text())
    assert {"stated", "region", "prices"} == set(stated)
    assert str(stated["stated"]) in PAGE.read_text(encoding="utf-8")
