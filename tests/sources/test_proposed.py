"""What is proposed for awkward samples: it passes the check, all rows would load, and what is unsure is said."""

import gzip
import json
import sqlite3
from dataclasses import dataclass

import pytest
import yaml

from lambdas.common.contract import load_contract
from lambdas.common.contract.check import check_source
from lambdas.common.propose import propose, read_sample
from lambdas.common.propose.shapes import find_pattern, looks_like_number


def lines(head, row, count=30):
    return head + "\n" + "".join(row.format(n=n, d=n % 28 + 1, m=n % 9 + 1) + "\n" for n in range(count))


@dataclass
class Expected:
    """The event time, the key, and words of what is said; None for the day that stands in for an event time."""

    event: str | None
    key: tuple[str, ...]
    said: tuple[str, ...] = ()


GEO = {"features": [{"id": f"x{n}", "properties": {"time": 1700000000000 + n, "mag": n / 3}} for n in range(30)]}
SAMPLES = {
    "several times": (
        lines("customer_id,birth_date,created,last_modified,valid_until",
              "{n},1990-0{m}-11,2024-0{m}-{d:02} 10:00:00,2024-11-{d:02}T00:00:00Z,2099-12-31"),
        Expected("created", ("customer_id",), ("birth_date, last_modified, valid_until could be it as well",
                                               "last_modified: of the rows of a key", "about people?")),
    ),
    "latin-1 and semicolons": (
        lines("Straße;Größe;Gemessen am", "Müllerweg {n};{n},5;{d:02}.03.2024 1{m}:1{m}").encode("latin-1"),
        Expected("gemessen_am", ("gemessen_am",), ("was read as cp1252", "say defaultTimezone", "rows of one instant")),
    ),
    "epochs in records": (json.dumps(GEO), Expected("properties_time", ("id",), ("counts milliseconds since 1970",))),
    "epochs in text": (
        lines("id,ts,n", "a{n},170000{n:04},1"), Expected("ts", ("id",), ("counts seconds since 1970",)),
    ),
    "a number that could be a time": (
        gzip.compress("\n".join(json.dumps({"k": n, "when": 1714521600 + n}) for n in range(30)).encode()),
        Expected(None, (), ("when_: could count seconds since 1970", "no column holds a time")),
    ),
    "months": (lines("month,region,n", "2023-0{m},r{m},{n}"), Expected(None, (), ("month: is a month",))),
    "days and clock times": (
        lines("day,clock,n", "2024-01-{d:02},1{m}:15,{n}"), Expected("day", (), ("clock: is a time of day",)),
    ),
    "signs and units": (
        lines("d,price,rate", "2024-01-{d:02},€{n}.50,{n}%"),
        Expected("d", (), ("price: looks like numbers with a sign", "rate: looks like numbers with a sign")),
    ),
    "names twice or none": (
        lines("id,id,,at", "{n},{n},x,2024-01-{d:02}"), Expected("at", ("id",), ("are called id_1, column2",)),
    ),
    "names that Redshift has taken": (
        lines("_raw_key,ctid,select,at", "{n},{n},x,2024-01-{d:02}"), Expected("at", ("raw_key",)),
    ),
    "days that cannot be": (
        "id,at\n1,9999-12-31\n2,0001-01-01\n3,2024-01-01\n",
        Expected("at", ("id",), ("the first day is 0001-01-01", "the last day is 9999-12-31")),
    ),
    "digits that are days or numbers": (
        lines("isbn,big,date", "00{n:03},10000000000000000{n:02},202401{d:02}"),
        Expected("date", ("isbn",), ("reads eight digits as a day",)),
    ),
    "fractions of nanoseconds": (
        lines("id,at", "{n},2024-01-{d:02} 00:00:00.123456789Z"), Expected("at", ("id",), ("more than six digits",)),
    ),
    "one instant written twice": (
        lines("sensor,at,v", "s,2024-01-{d:02}T0{m}:00:00Z,{n}", 20) + "s,2024-01-01T01:00:00.000Z,7\n",
        Expected("at", (), ("no key",)),
    ),
}  # fmt: skip
QUICK = ("one instant written twice", "several times", "epochs in records", "days that cannot be")


def proposed(tmp_path, content):
    """The proposal, its contract, and the messages of the check."""
    path = tmp_path / "sample"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    proposal = propose("things", read_sample(str(path)))
    target = tmp_path / "assets" / "sources" / "things"
    target.mkdir(parents=True)
    (target / "contract.yaml").write_text(proposal.contract)
    (target / "defs.yaml").write_text(proposal.defs)
    return proposal, load_contract(target / "contract.yaml"), check_source(target)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.long]) for name in SAMPLES]
)
def test_what_is_proposed_passes_and_says_what_it_is_unsure_of(tmp_path, name):
    content, expected = SAMPLES[name]
    proposal, contract, mistakes = proposed(tmp_path, content)
    assert mistakes == []
    assert proposal.rejected == 0
    said = "\n".join(proposal.unsure)
    assert contract.event_time.name == (expected.event or "known_since")
    assert contract.key == expected.key
    for words in expected.said:
        assert words in said


def test_a_day_that_cannot_be_is_not_the_first_day_of_the_source(tmp_path):
    proposal, _, _ = proposed(tmp_path, SAMPLES["days that cannot be"][0])
    assert yaml.safe_load(proposal.defs)["attributes"]["start"] == "1900-01-01"


def test_what_was_seen_stands_there_as_rules_to_be_made(tmp_path):
    text = lines("id,isbn,at,n,kind", "{n},AB-{n:03},2024-01-{d:02},{n},k{m}")
    proposal, _, _ = proposed(tmp_path, text)
    contract = proposal.contract
    assert "# seen: all match ^[A-Z]{2}-\\d{3}$; as pattern it is a rule" in contract
    assert "# seen: 2024-01-01 to 2024-01-28; minimum and maximum make it a rule" in contract
    assert "# seen: 0 to 29; minimum and maximum make it a rule" in contract
    assert '# end: "2024-01-28" # the last day of the sample' in proposal.defs


def test_a_table_keeps_the_key_that_it_declares(tmp_path):
    path = tmp_path / "shop.sqlite"
    connection = sqlite3.connect(path)
    connection.execute('CREATE TABLE "order" ("group" TEXT, "from" INTEGER, at TEXT, PRIMARY KEY ("from", "group"))')
    connection.executemany('INSERT INTO "order" VALUES (?, ?, ?)', [("g", n, "2024-01-01") for n in range(3)])
    connection.commit()
    connection.close()
    proposal = propose("things", read_sample(str(path)))
    keyed = {p["name"]: p["primaryKeyPosition"] for p in yaml.safe_load(proposal.contract)["schema"][0]["properties"]
             if p.get("primaryKey")}  # fmt: skip
    assert keyed == {"from_": 1, "group_": 2}
    assert "as the table itself says" in "\n".join(proposal.unsure)


@pytest.mark.parametrize(
    ("texts", "pattern"),
    [
        ([f"A-{n}" for n in range(20)], r"^[A-Z]-\d{1,2}$"),
        ([f"+49 {n:04}" for n in range(20)], r"^\+\d{2} \d{4}$"),
        ([f"a.{n:02}|(x)" for n in range(20)], r"^[a-z]\.\d{2}\|\([a-z]\)$"),
        (["abc"] * 20, ""),
        (["a1", "1a"] * 10, ""),
        (["A1"] * 3, ""),
        ([""] * 20, ""),
    ],
)
def test_a_pattern_is_what_all_texts_look_like(texts, pattern):
    assert find_pattern(texts) == pattern


@pytest.mark.parametrize(
    ("texts", "nearly"),
    [
        (["€1.50", "2.00"], True),
        (["1%", "20 %"], True),
        (["USD 1,000.00"], True),
        (["12", "13"], False),
        (["a1"], False),
    ],
)
def test_numbers_with_a_sign_are_nearly_numbers(texts, nearly):
    assert looks_like_number(texts) is nearly
