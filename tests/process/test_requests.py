"""What the process function makes of requests: SQS messages, days, marts."""

import datetime as dt
import json
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from lambdas.common.db import marts
from lambdas.common.db.redshift import autocommit, execute
from lambdas.common.errors import LoadError, RequestError, WarehouseBusy
from lambdas.process import requests
from lambdas.process.app import handler
from lambdas.process.summary import Summary

BUMP = "UPDATE ops.generation SET generation = generation + 1 WHERE source = 'earthquakes'"


def message(identifier: str, *keys: str) -> dict:
    where = {"bucket": {"name": "lake"}}
    events = [{"eventName": "ObjectCreated:Put", "s3": {**where, "object": {"key": key}}} for key in keys]
    return {"messageId": identifier, "body": json.dumps({"Records": events})}


class Loads:
    """Stands in for the loader: remembers the ranges, fails for the days it is told."""

    def __init__(self, failing: set[dt.date]) -> None:
        self.failing = failing
        self.ranges: list[tuple[dt.date, dt.date]] = []

    def load(self, request: requests.Request) -> Summary:
        self.ranges.append((request.start, request.end))
        if request.start in self.failing:
            raise LoadError("refused")
        return Summary(load_id="x")


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> Loads:
    stand_in = Loads(set())
    monkeypatch.setattr(requests, "_loader", lambda contract: stand_in)
    monkeypatch.setattr(requests, "refresh_stale", lambda sources, deadline: None)
    monkeypatch.setenv("ANALYTICS_ENV", "local")
    monkeypatch.setenv("LAKE_BUCKET", "lake")
    return stand_in


def test_only_messages_of_days_that_failed_come_again(loads):
    loads.failing = {dt.date(2013, 1, 1)}
    records = [
        message("bad", "raw/weather/2013/01/01/data_a.parquet"),
        message("good", "raw/weather/2013/01/05/data_a.parquet"),
        message("good too", "raw/weather/2013/01/06/data_a.parquet"),
    ]
    answer = requests.load_messages(records, "r", time.monotonic() + 9)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}]}
    assert loads.ranges[1] == (dt.date(2013, 1, 5), dt.date(2013, 1, 7)), "contiguous days are one range"


def test_keys_arrive_encoded_as_in_a_url(loads):
    records = [message("m", "raw/weather/2013/01/01/data_a%2Bb%3A1.parquet")]
    requests.load_messages(records, "r", time.monotonic() + 9)
    assert loads.ranges == [(dt.date(2013, 1, 1), dt.date(2013, 1, 2))]


def test_names_that_break_the_pattern_make_their_day_dirty(loads):
    records = [message("m", f"raw/weather/2013/01/0{n}/{name}") for n, name in ((1, "x.csv"), (2, ""), (3, "a+b"))]
    assert requests.load_messages(records, "r", time.monotonic() + 9) == {"batchItemFailures": []}
    assert loads.ranges == [(dt.date(2013, 1, 1), dt.date(2013, 1, 4))]


def test_what_lies_in_no_day_raises_the_alarm_and_folders_above_the_days_are_nothing(loads, caplog, capsys):
    records = [message("m", "raw/weather/", "raw/weather/2013/", "raw/weather/foo.parquet", "raw/weather/2013/x")]
    assert requests.load_messages(records, "r", time.monotonic() + 9) == {"batchItemFailures": []}
    assert loads.ranges == []
    assert [text.split("'")[1] for text in caplog.messages] == ["raw/weather/foo.parquet", "raw/weather/2013/x"]
    [told] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "ObjectsSetAside" in line]
    assert (told["ObjectsSetAside"], told["Function"]) == ([2], "process")


def test_messages_of_a_source_that_is_not_declared_yet_come_again(loads):
    records = [
        message("early", "raw/tomorrow/2013/01/01/data_a.parquet"),
        message("w", "raw/weather/2013/01/01/data_a.parquet"),
    ]
    answer = requests.load_messages(records, "r", time.monotonic() + 9)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "early"}]}
    assert len(loads.ranges) == 1


@pytest.mark.parametrize("body", ["no json", "[]", '{"Event": "s3:TestEvent"}', '{"Records": [{"s3": {}}]}'])
def test_foreign_messages_are_left_alone(loads, body: str):
    answer = requests.load_messages([{"messageId": "m", "body": body}], "r", time.monotonic() + 9)
    assert answer == {"batchItemFailures": []}
    assert loads.ranges == []


def test_days_that_a_source_does_not_have_are_not_loaded(loads, caplog):
    days = ("2012/12/31", "2013/01/05", "2014/01/01", "2999/01/01")
    records = [message(day, f"raw/weather/{day}/data_a.parquet") for day in days]
    assert requests.load_messages(records, "r", time.monotonic() + 9) == {"batchItemFailures": []}
    assert loads.ranges == [(dt.date(2013, 1, 5), dt.date(2013, 1, 6))]
    assert "2012-12-31 of weather is not loaded: the source has no such day" in caplog.text
    assert "2999-01-01 of weather is not loaded: the day has not begun" in caplog.text


def test_nothing_of_a_paused_source_is_loaded(loads, monkeypatch):
    paused = replace(requests.load_source_config("weather"), paused=True)
    monkeypatch.setattr(requests, "load_source_config", lambda name: paused)
    records = [message("m", "raw/weather/2013/01/01/data_a.parquet")]
    assert requests.load_messages(records, "r", time.monotonic() + 9) == {"batchItemFailures": []}
    assert loads.ranges == []


def test_messages_come_again_when_the_marts_could_not_be_refreshed(loads, monkeypatch):
    def busy(sources, deadline):
        raise WarehouseBusy("1023")

    monkeypatch.setattr(requests, "refresh_stale", busy)
    records = [message("m", "raw/weather/2013/01/01/data_a.parquet")]
    answer = requests.load_messages(records, "r", time.monotonic() + 9)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m"}]}


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"action": "lod"}, "allowed are load, rebuild, refresh"),
        ({"action": "load", "source": "wether"}, "known are"),
        ({"action": "load", "source": "weather", "start": "soon"}, "start is 'soon'"),
        ({"action": "refresh", "marts": ["x"]}, "known are"),
    ],
)
def test_wrong_request_names_what_is_wrong(event, words, monkeypatch):
    monkeypatch.setattr(requests.Settings, "from_environment", lambda: None)
    with pytest.raises(RequestError, match=words):
        handler(event, None)


def test_mart_is_stale_until_a_refresh_has_seen_the_last_load(warehouse):
    mart = requests.load_marts()["daily_seismicity"]
    with warehouse.session("tests") as connection:
        before = marts.refresh(connection, mart)
        assert not marts.is_stale(connection, mart)
        with autocommit(connection):
            execute(connection, BUMP)
        assert marts.is_stale(connection, mart)
        assert marts.find_behind(connection, mart) == ["earthquakes"]
        assert marts.refresh(connection, mart) == {"earthquakes": before["earthquakes"] + 1}
        assert not marts.is_stale(connection, mart)
        marts.write_state(connection, mart, {"read_no_longer": 1})
        assert marts.find_behind(connection, mart) == [], "mart.sql does not read that one any more"


def test_load_that_commits_during_a_refresh_is_not_claimed(warehouse, monkeypatch):
    mart = requests.load_marts()["daily_seismicity"]
    original = marts.execute

    def commit_a_load_then(connection, sql, args=()):
        if sql.startswith("REFRESH"):
            with warehouse.session("tests other") as other, autocommit(other):
                execute(other, BUMP)
        return original(connection, sql, args)

    monkeypatch.setattr(marts, "execute", commit_a_load_then)
    with warehouse.session("tests") as connection:
        marts.refresh(connection, mart)
        assert marts.is_stale(connection, mart)


@pytest.mark.parametrize(("action", "objects", "moved"), [("load", 3, True), ("load", 0, False), ("rebuild", 0, True)])
def test_call_that_goes_on_with_the_same_days_shows_that_it_moved(monkeypatch, action: str, objects: int, moved: bool):
    summary = Summary(load_id="x", objects=objects, remaining=dt.date(2013, 1, 1))
    monkeypatch.setattr(requests, "_loader", lambda contract: SimpleNamespace(load=lambda request: summary))
    event = {"action": action, "source": "weather", "start": "2013-01-01", "end": "2013-01-02"}
    remaining = requests.load_days(event, "r", time.monotonic() + 9)["remaining"]
    assert ({**event, **remaining} != event) is moved


def test_load_id_that_is_none_is_refused(loads):
    event = {"action": "rebuild", "source": "weather", "start": "2013-01-01", "end": "2013-01-02", "load_id": "mine"}
    with pytest.raises(RequestError, match="load_id is 'mine'"):
        requests.load_days(event, "r", time.monotonic() + 9)
