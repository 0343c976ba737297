"""What is proposed for columns whose values are written in several ways: read exactly, or said to be a text and why."""

import csv
import datetime as dt
import json
from decimal import Decimal

import pytest
import yaml

from lambdas.common.contract.check import check_source
from lambdas.common.propose import propose, read_sample

UTC = dt.UTC
TEN = dt.datetime(2024, 1, 31, 10, tzinfo=UTC)
DAY = dt.datetime(2024, 1, 31, tzinfo=UTC)
# texts of four rows; the type; the values, where it is not the texts themselves; words of what is said
COLUMNS = {
    "id": (["1", "2", "3", "4"], "integer", [1, 2, 3, 4], ""),
    "at": (
        ["2024-01-31T10:00:00.5Z", "31.01.2024 10:00", "1706695200", "1706695200250"], "timestamp",
        [TEN.replace(microsecond=500_000), TEN, TEN, TEN.replace(microsecond=250_000)],
        "has seconds since 1970, milliseconds since 1970, dd.MM.yyyy HH:mm beside ISO 8601",
    ),
    "long_days": (
        ["January 31, 2024", "May 1, 2024", "31.01.2024", "2024-01-31"], "date",
        [DAY.date(), dt.date(2024, 5, 1), DAY.date(), DAY.date()],
        "has 3 formats, MMMM d, yyyy, dd.MM.yyyy, yyyy-MM-dd",
    ),
    "five": (
        ["31/01/2024", "31.01.2024 10:00", "2024/01/31 10:00:00", "2024-01-31T10:00:00Z"], "timestamp",
        [DAY, TEN, TEN, TEN], "has days without a time of day, dd/MM/yyyy: they are read as midnight",
    ),
    "turned": (
        ["01/02/2024 10:00", "2024-02-01 10:00", "03/02/2024 10:00", "04/02/2024 10:00"], "timestamp",
        [TEN.replace(month=2, day=day) for day in (1, 1, 3, 4)], "could be MM/dd/yyyy HH:mm as well",
    ),
    "both_ways": (["01/02/2024", "31/01/2024", "01/31/2024", "02/02/2024"], "varchar(16)", None,
                  "has days as dd/MM/yyyy and others with the month where that has the day"),
    "short": (["31.12.69", "01.01.68", "1.1.00", "01.01.2001"], "date",
              [dt.date(1969, 12, 31), dt.date(2068, 1, 1), dt.date(2000, 1, 1), dt.date(2001, 1, 1)],
              "69 to 99 are read as 1969 to 1999"),
    "no_day": (["31.01.2024", "30.02.2024", "01.02.2024", "02.02.2024"], "varchar(16)", None,
               "nearly all are times of dd.MM.yyyy, but '30.02.2024' not"),
    "no_number": (["1", "2", "x", "4"], "varchar(16)", None, "nearly all are numbers, but 'x' not"),
    "owed": (["1.50-", "2", "3,000.25", "-1"], "varchar(16)", None, "has numbers with the minus behind them"),
    "owed_too": (["(1.50)", "2", "3", "4"], "varchar(16)", None, "or in brackets, and stays a text"),
    "week": (["2024-W01", "2024-W02", "2024-W53", "2025-W01"], "varchar(16)", None, "is a week of ISO 8601"),
    "week_day": (["2024-W01-1", "2024-W02-7", "2024-W53-1", "2025-W01-1"], "varchar(16)", None, "or a day of one"),
    "precise": (["0.12345678901234567891", "1.5", "-2", "3"], "decimal(23,20)",
                [Decimal("0.12345678901234567891"), Decimal("1.5"), Decimal(-2), Decimal(3)],
                "as 0.12345678901234567891: decimal keeps them"),
    "large": (["12.345.678.901.234.567,89", "1,5", "2", "3"], "decimal(21,2)",
              [Decimal("12345678901234567.89"), Decimal("1.5"), Decimal(2), Decimal(3)], "decimal keeps them"),
    "too_precise": (["0." + "1234567890" * 4, "1.5", "2", "3"], "double precision",
                    [float("0." + "1234567890" * 4), 1.5, 2.0, 3.0],
                    "a double rounds them, or refuses integers; varchar keeps them"),
    "a_double": (["0.123456", "1.5e10", "1e5", "-0"], "double precision", [0.123456, 1.5e10, 1e5, 0.0], ""),
    "thousands": (["1.234", "5.678", "9", "10"], "decimal(18,4)",
                  [Decimal("1.234"), Decimal("5.678"), Decimal(9), Decimal(10)], "is 1.234 a thousand or a fraction?"),
    "fractions": (["0.234", "5.678", "9", "10"], "decimal(18,4)",
                  [Decimal("0.234"), Decimal("5.678"), Decimal(9), Decimal(10)], ""),
}  # fmt: skip


def write(folder, name, content):
    """The proposal for a file of that content, and the folder with its two files."""
    (folder / name).write_text(content)
    proposal = propose("things", read_sample(str(folder / name)))
    target = folder / "assets" / "sources" / "things"
    target.mkdir(parents=True)
    (target / "contract.yaml").write_text(proposal.contract)
    (target / "defs.yaml").write_text(proposal.defs)
    return proposal, target


def test_columns_of_several_formats_load_as_they_are_meant(pipeline, tmp_path):
    with (tmp_path / "rows").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *zip(*(texts for texts, *_ in COLUMNS.values()), strict=True)])
    proposal, target = write(tmp_path, "rows", (tmp_path / "rows").read_text())
    assert check_source(target) == []
    types = {p["name"]: p["physicalType"] for p in yaml.safe_load(proposal.contract)["schema"][0]["properties"]}
    assert types == {name: kind for name, (_, kind, _, _) in COLUMNS.items()}
    done = pipeline.run_folder(target, {})
    assert (done.reasons, done.bad) == ([], [])
    rows = sorted(done.accepted, key=lambda row: row["id"])
    for name, (texts, _, values, said) in COLUMNS.items():
        assert [row[name] for row in rows] == (values or texts)
        told = [text for text in proposal.unsure if text.startswith(f"{name}: ")]
        assert any(said in text for text in told) if said else told == [], name


ROWS = [{"id": n, "at": "2024-01-01"} for n in range(3)]


@pytest.mark.parametrize(
    ("document", "selector", "rows", "said"),
    [
        ({"rows": ROWS}, "rows", 3, ["the rows are the list at rows (3); without json.data_selector the file is one"]),
        (
            {"meta": {"units": ROWS[:2]}, "data": {"rows": ROWS}, "warnings": ROWS[:1], "unit": "m", "total_pages": 2},
            "data.rows", 3,
            ["data.rows (3), because it is the longest; others are meta.units (2), warnings (1): json.data_selector",
             "is in no row: unit", "has total_pages"],
        ),
        ({"a.b": ROWS, "c": ROWS[:1]}, "c", 1, ["others are a.b (3)"]),
        ({"value": ROWS, "@odata.nextLink": "x"}, "value", 3, ["the envelope has @odata.nextLink"]),
        ({"id": 1, "at": "2024-01-01", "tags": ["a"]}, None, 1, []),
    ],
)  # fmt: skip
def test_which_list_of_an_envelope_is_taken_is_said(tmp_path, document, selector, rows, said):
    proposal, _ = write(tmp_path, "answer", json.dumps(document))
    extract = yaml.safe_load(proposal.defs)["attributes"]["extract"]["filesystem"]
    assert extract.get("json", {}).get("data_selector") == selector
    assert proposal.rows == rows
    for words in said:
        assert words in "\n".join(proposal.unsure)


def test_numbers_of_json_keep_the_digits_that_ingest_keeps(pipeline, tmp_path):
    lines = ['{"at": "2024-01-01", "v": 0.12345678901234567891, "n": 9007199254740993, "m": 9007199254740993}',
             '{"at": "2024-01-01", "v": 2, "n": 1, "m": 0.5}']  # fmt: skip
    proposal, target = write(tmp_path, "rows.ndjson", "\n".join(lines))
    assert "v: has numbers of more digits than a double holds" in "\n".join(proposal.unsure)
    done = pipeline.run_folder(target, {})
    assert done.values("v") == [Decimal("0.12345678901234567891"), Decimal(2)]
    assert done.values("n") == [9007199254740993, 1]
    assert done.values("m") == [Decimal(9007199254740993), Decimal("0.5")]


def test_one_line_of_ndjson_is_no_envelope(tmp_path):
    proposal, _ = write(tmp_path, "a.ndjson", json.dumps({"at": "2024-01-01", "items": ROWS}))
    assert yaml.safe_load(proposal.defs)["attributes"]["extract"]["filesystem"]["format"] == "ndjson"
    assert proposal.rows == 1


@pytest.mark.parametrize("times", ["2024-01-0{n}T10:00:00Z", "0{n}.01.2024 10:00"])
def test_a_column_that_mostly_holds_times_is_named_with_what_is_none(tmp_path, times):
    path = tmp_path / "a.csv"
    whens = [*(times.format(n=n) for n in range(1, 6)), "soon", "later"]
    path.write_text("n,when\n" + "".join(f"{n},{when}\n" for n, when in enumerate(whens)))
    unsure = "\n".join(propose("things", read_sample(str(path))).unsure)
    assert "no column holds a time in all rows" in unsure
    assert "when_: most are times" in unsure
    assert "but 'later', 'soon' not, so it stays a text" in unsure


def test_an_unknown_word_among_amounts_is_named_with_their_separators(tmp_path):
    path = tmp_path / "a.csv"
    amounts = [*(f"{n}.{n:03},{n}5" for n in range(1, 20)), "keine"]
    path.write_text("at;amount\n" + "".join(f"2024-01-01;{amount}\n" for amount in amounts))
    unsure = "\n".join(propose("things", read_sample(str(path))).unsure)
    assert "amount: nearly all are numbers with decimalSeparator ',', thousandsSeparator '.', but 'keine' not" in unsure


def test_days_that_could_be_months_are_said_to_be_unsure(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("at,n\n01/02/2024,1\n03/04/2024,2\n")
    assert "could be MM/dd/yyyy as well" in "\n".join(propose("things", read_sample(str(path))).unsure)
    path.write_text("at,n\n01/02/2024,1\n03/14/2024,2\n")
    proposal = propose("things", read_sample(str(path)))
    assert "format: MM/dd/yyyy" in proposal.contract
    assert "as well" not in "\n".join(proposal.unsure)
