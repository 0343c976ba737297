"""A window over a column of a database: every row lands once, under its own UTC day, however times are written."""

import datetime as dt
import sqlite3
from collections import Counter
from zoneinfo import ZoneInfo

import pytest

from lambdas.common.errors import SourceError
from tests.ingest.conftest import key

BERLIN = ZoneInfo("Europe/Berlin")
# three UTC days and an hour of those beside them, in the night of which Berlin's clocks go forward
TIMES = [dt.datetime(2024, 3, 29, 23, tzinfo=dt.UTC) + number * dt.timedelta(hours=1) for number in range(74)]
DAYS = ("2024-03-30", "2024-03-31", "2024-04-01")
SPELLINGS = {
    "UTC": (lambda at: f"{at:%Y-%m-%dT%H:%M:%SZ}", {}),
    "local": (lambda at: f"{at.astimezone(BERLIN):%Y-%m-%d %H:%M:%S}", {"defaultTimezone": "Europe/Berlin"}),
    "offsets": (lambda at: at.astimezone(ZoneInfo("Asia/Kolkata")).isoformat(), {}),
    "far west": (lambda at: at.astimezone(ZoneInfo("Pacific/Pago_Pago")).isoformat(), {}),
    "slashes": (lambda at: f"{at:%Y/%m/%d %H:%M:%S}", {}),
    "both": (lambda at: f"{at:%Y/%m/%d %H:%M:%S}" if at.hour % 2 else at.isoformat(), {}),
    "digits": (
        lambda at: f"{at.astimezone(BERLIN):%Y%m%d %H%M}",
        {"format": "yyyyMMdd HHmm", "defaultTimezone": "Europe/Berlin"},
    ),
    "zoned format": (lambda at: f"{at.astimezone(BERLIN):%Y.%m.%d %H:%M %z}", {"format": "yyyy.MM.dd HH:mm xx"}),
}


def table(bench, texts):
    connection = sqlite3.connect(bench.folder / "shop.sqlite")
    connection.execute("CREATE TABLE seen (id INTEGER, at TEXT)")
    connection.executemany("INSERT INTO seen VALUES (?, ?)", enumerate(texts))
    connection.commit()
    connection.close()
    url = f"sqlite:///{bench.folder / 'shop.sqlite'}"
    return {"sql_database": {"url": url, "table": "seen", "window_column": "at"}}


def ids_of(bench):
    return {day: sorted(row["id"] for row in bench.rows(day)) for day in DAYS}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_row_lands_once_under_its_own_day(bench, spelling):
    spell, bench.reading = SPELLINGS[spelling]
    extract = table(bench, map(spell, TIMES))
    answers = [bench.ingest(extract, day, f"{dt.date.fromisoformat(day) + dt.timedelta(days=1)}") for day in DAYS]
    assert [answer["rows"] for answer in answers] == [24] * 3
    # rows that stand out of order come with every window
    assert any(answer["outside"] for answer in answers) == (spelling in ("slashes", "both"))
    assert ids_of(bench) == {day: [number for number, at in enumerate(TIMES) if f"{at.date()}" == day] for day in DAYS}
    assert bench.ingest(extract, DAYS[0], "2024-04-02")["objects"] == {"put": 0, "unchanged": 3, "emptied": 0}


def test_a_time_that_cannot_be_read_is_of_one_window_alone(bench):
    bench.reading = {"defaultTimezone": "Europe/Berlin"}
    texts = ["2024-03-31 02:30:00", "2024-03-31 00:30:00", "2024-03-31 25:00:00", "2024-03-30 12:61:00", "n/a", None]
    extract = table(bench, texts)
    for day in DAYS:
        bench.ingest(extract, day, f"{dt.date.fromisoformat(day) + dt.timedelta(days=1)}")
    assert ids_of(bench) == {"2024-03-30": [1, 3], "2024-03-31": [0, 2], "2024-04-01": []}


def test_an_order_that_is_not_that_of_time_is_refused(bench):
    bench.reading = {"format": "dd.MM.yyyy HH:mm"}
    extract = table(bench, [f"{at:%d.%m.%Y %H:%M}" for at in TIMES])
    with pytest.raises(SourceError, match=r"'dd.MM.yyyy HH:mm', whose order is not that of time.*leave window_column"):
        bench.ingest(extract, DAYS[0], DAYS[1])
    assert bench.etags() == {}
    bench.ingest({"sql_database": {name: value for name, value in extract["sql_database"].items() if name[0] != "w"}})
    assert sum(Counter({day: len(ids) for day, ids in ids_of(bench).items()}).values()) == 72


def test_a_table_without_any_time_has_no_rows(bench):
    bench.ingest(table(bench, [None, None]), DAYS[0], DAYS[1])
    assert list(bench.etags()) == [key(DAYS[0])]
    assert bench.rows(DAYS[0]) == []
