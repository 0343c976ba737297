"""What functions write for CloudWatch: logs that can be found again, metrics in the embedded format."""

import datetime as dt
import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from lambdas.common import telemetry
from lambdas.common.contract import load_source
from lambdas.process.measures import age, measure_load, measure_table
from lambdas.process.summary import Summary


def written(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The one metric line that was printed."""
    (line,) = capsys.readouterr().out.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_load_is_measured_by_source_and_for_the_whole_function(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_ENV", "dev")
    newest = dt.datetime.now(dt.UTC).replace(tzinfo=None) - dt.timedelta(hours=1)
    measure_load("weather", Summary("x", objects=2, rows_in=8, rows_accepted=6, rows_rejected=2, bad=1, newest=newest))
    found = written(capsys)
    (metrics,) = found["_aws"]["CloudWatchMetrics"]
    assert metrics["Namespace"] == "Analytics/dev"
    assert metrics["Dimensions"] == [["Function"], ["Source"]]
    assert (found["Function"], found["Source"]) == ("process", "weather")
    assert {name: found[name] for name in ("RowsIn", "RowsAccepted", "RowsRejected", "RejectedPercent")} == {
        "RowsIn": [8],
        "RowsAccepted": [6],
        "RowsRejected": [2],
        "RejectedPercent": [25],
    }
    assert found["ObjectsSetAside"] == [1]
    assert 3600 <= found["DataAge"][0] < 3700
    assert {one["Name"]: one["Unit"] for one in metrics["Metrics"]}["DataAge"] == "Seconds"


def test_a_load_without_an_object_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    measure_load("weather", Summary("x", skipped=3))
    assert capsys.readouterr().out == ""


def test_accepted_rows_that_are_not_current_are_superseded(capsys: pytest.CaptureFixture[str]) -> None:
    days = [{"day": "2018-01-31", "rows_accepted": 10}, {"day": "2018-02-01", "rows_accepted": 50}]
    measure_table(load_source("earthquakes"), {"rows": 57, "newest": None, "days": days})
    found = written(capsys)
    assert found["RowsSuperseded"] == [3]
    assert "DataAge" not in found


def test_an_event_still_to_come_has_no_age() -> None:
    assert age(dt.datetime.now(dt.UTC) + dt.timedelta(days=1)) == 0
    assert age(None) is None


def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(KeyError):
        telemetry.measure("process", {"Rows": 1})


def test_a_log_line_says_who_asked_for_what(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = []
    try:
        event = {"source": "weather", "requested_by": "run-1", "key": {"id": "secret"}}
        telemetry.start("process", SimpleNamespace(aws_request_id="r-1"), event)
        logging.getLogger("lambdas").warning("set aside", extra={"raw_key": "raw/weather/x.parquet"})
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    line = json.loads(capsys.readouterr().err)
    wanted = {
        "service": "process",
        "request_id": "r-1",
        "run_id": "run-1",
        "source": "weather",
        "raw_key": "raw/weather/x.parquet",
        "message": "set aside",
    }
    assert {name: line[name] for name in wanted} == wanted
    assert "secret" not in json.dumps(line)
