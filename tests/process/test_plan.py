"""What `plan` says, held against what the load and the migration then do: the endpoint's own record of statements."""

import datetime as dt
import io
import itertools
import os
import re
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.common.contract import read
from lambdas.common.errors import ContractError
from lambdas.process import migrate, slices, work
from lambdas.process.plan import plan_load
from lambdas.process.requests import load_days
from lambdas.process.work import Warehouse
from tests.cloud import Cloud
from tests.exactly_once.shapes import KEYED, KEYLESS, TIMED, VERSIONED, Shape
from tests.process import source
from tests.process.source import Source
from tests.process.test_load import row

CHANGES = ("CREATE", "ALTER", "DROP", "GRANT")
USERS = ("admin", "loader", "reader", "bi")
FIRST, SECOND, THIRD, END = (dt.date(2024, 3, day) for day in (1, 2, 3, 10))
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Planned:
    """A source as the function finds it, planned and loaded by the function's own events."""

    source: Source

    def put(self, day: dt.date, number: int, *rows: dict[str, Any]) -> str:
        """Put an object with these rows; its key."""
        return self.source.put(day, f"{day:%Y%m%d}T00000000000{number}Z", list(rows))

    def event(self, **more: Any) -> dict[str, Any]:
        """An event for all days."""
        return {"source": self.source.contract.name, "start": f"{FIRST}", "end": f"{END}", **more}

    def plan(self, until: float | None = None, **more: Any) -> dict[str, Any]:
        """What the plan says that has time until then."""
        return plan_load(self.event(**more), until or time.monotonic() + 60)

    def rewrite(self, *changes: tuple[str, str]) -> None:
        """Change the contract by replacements; that of nothing goes to its end."""
        path = self.source.contract.path
        text = path.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new) if old else text + new
        path.write_text(text)

    def migrate(self) -> None:
        """Run the migrate function on this source alone."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("WAREHOUSE_SECRET", os.environ["ADMIN_SECRET"])
            migrate.handler({}, None)

    def migrated_as_planned(self) -> list[str]:
        """What the plan said and migrate then ran for the source's tables and its view."""
        planned, after, name = self.plan()["table"], self.last_query(), self.source.contract.name
        self.migrate()
        ran = self.source.select(
            f"SELECT query_text FROM sys_query_history WHERE query_id > {after} AND query_text LIKE '%%{name}%%' "
            "AND status = 'success' ORDER BY query_id"
        )
        assert planned == [r["query_text"] for r in ran if r["query_text"].startswith(CHANGES)]
        return planned

    def loaded(self, action: str = "load") -> tuple[list[list[str]], list[int]]:
        """What a load sends, session by session, and the generation of each of its entries."""
        after, before = self.last_query(), len(self.source.ledger())
        load_days(self.event(action=action), "", time.monotonic() + 60)
        return self.sent(after), [e["generation"] for e in self.source.ledger()[before:]]

    def last_query(self) -> int:
        """The number of the last statement that the endpoint knows of this user."""
        return int(self.source.select("SELECT MAX(query_id) AS n FROM sys_query_history")[0]["n"])

    def sent(self, after: int) -> list[list[str]]:
        """The statements of each session that locked the source after that query, in their order."""
        lock = f'LOCK "ops"."lock_{self.source.contract.name}"'
        sessions = self.source.select(
            f"SELECT session_id, MIN(query_id) AS first FROM sys_query_history WHERE query_id > {after} "
            f"AND query_text = '{lock}' GROUP BY session_id ORDER BY first"
        )
        return [self._statements(s["session_id"], after) for s in sessions]

    def _statements(self, session: int, after: int) -> list[str]:
        parts = self.source.select(
            f"SELECT query_id, text FROM sys_query_text WHERE session_id = {session} AND query_id > {after} "
            "ORDER BY query_id, sequence"
        )
        return ["".join(p["text"] for p in one) for _, one in itertools.groupby(parts, lambda p: p["query_id"])]


@pytest.fixture
def declare(cloud: Cloud, warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Declares a source of that shape, where the function looks for sources; its tables are made."""
    monkeypatch.setattr(read, "assets_folder", lambda: tmp_path)
    secrets = {f"{user.upper()}_SECRET": cloud.parameter(f"warehouse/secret-{user}") for user in USERS}
    settings = {"ANALYTICS_ENV": "local", "WAREHOUSE_SECRET": secrets["LOADER_SECRET"]}
    for name, value in (cloud.env | secrets | settings).items():
        monkeypatch.setenv(name, value)

    def make(shape: Shape, *, tables: bool = True) -> Planned:
        name = f"planned_{os.getpid()}_{next(_numbers)}"
        path = tmp_path / "sources" / name / "contract.yaml"
        shape.write_contract(path, name)
        return Planned(source.make_source(cloud, warehouse, path, tables=tables))

    return make


def expand(planned: str, sent: str) -> bool:
    """Whether a planned statement is the one that was sent, where it names an id or says that rows are left out."""
    head, found, rest = planned.partition(" /* and ")
    if not found:
        pattern = re.escape(planned).replace(re.escape("<load id>"), r"[0-9a-f-]{36}")
        return bool(re.fullmatch(pattern.replace(re.escape("<8 hex digits>"), "[0-9a-f]{8}"), sent))
    values = head[head.index("VALUES ") + len("VALUES ") :]
    more = [_shifted(values, values.count("$") * number) for number in range(1, int(rest.split()[0]) + 1)]
    return sent == ", ".join([head, *more])


def _shifted(values: str, by: int) -> str:
    return re.sub(r"\$(\d+)", lambda found: f"${int(found[1]) + by}", values)


def assert_loaded_as_planned(planned: Planned, plan: dict[str, Any], action: str = "load") -> None:
    """Load, and hold all that the plan said against what happened."""
    after, before = planned.last_query(), len(planned.source.ledger())
    done = load_days(planned.event(action=action), "", time.monotonic() + 60)
    entries = planned.source.ledger()[before:]
    assert plan["objects"] == plan["tried"] == done["objects"] == len(entries)
    assert plan["in_force"] == done["skipped"]
    for name in ("rows_in", "rows_accepted", "rows_rejected", "rows_late"):
        assert plan[name] == done[name] == sum(e[name] for e in entries), name
    assert plan["set_aside"] == done["bad"] == sum(e["status"] == "bad" for e in entries)
    assert {r["raw_key"]: r["reason"] for r in plan["remarks"]} == {
        e["raw_key"]: e["reason"] for e in entries if e["reason"]
    }
    assert {(r["column"], r["rule"]): r["rows"] for r in plan["reasons"]} == reasons(planned.source, entries)
    assert_sent_as_planned(plan, planned.sent(after), [e["generation"] for e in entries])


def assert_sent_as_planned(plan: dict[str, Any], sessions: list[list[str]], generations: list[int]) -> None:
    batches = [one for one in plan["batches"] for _ in range(one["batches"])]
    assert len(batches) == len(sessions) == len(set(generations))
    assert sum(one["objects"] for one in plan["batches"]) == plan["objects"]
    for batch, session in zip(batches, sessions, strict=True):
        sent = [sql for sql in session if not sql.startswith("SET statement_timeout TO ")]
        different = [(one, other) for one, other in zip(batch["sql"], sent, strict=False) if not expand(one, other)]
        assert different == []
        assert len(batch["sql"]) == len(sent), sent[len(batch["sql"]) :] or batch["sql"][len(sent) :]


def reasons(source: Source, entries: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """Rows by column and rule in the rejected files that the entries name, as pandas reads them."""
    found: Counter[tuple[str, str]] = Counter()
    for key in (e["rejected_key"] for e in entries if e["rejected_key"]):
        body = source.s3.get_object(Bucket=source.bucket, Key=key)["Body"].read()
        for reasons in pd.read_parquet(io.BytesIO(body))["reasons"]:
            found.update({(r["column"], r["rule"]) for r in reasons})
    return found


@pytest.mark.long
@pytest.mark.parametrize("shape", [KEYED, TIMED, KEYLESS], ids=lambda shape: shape.name)
def test_loads_do_what_was_planned(declare, shape):
    things = declare(shape)
    things.put(FIRST, 1, row("a"), row("b", n=500), row("far too long", n=101), row(None), row("c", at="2024-03-02"))
    things.put(FIRST, 2, row("a", v=2), row("b", at="soon"))
    things.put(SECOND, 1)
    things.source.put_bytes(SECOND, "20240302T000000000002Z", b"no Parquet")
    first = things.plan()
    assert (first["objects"], first["set_aside"], first["rows_in"], first["rows_late"]) == (4, 1, 7, 1)
    assert len(first["reasons"]) == 4
    assert_loaded_as_planned(things, first)
    again = things.plan()
    assert (again["objects"], again["in_force"], again["batches"]) == (0, 4, [])
    assert_loaded_as_planned(things, again)

    things.put(FIRST, 1, row("a", v=7), row("d"))
    things.put(THIRD, 1, row("e", at="2024-03-03"))
    replacing = things.plan()
    assert (replacing["objects"], replacing["in_force"]) == (2, 3)
    assert_loaded_as_planned(things, replacing)

    anew = things.plan(rebuild=True)
    assert (anew["objects"], anew["in_force"]) == (5, 0)
    assert_loaded_as_planned(things, anew, "rebuild")


@pytest.mark.long
def test_batches_that_are_alike_are_planned_once_and_told_from_others(declare, monkeypatch):
    things = declare(KEYED)
    monkeypatch.setattr(work, "BATCH_OBJECTS", 2)
    things.put(FIRST, 1, row("a"))
    things.put(FIRST, 2, row("b"))
    assert_loaded_as_planned(things, things.plan())
    things.put(FIRST, 2, row("c"))
    for number in range(3, 7):
        things.put(FIRST, number, row(f"d{number}"))
    things.put(FIRST, 7)
    plan = things.plan(rebuild=True)
    assert [(one["batches"], one["objects"]) for one in plan["batches"]] == [(1, 2), (2, 4), (1, 1)]
    assert sum(sql.startswith("COPY") for one in plan["batches"] for sql in one["sql"]) == 2
    assert_loaded_as_planned(things, plan, "rebuild")


@pytest.mark.parametrize("shape", [TIMED, KEYLESS], ids=lambda shape: shape.name)
def test_objects_without_rows_need_no_copy(declare, shape):
    things = declare(shape)
    things.put(FIRST, 1)
    assert_loaded_as_planned(things, things.plan())


@pytest.mark.long
def test_what_was_not_tried_is_taken_to_have_rows(declare, monkeypatch):
    things = declare(KEYED)
    things.put(FIRST, 1)
    things.put(FIRST, 2, row("a"))
    plan = things.plan(until=time.monotonic() - 1)
    assert (plan["tried"], plan["rows_in"]) == (1, 0)
    assert_sent_as_planned(plan, *things.loaded())

    monkeypatch.setattr(slices, "SLICE_BYTES", 1)
    things.source.put_bytes(SECOND, "20240302T000000000001Z", in_groups(row("b", n=500), row("b")))
    plan = things.plan()
    assert (plan["in_part"], plan["rows_in"], plan["rows_accepted"]) == (1, 1, 0)
    assert_sent_as_planned(plan, *things.loaded())


def in_groups(*rows: dict[str, Any]) -> bytes:
    """A Parquet file of these rows, each a row group of its own."""
    target = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), target, row_group_size=1)
    return target.getvalue()


EXTRA = "      - {name: extra, logicalType: string, physicalType: varchar(9)}\n"
SPREAD = ("customProperties: [", "customProperties: [{property: distributionKey, value: id}, ")


@pytest.mark.long
@pytest.mark.parametrize("shape", [VERSIONED, KEYLESS], ids=lambda shape: shape.name)
def test_migrate_runs_what_was_planned(declare, shape):
    things = declare(shape, tables=False)
    tables = 1 + bool(shape.key)
    created = things.migrated_as_planned()
    assert sum(sql.startswith("CREATE TABLE") for sql in created) == tables + 1
    assert things.migrated_as_planned() == []
    things.rewrite(("", EXTRA))
    assert sum("ADD COLUMN" in sql for sql in things.migrated_as_planned()) == tables
    things.rewrite(("varchar(8)", "varchar(16)"), SPREAD)
    ran = things.migrated_as_planned()
    assert sum("ALTER DISTKEY" in sql for sql in ran) == sum("ALTER COLUMN" in sql for sql in ran) == tables
    things.rewrite(("varchar(16)", "varchar(4)"))
    plan = things.plan()
    assert (plan["table"], len(plan["obstacles"])) == ([], tables)
    with pytest.raises(ContractError) as refused:
        things.migrate()
    assert all(text in str(refused.value) for text in plan["obstacles"])
