"""Attacks and mistakes, from attacks.yaml: each gets its documented answer, and the server sees none of them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.api.conftest import Api
from tests.api.gateway import Reply
from tests.api.test_records import forged
from tests.api.warehouse import Endpoint

RECORDS = "/v1/datasets/earthquakes/records"
ATTACKS = yaml.safe_load(Path(__file__).with_name("attacks.yaml").read_text(encoding="utf-8"))
# What PostgreSQL, below the endpoint, and the endpoint itself write of a statement that failed.
FAILED = re.compile(r"\b(ERROR|FATAL|PANIC)\b|a session failed")


@pytest.fixture(scope="module")
def words(api: Api) -> dict[str, str]:
    """What stands in braces in the corpus."""
    cursor = api(RECORDS, limit="5")["meta"]["next"]
    return {
        "records": RECORDS, "aggregate": RECORDS.replace("records", "aggregate"), "cursor": cursor,
        "truncated": cursor[:-4], "foreign": api(RECORDS, limit="5", status="reviewed")["meta"]["next"],
        "forged": forged(cursor, ["2018-02-01' OR 1=1", "x"]), "deep": "[" * 50_000,
    }  # fmt: skip


def filled(text: str, words: dict[str, str]) -> str:
    """The text with its words; other braces stay."""
    text = re.sub(r"\{long:(\d+)\}", lambda match: "x" * int(match[1]), text)
    text = re.sub(r"\{felts:(\d+)\}", lambda match: "&".join(f"felt={n}" for n in range(int(match[1]))), text)
    return re.sub(r"\{(\w+)\}", lambda match: words.get(match[1], match[0]), text)


@pytest.fixture(scope="module", autouse=True)
def log_without_errors(endpoint: Endpoint) -> Any:
    """The server's logs hold no failed statement behind the attacks."""
    before = endpoint.log()
    yield
    assert not FAILED.findall(endpoint.log()[len(before) :])


def test_the_corpus_is_large_and_names_each_once() -> None:
    names = [attack["name"] for attack in ATTACKS]
    assert len(names) == len(set(names)) >= 60


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack["name"])
def test_each_gets_its_documented_answer(api: Api, words: dict[str, str], attack: dict[str, Any]) -> None:
    body = attack.get("body", "")
    headers = {"Content-Type": "application/json"} if body else {}
    found = api.client.http.request(
        attack.get("method", "GET"),
        filled(attack["path"], words),
        headers=headers | attack.get("headers", {}),
        body=body if isinstance(body, bytes) else filled(body, words).encode(),
    )
    by_gateway = "at_gateway" in attack and isinstance(found, Reply)
    status = 404 if by_gateway else attack["status"]
    assert found.status_code == status, found.body[:500]
    assert found.headers["Content-Type"] == "application/problem+json"
    problem = json.loads(found.body)
    assert (problem["type"], problem["status"]) == ("about:blank", status)
    if by_gateway:
        return
    named = [mistake["parameter"] for mistake in problem["errors"]]
    assert attack["parameter"] in named
    assert len(found.body) < 20_000
