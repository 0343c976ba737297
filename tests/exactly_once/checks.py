"""What has to hold of a source's tables and of its ledger."""

import datetime as dt
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow.parquet as pq

from lambdas.common.db.redshift import query
from tests.exactly_once.lab import BUCKET
from tests.exactly_once.model import Line, Row, accepted

Entry = dict[str, Any]


def read_ledger(connection: Any, source: str) -> list[Entry]:
    """All entries of a source, oldest first."""
    entries = query(connection, "SELECT * FROM ops.load_ledger WHERE source = %s", (source,))
    return sorted(entries, key=lambda e: (e["generation"], e["raw_key"]))


def in_force(ledger: Iterable[Entry]) -> dict[str, Entry]:
    """The latest entry of each raw key."""
    return {e["raw_key"]: e for e in ledger}


def check_table(connection: Any, table: str, wanted: Iterable[Line]) -> None:
    """The table holds exactly these rows: all columns but the time of loading."""
    rows = query(connection, f"SELECT id, at, n, v, _raw_key, _raw_row FROM {table}")
    found = (Line(*list(row.values()))._replace(at=row["at"].replace(tzinfo=dt.UTC)) for row in rows)
    want, have = Counter(wanted), Counter(found)
    missing, too_many = list((want - have).elements()), list((have - want).elements())
    assert want == have, f"{table}: missing {missing}, too many {too_many}"


def check_agreement(connection: Any, table: str, ledger: Iterable[Entry]) -> None:
    """Of each raw key the table holds as many rows as its entry in force accepted: both were committed together."""
    rows = query(connection, f"SELECT _raw_key, COUNT(*) AS n FROM {table} GROUP BY _raw_key")
    accepted_rows = {key: e["rows_accepted"] for key, e in in_force(ledger).items() if e["rows_accepted"]}
    assert {row["_raw_key"]: row["n"] for row in rows} == accepted_rows, f"{table} and the ledger do not agree"


def check_generations(connection: Any, source: str, ledger: Sequence[Entry]) -> None:
    """Each load has raised the source's generation by one, and is one generation of the ledger."""
    generations = sorted({e["generation"] for e in ledger})
    assert generations == list(range(1, len(generations) + 1)), f"the ledger's generations are {generations}"
    assert len({(e["raw_key"], e["generation"]) for e in ledger}) == len(ledger), "two entries of one generation"
    for generation in generations:
        loads = {e["load_id"] for e in ledger if e["generation"] == generation}
        assert len(loads) == 1, f"generation {generation} was given to several loads"
    found = query(connection, "SELECT generation FROM ops.generation WHERE source = %s", (source,))
    assert [row["generation"] for row in found] == [len(generations)], "the source's generation is not the ledger's"


def check_in_force(
    entries: Mapping[str, Entry], current: Mapping[str, Sequence[Row]], etags: Mapping[str, str]
) -> None:
    """One entry in force for each current object, with its counts and its content's ETag; a forgotten one has none."""
    alive = {key: e for key, e in entries.items() if e["status"] != "forgotten"}
    assert alive.keys() == current.keys(), "the ledger knows other objects"
    for key, rows in current.items():
        good = [row for row in rows if accepted(row)]
        late = sum(row.at.date() != dt.date(*map(int, key.split("/")[2:5])) for row in good)
        counts = tuple(alive[key][f"rows_{name}"] for name in ("in", "accepted", "rejected", "late"))
        assert counts == (len(rows), len(good), len(rows) - len(good), late), f"{key}: the ledger counts {counts}"
        assert alive[key]["etag"] == etags.get(key, alive[key]["etag"]), f"{key}: another content is in force"


def check_nothing_twice(ledger: Iterable[Entry]) -> None:
    """No content was loaded again while it was in force."""
    former: dict[str, str] = {}
    for entry in ledger:
        assert former.get(entry["raw_key"]) != entry["etag"], f"{entry['raw_key']} was loaded twice"
        former[entry["raw_key"]] = entry["etag"]


def check_rejected(s3: Any, entries: Iterable[Entry]) -> None:
    """The rejected rows of these entries lie where they say, each once: of a large object in a folder."""
    for entry in entries:
        if not entry["rejected_key"]:
            continue
        listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=entry["rejected_key"])["Contents"]
        bodies = [s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read() for item in listed]
        rows = [row for body in bodies for row in pq.read_table(io.BytesIO(body)).column("raw_row").to_pylist()]
        wanted = entry["rows_rejected"]
        assert len(rows) == len(set(rows)) == wanted, f"{entry['raw_key']}: {wanted} rows rejected, the lake has {rows}"


def check_answer(answer: Mapping[str, Any], ledger: Iterable[Entry]) -> None:
    """What a loader said it did is what the ledger says it did."""
    mine = [e for e in ledger if e["load_id"] == answer["load_id"]]
    assert answer["objects"] == len(mine), f"the answer counts {answer['objects']} objects, the ledger {len(mine)}"
    for name in ("rows_in", "rows_accepted", "rows_rejected", "rows_late"):
        total = sum(e[name] for e in mine)
        assert answer[name] == total, f"{name} is {answer[name]} in the answer and {total} in the ledger"


def check_erased(s3: Any, versions: Iterable[Mapping[str, Any]], value: str) -> None:
    """No version of these objects holds the value, neither in a row nor in the text of a rejected one."""
    quoted = re.compile(rf"[\"']{value}[\"']")
    for version in versions:
        if "Size" in version:
            reply = s3.get_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])
            rows = pq.read_table(io.BytesIO(reply["Body"].read())).to_pylist()
            assert not quoted.search(str(rows)), f"{version['Key']} still holds the forgotten value"
