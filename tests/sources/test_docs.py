"""The examples of docs/sources.md, run."""

import json
import re

import pytest

from lambdas.common.contract import load_contract
from lambdas.common.contract.check import check_all
from lambdas.common.db.compare import compare_contracts
from lambdas.common.propose import propose, read_sample
from tests.cloud import PROJECT

TEXT = (PROJECT / "docs" / "sources.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
FILES = {block.splitlines()[0].removeprefix("# "): block for _, block in BLOCKS if block.startswith("# ")}
ORDERS = [
    {"order_id": 1, "ordered_ms": 1704067200000, "delivery": {"at": "2024-01-02"}, "paid": "ja", "state": "open"},
    {"order_id": 1, "ordered_ms": 1704067200000},
    {"order_id": 2, "ordered_ms": 1704067200000, "delivery": {"at": "2023-12-31"}, "email": "nobody"},
    {"order_id": 3, "ordered_ms": 1704067200000, "paid": "nein", "email": "a@b", "comment": "unread"},
    {"order_id": 4, "ordered_ms": 1704067200000, "delivery": {}},
    {"order_id": 5, "ordered_ms": 1704067200000},
]


@pytest.fixture
def assets(tmp_path):
    for name, text in FILES.items():
        if name.startswith("assets/"):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return tmp_path / "assets"


def test_the_files_pass_the_check(assets):
    assert len(list(assets.glob("sources/*/*.yaml"))) == 4
    assert check_all(assets) == []


def test_the_meters_come_out_as_the_page_says(pipeline, assets):
    pipeline.write("january.csv", FILES["/data/meters/january.csv"].split("\n", 1)[1], "csv")
    done = pipeline.run_folder(assets / "sources" / "meters", {"METERS": str(pipeline.folder)})
    said = [json.loads(line) for line in next(block for kind, block in BLOCKS if kind == "json").splitlines()]
    found = [{k: v if v is None or isinstance(v, str) else text(v) for k, v in row.items()} for row in done.accepted]
    assert found + [dict(zip(("column", "rule", "value"), reason, strict=True)) for reason in done.reasons] == said


def test_the_orders_follow_their_rules(pipeline, assets):
    pipeline.write("a.ndjson", "".join(json.dumps(order) + "\n" for order in ORDERS), "ndjson")
    done = pipeline.run_folder(assets / "sources" / "orders", {"ORDERS": str(pipeline.folder)})
    assert (done.bad, done.drift, done.warnings) == ([], [], [])
    assert done.values("order_id") == [1, 3, 4, 5]
    assert done.reasons == [
        ("order_id", "unique", "1"),
        ("email", "pattern", "***"),
        ("delivered_at, ordered_at", "delivered_after_ordered",
         '{"delivered_at":"2023-12-31 00:00:00+00","ordered_at":"2024-01-01 00:00:00+00"}'),
    ]  # fmt: skip


SAID = [block.splitlines() for kind, block in BLOCKS if kind == "text"]


def test_new_source_says_of_the_meters_what_the_page_says(tmp_path):
    path = tmp_path / "january.csv"
    path.write_text(FILES["/data/meters/january.csv"].split("\n", 1)[1])
    proposal = propose("meters", read_sample(str(path)))
    assert proposal.rejected == 0
    assert sorted(text.replace(str(tmp_path), "/data/meters") for text in proposal.unsure) == sorted(SAID[0])


def test_mistakes_in_the_meters_are_told_as_the_page_says(assets):
    folder = assets / "sources" / "meters"
    for name, old, new in (
        ("contract.yaml", "required: true", 'required: "yes"'),
        ("contract.yaml", """transformLogic: '"Read at"'""", """transformLogic: '"Read_at"'"""),
        ("defs.yaml", "format: csv", "format: CVS"),
    ):
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))
    assert [text for text in check_all(assets) if "meters" in text] == SAID[1]


def test_a_narrower_number_is_told_as_the_page_says(assets):
    path = assets / "sources" / "meters" / "contract.yaml"
    former = load_contract(path)
    path.write_text(path.read_text().replace("decimal(12,3)", "decimal(9,2)"))
    (change,) = compare_contracts(former, load_contract(path))
    line = next(n for n, line in enumerate(path.read_text().splitlines(), start=1) if "name: kwh" in line)
    assert [f"assets/sources/meters/contract.yaml:{line}: BREAKING: {change.column}: {change.text}"] == SAID[2]


def text(value):
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
