"""What only looks: status and prove."""

import argparse
import datetime as dt
import json
from typing import Any

from lambdas.common.contract import source_names
from lambdas.common.errors import ContractError
from lambdas.common.lake import RAW_KEY_WORDS as PATTERN
from lambdas.common.source import SourceConfig, load_source_config
from scripts.analytics.days import days_of, require_source
from scripts.analytics.pausing import find_pause
from scripts.functions import Function, find_function
from scripts.tables import add_cells, new_table, print_table

FINDINGS_SHOWN = 20
STATUS = ("days", "missing", "objects", "bad", "former", "rows_in", "rows_accepted", "rows_rejected", "rows_late")
PROOF = ("objects", "rows_in", "rows_accepted", "rows_rejected", "pending", "gone", "broken")


def show_status(options: argparse.Namespace) -> bool:
    """Print one line a source and a mart, and what to do about what is not as it should be; always true.

    Where sources are named, these alone.
    """
    for name in options.sources:
        require_source(name)
    found = find_function("process").call({"action": "status"})
    if options.sources:
        named = [row for row in found["sources"] if row["source"] in options.sources]
        found |= {"sources": named, "marts": [], "retired": []}
    found["paused"], now = find_pause(), dt.datetime.now(dt.UTC)
    for row in found["sources"]:
        row["paused"] = is_paused(row["source"])
        row["next_run"] = None if row["paused"] or found["paused"] else next_run(row["source"], now)
    if options.json:
        print(json.dumps(found, indent=2))
        return True
    if found["paused"]:
        print(f"everything is paused {found['paused']}; `analytics resume` ends it")
    names = (name.removeprefix("rows_") for name in STATUS)
    table = new_table("source", right=(*names, "newest event", "loaded", "next run"))
    for row in found["sources"]:
        counts = ("?" if row[name] is None else f"{row[name]:,}" for name in STATUS)
        add_cells(table, row["source"], *counts, *(_time(row[name]) for name in ("newest", "loaded_at", "next_run")))
    print_table(table)
    for row in found["sources"]:
        _print_remarks(row)
    for mart in found["marts"]:
        print(f"mart {mart['mart']}: {'stale, its inputs have changed' if mart['stale'] else 'up to date'}")
    if found["retired"]:
        print(f"not declared any more: {', '.join(found['retired'])}; `analytics retire NAME` says what could go")
    return True


def _print_remarks(row: dict[str, Any]) -> None:
    name = row["source"]
    if row["paused"]:
        print(f"{name}: paused in its defs.yaml; nothing of it runs by itself")
    if row["missing"]:
        _print_missing(row)
    _print_undated(row)
    if row["former"]:
        print(f"{name}: a former contract loaded {row['former']:,} objects; `analytics rebuild {name}` loads them anew")
    if row["rows_rejected"] or row["bad"]:
        print(f"{name}: `analytics rejected {name}` says which rows and objects were rejected, and why")


def _print_missing(row: dict[str, Any]) -> None:
    """Of which days nothing is loaded, and how they come: by a command each range, or from whoever drops the files."""
    name, ranges = row["source"], [text.split("/") for text in row["missing_days"]]
    config = _config(name)
    dropped = config is not None and config.extract is None
    way = f"others put them, as {PATTERN.replace('<source>', name)}" if dropped else "these land them:"
    print(
        f"{name}: nothing is loaded of {row['missing']:,} days ({', '.join(f'{a} to {b}' for a, b in ranges)}); {way}"
    )
    for first, last in [] if dropped else ranges:
        print(f"  .venv/bin/python scripts/data_ingest.py {name} --from {first} --to {last}")
    print(
        f"  what has landed and is not loaded `analytics prove {name}` says, "
        f"and `analytics rebuild {name} --from DAY --to DAY` loads"
    )


def _print_undated(row: dict[str, Any]) -> None:
    """Which objects nothing loads for where they lie; of a status or a proof."""
    if row["undated"]:
        said = f"{row['undated']:,} objects lie in no day, {row['undated_key']} among them"
        print(f"{row['source']}: {said}; expected {PATTERN}")


def next_run(source: str, now: dt.datetime) -> str | None:
    """When the source's schedule lands a day next, UTC in ISO 8601; None where it has none, or none to come."""
    from croniter import croniter

    config = _config(source)
    if config is None or config.schedule is None or config.extract is None:
        return None
    following: dt.datetime = croniter(config.schedule, now).get_next(dt.datetime)
    if config.end and following.date() > config.end + dt.timedelta(days=1):
        return None
    return f"{following:%Y-%m-%dT%H:%M:%SZ}"


def is_paused(source: str) -> bool:
    """Whether the source's defs.yaml says that it is paused."""
    config = _config(source)
    return config is not None and config.paused


def _config(source: str) -> SourceConfig | None:
    try:
        return load_source_config(source)
    except ContractError:
        return None


def prove(options: argparse.Namespace) -> bool:
    """Print what each source's proof found; whether all equations hold."""
    for name in options.sources:
        require_source(name)
    process = find_function("process")
    proofs = [_prove(process, name, options) for name in options.sources or source_names()]
    table = new_table("source", right=(*(name.removeprefix("rows_") for name in PROOF), "holds"))
    for proof in proofs:
        table.add_row(proof["source"], *(f"{proof[n]:,}" for n in PROOF), "NO" if proof["broken"] else "yes")
    print_table(table)
    for proof in proofs:
        for finding in proof["findings"]:
            print(finding)
        if len(proof["findings"]) < proof["broken"]:
            print(
                f"{proof['source']}: {proof['broken'] - len(proof['findings'])} more; the function's log has them all"
            )
        _print_unloaded(proof)
        _print_undated(proof)
    return not any(proof["broken"] for proof in proofs)


def _print_unloaded(proof: dict[str, Any]) -> None:
    """Which objects that lie in the lake are in no table, and what brings them there."""
    name = proof["source"]
    if proof["pending"]:
        print(f"{name}: {proof['pending']:,} objects are not loaded; if nothing loads them by itself, these do:")
        for first, last in (days.split("/") for days in proof["missing"]):
            print(f"  .venv/bin/python -m scripts.analytics rebuild {name} --from {first} --to {last}")
    if proof["outside"]:
        days = ", ".join(text.replace("/", " to ") for text in proof["outside_days"])
        print(
            f"{name}: {proof['outside']:,} objects lie in days that the source does not have ({days}), and nothing "
            "loads them: are `start` and `end` in its defs.yaml right?"
        )


def _prove(process: Function, source: str, options: argparse.Namespace) -> dict[str, Any]:
    event: dict[str, Any] = {"action": "prove", "source": source, "most": FINDINGS_SHOWN}
    if options.first or options.last:
        start, end = days_of(source, options.first, options.last)
        event |= {"start": f"{start}", "end": f"{end}"}
    return process.call(event)


def _time(text: str | None) -> str:
    return text.replace("T", " ").removesuffix("Z")[:16] if text else "-"
