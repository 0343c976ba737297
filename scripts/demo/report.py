"""What the demo prints at its end: counts, answers, one object's way, and what to do next."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from scripts.demo.account import Account

ANSWERS = (
    (
        "Earthquakes by day, from the deployed API",
        "/v1/datasets/earthquakes/aggregate?from=2018-01-31&to=2018-02-08&bucket=day&metrics=count,max:magnitude",
    ),
    (
        "Delays by weather: New Year's week at Newark",
        "/v1/datasets/flight_delays_by_weather/records?from=2013-01-02&to=2013-01-09&origin=EWR&limit=8",
    ),
)


def sources(
    console: Console, account: Account, names: Sequence[str], extract: Mapping[str, float], load: Mapping[str, float]
) -> None:
    """One line a source: what landed, what the ledger says of it, what the tables hold."""
    columns = ("source", "raw objects", "rows in", "current", "superseded", "rejected", "s to land", "s to load")
    table = Table(*columns, title="What is known")
    for name in names:
        entries = account.in_force(name).values()
        accepted = sum(int(e["rows_accepted"]) for e in entries)
        current = account.current_rows(name)
        row: list[Any] = [len(entries), sum(int(e["rows_in"]) for e in entries), current, accepted - current]
        row += [sum(int(e["rows_rejected"]) for e in entries)]
        table.add_row(name, *(f"{n:,}" for n in row), f"{extract[name]:.1f}", f"{load[name]:.1f}")
    console.print(table)


def loads(console: Console, before: Mapping[str, int], after: Mapping[str, int]) -> None:
    """How many loads this run committed; none on a second run, because nothing had changed."""
    new = {name: after[name] - before[name] for name in after}
    if any(new.values()):
        console.print("loads committed by this run: " + ", ".join(f"{name} {n}" for name, n in new.items()))
    else:
        console.print("[green]every raw object was already in the tables: nothing was loaded twice[/green]")


def rejected(console: Console, account: Account, names: Sequence[str]) -> None:
    """Where the rejected rows lie, and why they were."""
    import io

    import pyarrow.parquet as pq

    for name in names:
        for entry in account.in_force(name).values():
            if not entry["rejected_key"]:
                continue
            body = account.s3.get_object(Bucket=account.bucket, Key=entry["rejected_key"])["Body"].read()
            console.print(f"rejected: s3://{account.bucket}/{entry['rejected_key']}", soft_wrap=True)
            for row in pq.read_table(io.BytesIO(body)).to_pylist()[:5]:
                why = "; ".join(f"{r['column']} breaks {r['rule']} with {r['value']}" for r in row["reasons"])
                console.print(f"  row {row['raw_row']}: {why}")


def one_object(console: Console, account: Account, source: str) -> None:
    """One raw object's way: who asked for its load, which request did it, what the ledger says."""
    entry = max(account.in_force(source).values(), key=lambda e: str(e["raw_key"]))
    table = Table(title="From file to rows: one raw object", show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    names = ("raw_key", "etag", "requested_by", "request_id", "load_id", "generation", "contract_hash", "curated_key")
    labels = {"requested_by": "Dagster run", "request_id": "Lambda request"}
    for name in (*names, "rows_in", "rows_accepted", "rows_rejected", "rows_late", "loaded_at"):
        table.add_row(labels.get(name, name), str(entry[name]))
    console.print(table)


def answers(console: Console, account: Account) -> None:
    """Two answers of the API as tables, with the URL that gives them."""
    for title, path in ANSWERS:
        answer = account.ask(path)
        rows, meta = answer["data"], answer["meta"]
        table = Table(*rows[0], title=title)
        for row in rows:
            table.add_row(*(str(value) for value in row.values()))
        console.print(table)
        console.print(f"as of {meta['as_of']}; {_coverage(meta)}")
        console.print(f'[dim]curl -H "x-api-key: $API_KEY" "$API_URL{path}"[/dim]', soft_wrap=True)


def _coverage(meta: Mapping[str, Any]) -> str:
    names = ("days_loaded", "days_empty", "days_missing", "rows_rejected", "rows_late")
    return ", ".join(f"{name.replace('_', ' ')} {meta['coverage'][name]}" for name in names)


def what_next(console: Console, seconds: float) -> None:
    """What to type after this."""
    console.print(f"\n[bold]the whole chain took {seconds:.0f} s[/bold]. Next:")
    console.print("  make ui                    the same cloud, with Dagster's page on it")
    console.print("  . .local/env               then any S3, Redshift or HTTP client can use it")
    console.print("  .venv/bin/python scripts/data_ingest.py earthquakes --from 2018-02-01 --to 2018-02-02")
    console.print("  make down                  stop it; data stays in .local/")
