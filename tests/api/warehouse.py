"""A small warehouse for the API's tests: the local Redshift endpoint with tables made and filled by plain SQL."""

import datetime as dt
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lambdas.common.contract import Contract, load_contracts
from lambdas.common.db import redshift

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "Test-4-the-api"
TIMES = [dt.datetime(2018, 2, 1) + dt.timedelta(hours=6 * step) for step in range(8)]


def make_assets(folder: Path) -> Path:
    """The product's assets without samples, and the tests' own sources beside them."""
    shutil.copytree(ROOT / "assets", folder, ignore=shutil.ignore_patterns("sample"))
    shutil.copytree(Path(__file__).parent / "assets", folder, dirs_exist_ok=True)
    return folder


class Endpoint:
    """The local Redshift endpoint as a process of its own."""

    def __init__(self, state: Path) -> None:
        self.state = state
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def secret(self, user: str) -> dict[str, Any]:
        """The login of a database user as Secrets Manager would keep it."""
        return {
            "host": "127.0.0.1", "port": self.port, "dbname": "analytics", "username": user, "password": PASSWORD,
        }  # fmt: skip

    def start(self) -> None:
        """Start it and wait until the superuser can log in."""
        self.state.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "infrastructure.local.redshift", "--state", str(self.state)]
        environment = os.environ | {"WAREHOUSE_ADMIN_PASSWORD": PASSWORD}
        with (self.state / "output").open("wb") as output:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port), "--sslmode", "disable"],
                cwd=ROOT, env=environment, stdout=output, stderr=output,
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while True:
            try:
                redshift.connect(self.secret("admin"), "disable").close()
                return
            except Exception:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def log(self) -> str:
        """All that it and the database below it have written."""
        files = [self.state / "output", *self.state.glob("*.log")]
        return "".join(path.read_text(errors="replace") for path in files)

    def stop(self) -> None:
        """Stop it."""
        self.process.terminate()
        self.process.wait(30)


def fill(connection: Any, assets: Path) -> None:
    """Create and fill what the API reads."""
    run = Runner(connection)
    for schema in ("core", "history", "mart", "ops"):
        run(f"CREATE SCHEMA {schema}")
    for statement in (Path(__file__).parent / "ops.sql").read_text().split(";"):
        if statement.strip():
            run(statement)
    for contract in load_contracts(assets).values():
        run(table_sql(contract))
    fill_earthquakes(run)
    fill_readings(run)
    run(f"CREATE USER reader PASSWORD '{PASSWORD}'")
    for schema in ("core", "history", "mart", "ops"):
        run(f"GRANT USAGE ON SCHEMA {schema} TO reader")
        run(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader")
    connection.commit()


class Runner:
    """Runs statements on one connection."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def __call__(self, sql: str, *values: Any) -> None:
        redshift.execute(self.connection, sql, values)

    def insert(self, table: str, columns: str, rows: Sequence[Sequence[Any]]) -> None:
        """Insert many rows by one statement."""
        places = ", ".join(["(" + ", ".join(["%s"] * len(rows[0])) + ")"] * len(rows))
        self(f"INSERT INTO {table} ({columns}) VALUES {places}", *(value for row in rows for value in row))

    def ledger(self, source: str, day: str, generation: int, **more: Any) -> None:
        """Append a ledger entry; the object is the day's only one unless `key` says another."""
        entry = {
            "source": source, "raw_key": f"raw/{source}/{day}/{more.pop('key', 'data')}.parquet",
            "raw_day": dt.date.fromisoformat(day), "status": "loaded", "rows_in": 10, "rows_accepted": 10,
            "rows_rejected": 0, "rows_late": 0, "generation": generation,
            "loaded_at": dt.datetime(2018, 3, 1, 0, generation),
            "load_id": f"load-{generation}", "requested_by": "tests",
        } | more  # fmt: skip
        self(
            f"INSERT INTO ops.load_ledger ({', '.join(entry)}) VALUES ({', '.join(['%s'] * len(entry))})",
            *entry.values(),
        )


def table_sql(contract: Contract) -> str:
    """CREATE TABLE for a contract; a mart is a table here: the API does not see the difference."""
    columns = [f'"{column.name}" {column.physical_type}' for column in contract.columns]
    if contract.kind == "source":
        columns += ["_raw_key varchar(1024)", "_raw_row bigint", "_loaded_at timestamp"]
    return f"CREATE TABLE {contract.schema}.{contract.name} ({', '.join(columns)})"


def fill_earthquakes(run: Runner) -> None:
    """240 events on 8 moments, 30 at each: order needs the key. Every fifth has no magnitude."""
    columns = (
        "event_id, event_time, updated_at, magnitude, place, longitude, latitude, depth_km, event_type, status, "
        "significance, felt, _raw_key, _raw_row, _loaded_at"
    )
    rows = [earthquake(number) for number in range(240)]
    for start in range(0, len(rows), 60):
        run.insert("core.earthquakes", columns, rows[start : start + 60])
    run.ledger("earthquakes", "2018-02-01", 1, rows_rejected=50)
    run.ledger("earthquakes", "2018-02-01", 2, rows_rejected=2, rows_late=1)
    run.ledger("earthquakes", "2018-02-02", 2, rows_rejected=1)
    run.ledger("earthquakes", "2018-02-03", 3, rows_in=0, rows_accepted=0)
    run.ledger("earthquakes", "2018-02-05", 3, status="bad", rows_in=None, rows_accepted=None)
    run.ledger("earthquakes", "2018-02-06", 3)
    run.ledger("earthquakes", "2018-02-06", 4, status="forgotten")
    run("INSERT INTO ops.generation VALUES ('earthquakes', 4, %s)", dt.datetime(2018, 3, 1, 0, 4))
    refreshed = dt.datetime(2018, 3, 2)
    run("INSERT INTO ops.mart_state VALUES ('daily_seismicity', 'earthquakes', 1, %s)", TIMES[0])
    run("INSERT INTO ops.mart_state VALUES ('daily_seismicity', 'earthquakes', 2, %s)", refreshed)
    for day, events in (("2018-02-01", 120), ("2018-02-02", 120)):
        run("INSERT INTO mart.daily_seismicity VALUES (%s, %s, 6.9, 10)", dt.date.fromisoformat(day), events)


def earthquake(number: int) -> tuple[Any, ...]:
    """One event. Its longitude has no short decimal form: a cursor must carry it exactly."""
    time_of = TIMES[number % 8]
    return (
        f"ev{(number * 37) % 240:03d}", time_of, time_of, None if number % 5 == 0 else (number % 70) / 10,
        f"place {number % 4}", 1 / 3 * (number % 11), 0.5, 10.0,
        "earthquake" if number % 3 else "quarry blast", "reviewed" if number % 2 else "automatic",
        number, number % 7, "raw/earthquakes/x.parquet", number, TIMES[0],
    )  # fmt: skip


def fill_readings(run: Runner) -> None:
    """Twelve rows without a key, in pairs that differ in _raw_row alone."""
    for number in range(12):
        run(
            "INSERT INTO core.readings VALUES (%s, %s, %s, %s, %s, %s, %s, JSON_PARSE(%s), %s, %s, %s, %s)",
            dt.date(2018, 1, 1 + number // 4), f"s{number // 2}", "classified", "1234567890.10", 0.1 * number,
            number % 2 == 0, dt.datetime(2018, 1, 1, 12, tzinfo=dt.UTC), '{"a": [1, 2]}', number,
            "raw/readings/2018/01/01/data.parquet", number, TIMES[0],
        )  # fmt: skip
    run.ledger("readings", "2018-01-01", 1)
    run.ledger("readings", "2018-01-03", 1)
    run("INSERT INTO ops.generation VALUES ('readings', 1, %s)", dt.datetime(2018, 2, 1))
