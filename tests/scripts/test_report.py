"""What `analytics status` and `analytics rejected` say of what the process function told."""

import datetime as dt
import subprocess
import sys
from types import SimpleNamespace

import pytest

from lambdas.common.contract import Column, load_source
from lambdas.common.contract.model import Reading
from lambdas.common.source import SourceConfig
from scripts import functions
from scripts.analytics import plan, rejected, report
from tests.cloud import PROJECT

ROW = {
    "source": "things",
    "paused": False,
    "missing": 4,
    "missing_days": ["2024-01-01/2024-01-03", "2024-01-09/2024-01-09"],
    "undated": 2,
    "undated_key": "raw/things/data_x.parquet",
    "former": 0,
    "rows_rejected": 0,
    "bad": 0,
}


@pytest.fixture
def remarks(monkeypatch, capsys):
    def told(extract):
        config = SourceConfig("things", dt.date(2024, 1, 1), extract=extract)
        monkeypatch.setattr(report, "load_source_config", lambda name: config)
        report._print_remarks(ROW)
        return capsys.readouterr().out.splitlines()

    return told


def test_missing_days_come_by_commands_that_are_ready_to_copy(remarks):
    assert remarks({"filesystem": {"bucket_url": "/x"}})[:4] == [
        "things: nothing is loaded of 4 days (2024-01-01 to 2024-01-03, 2024-01-09 to 2024-01-09); these land them:",
        "  .venv/bin/python scripts/data_ingest.py things --from 2024-01-01 --to 2024-01-03",
        "  .venv/bin/python scripts/data_ingest.py things --from 2024-01-09 --to 2024-01-09",
        "  what has landed and is not loaded `analytics prove things` says, "
        "and `analytics rebuild things --from DAY --to DAY` loads",
    ]


def test_of_a_source_that_others_fill_it_says_where_objects_are_awaited_and_which_lie_in_no_day(remarks):
    missing, _, undated = remarks(None)
    assert "; others put them, as raw/things/YYYY/MM/DD/data_<name>.parquet, the name of letters, digits and" in missing
    assert undated.startswith("things: 2 objects lie in no day, raw/things/data_x.parquet among them; expected raw/")


def test_a_proof_says_what_loads_an_object_that_is_not_loaded_and_why_nothing_does(capsys):
    proof = {"source": "things", "pending": 3, "missing": ["2024-01-02/2024-01-03"]}
    report._print_unloaded({**proof, "outside": 1, "outside_days": ["2023-12-31/2023-12-31"]})
    assert capsys.readouterr().out.splitlines() == [
        "things: 3 objects are not loaded; if nothing loads them by itself, these do:",
        "  .venv/bin/python -m scripts.analytics rebuild things --from 2024-01-02 --to 2024-01-03",
        "things: 1 objects lie in days that the source does not have (2023-12-31 to 2023-12-31), and nothing "
        "loads them: are `start` and `end` in its defs.yaml right?",
    ]
    report._print_unloaded({**proof, "pending": 0, "outside": 0})
    assert capsys.readouterr().out == ""


def test_a_proof_names_an_object_that_lies_in_no_day(capsys):
    report._print_undated({"source": "things", "undated": 0, "undated_key": None})
    assert capsys.readouterr().out == ""
    report._print_undated({"source": "things", "undated": 1, "undated_key": "raw/things/x.parquet"})
    said = capsys.readouterr().out
    assert said.startswith("things: 1 objects lie in no day, raw/things/x.parquet among them; expected raw/<source>/")


def test_a_source_that_is_declared_and_not_deployed_is_told_from_an_unknown_one():
    answer = {"errorType": "RequestError", "errorMessage": "source 'things' is unknown; known are weather"}
    said = str(functions._failure(answer, {"source": "things"}))
    assert said.startswith(
        "source 'things' is unknown; known are weather; it is declared here, but the deployed function"
    )
    other = {**answer, "errorMessage": "start is 'x'"}
    assert str(functions._failure(other, {"source": "things"})) == "start is 'x'"


def test_a_reader_that_has_had_enough_is_no_error():
    command = [sys.executable, "-m", "scripts.analytics", "check"]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    assert (process.stderr.read(), process.wait(60)) == ("", 0)
    process.stderr.close()


def test_time_that_was_no_time_is_told_with_the_zone_in_which_it_is_read(monkeypatch, capsys):
    zoned = Column("at", "timestamp", "timestamp", "at", ("at",), reading=Reading(zone="Europe/Berlin"))
    plain = Column("day", "date", "date", "day", ("day",))
    contract = SimpleNamespace(columns=(zoned, plain))
    monkeypatch.setattr(rejected, "load_source", lambda name: contract)
    reasons = [{"column": c, "rule": r, "rows": 1} for c, r in (("at", "cast"), ("at", "required"), ("day", "cast"))]
    found = {"source": "things", "rows": [], "rows_rejected": 3, "objects": 1, "objects_read": 1, "reasons": reasons}
    rejected._print_reasons(found, rejected._zones("things"))
    _, at, *others = capsys.readouterr().out.splitlines()
    assert at.endswith(
        "1  at: cast (without an offset a time of Europe/Berlin, and none that clocks there skip or show twice)"
    )
    assert [line.split("  ")[-1] for line in others] == ["at: required", "day: cast"]


@pytest.mark.parametrize("deployed", [True, False])
def test_a_plan_by_another_contract_than_that_of_the_folder_says_so(capsys, monkeypatch, deployed):
    counts = dict.fromkeys(
        (
            "objects",
            "in_force",
            "tried",
            "in_part",
            "rows_in",
            "rows_accepted",
            "rows_rejected",
            "rows_late",
            "set_aside",
        ),
        0,
    )
    lists = {name: [] for name in ("reasons", "remarks", "table", "obstacles", "batches")}
    found = {"source": "weather", "contract": load_source("weather").hash if deployed else "other", **counts, **lists}
    monkeypatch.setattr(plan, "find_function", lambda name: SimpleNamespace(call=lambda event: found))
    plan.show_plan(SimpleNamespace(source="weather", first=None, last=None, rebuild=False, json=False))
    assert ("by the contract that is deployed; the one here is another" in capsys.readouterr().out) is not deployed
