"""What `analytics status` advises, of what the process function told."""

import datetime as dt

import pytest

from lambdas.common.source import SourceConfig
from scripts.analytics import report

ROW = {
    "source": "things",
    "paused": False,
    "missing": 4,
    "missing_days": ["2024-01-01/2024-01-03", "2024-01-09/2024-01-09"],
    "strangers": 2,
    "stranger": "raw/things/2024/01/02/data_x.csv",
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
    assert remarks({"filesystem": {"bucket_url": "/x"}})[:3] == [
        "things: no object for 4 days (2024-01-01 to 2024-01-03, 2024-01-09 to 2024-01-09); these land them:",
        "  .venv/bin/python scripts/data_ingest.py things --from 2024-01-01 --to 2024-01-03",
        "  .venv/bin/python scripts/data_ingest.py things --from 2024-01-09 --to 2024-01-09",
    ]


def test_of_a_source_that_others_fill_it_says_where_objects_are_awaited_and_which_are_passed_over(remarks):
    missing, strangers = remarks(None)
    assert "; others put them, as raw/things/YYYY/MM/DD/data_<name>.parquet, the name of letters, digits and" in missing
    assert strangers.startswith("things: 2 objects are passed over, raw/things/2024/01/02/data_x.csv among them; ")
