"""A warehouse with the benchmarks' rows, and the API's handler on it, in this process."""

import datetime as dt
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from lambdas.common.contract import load_contract
from lambdas.common.db import ddl, redshift
from tests.api.warehouse import ROOT, Endpoint
from tests.bench.engine import write_contract

SMALL, LARGE = "small", "large"
ROWS = {SMALL: 20_000, LARGE: 3_000_000}
DEFS = "type: orchestration.components.Source\nattributes:\n  start: '2024-03-01'\n"
# A digit at a time: Redshift has no generate_series that a table could be filled from.
DIGITS = "(" + " UNION ALL ".join(f"SELECT {n} AS n" for n in range(10)) + ")"
FILL = """
INSERT INTO core.{name} (id, at, station, kind, celsius, humidity, count, note, _raw_key, _raw_row, _loaded_at)
SELECT i, DATEADD(second, CAST(i AS integer), TIMESTAMP '2024-03-01'), 'station-' || (i % 500), 'a',
    CAST(i % 600 AS float) / 10, CAST(i % 1000 AS float) / 10, i % 100000,
    'note ' || (i % 100000), 'raw/x', i, TIMESTAMP '2024-05-01'
FROM (SELECT {number} AS i FROM {crossed}) AS numbers WHERE i < {rows}
"""


@dataclass(frozen=True)
class Place:
    """An endpoint, a session like the API's for what is done by hand, and the handler."""

    endpoint: Endpoint
    connection: Any
    service: Any
    app: Any

    def get(self, path: str, query: str = "") -> dict[str, Any]:
        """The handler's answer to a GET as the gateway would hand it over."""
        with redirect_stdout(None):  # its metrics, a line an answer
            found: dict[str, Any] = self.app(event(path, query), None)
        if found["statusCode"] != 200:
            raise RuntimeError(found)
        return found


def event(path: str, query: str = "") -> dict[str, Any]:
    """The event of a GET of a dataset's endpoint."""
    return _event(path.replace(path.split("/")[3], "{dataset}"), path, query) | {
        "pathParameters": {"dataset": path.split("/")[3]}
    }


def _event(resource: str, path: str, query: str = "") -> dict[str, Any]:
    return {
        "requestContext": {
            "resourcePath": resource, "httpMethod": "GET", "path": path, "requestId": "bench",
        },
        "httpMethod": "GET", "path": path, "headers": {}, "multiValueQueryStringParameters": parse_qs(query) or None,
        "pathParameters": None, "body": None, "stageVariables": None, "isBase64Encoded": False,
    }  # fmt: skip


HEALTH = _event("/v1/health", "/v1/health")


@contextmanager
def opened(folder: Path, names: tuple[str, ...] = (SMALL, LARGE)) -> Iterator[Place]:
    """The endpoint with the tables filled, gone at the end."""
    assets = folder / "assets"
    endpoint = Endpoint(folder / "redshift")
    try:
        endpoint.start()
        with redshift.session(endpoint.secret("admin"), "disable", name="bench") as admin:
            _fill(admin, assets, names)
        connect = session_of(endpoint)
        connection = connect()
        service, app = make_app(assets, connect)
        yield Place(endpoint, connection, service, app)
        redshift.close(connection)
    finally:
        endpoint.stop()


def session_of(endpoint: Endpoint) -> Callable[[], Any]:
    """A way to open the API's sessions."""
    sys.path.insert(0, str(ROOT / "api_chalice"))
    from chalicelib.warehouse import open_session  # type: ignore[import-not-found]

    return lambda: open_session(endpoint.secret("admin"), "disable", name="bench-api")


def make_app(assets: Path, connect: Callable[[], Any]) -> tuple[Any, Any]:
    """The API over these contracts: its service, and the handler."""
    from chalice import Chalice
    from chalicelib.exports import Exports  # type: ignore[import-not-found]
    from chalicelib.routes import register  # type: ignore[import-not-found]
    from chalicelib.schemas import load_catalogue  # type: ignore[import-not-found]
    from chalicelib.service import Service  # type: ignore[import-not-found]
    from chalicelib.storage import Storage  # type: ignore[import-not-found]
    from chalicelib.warehouse import Warehouse, utc_now, utc_today  # type: ignore[import-not-found]

    catalogue = load_catalogue(assets)
    service = Service(lambda: catalogue, Warehouse(connect), utc_today)
    exports = Exports(lambda: catalogue, connect, Storage("", "", lambda: None), lambda _: None, utc_now)
    app = Chalice(app_name="bench")
    register(app, service, exports)
    return service, app


def _fill(admin: Any, assets: Path, names: tuple[str, ...]) -> None:
    for schema in ("core", "history", "mart", "ops"):
        redshift.execute(admin, f"CREATE SCHEMA {schema}")
    admin.commit()
    ddl.migrate_ops(admin)
    for kind in ("sources", "marts"):
        (assets / kind).mkdir(parents=True)
    for name in names:
        contract_path = write_contract(assets / "sources", name, ("id",))
        (contract_path.parent / "defs.yaml").write_text(DEFS)
        ddl.migrate_source(admin, load_contract(contract_path))
        digits = len(str(ROWS[name])) - (str(ROWS[name]).strip("0") == "1")
        number = " + ".join(f"CAST({10**place} AS bigint) * d{place}.n" for place in range(digits))
        crossed = ", ".join(f"{DIGITS} AS d{place}" for place in range(digits))
        redshift.execute(admin, FILL.format(name=name, number=number, crossed=crossed, rows=ROWS[name]))
        redshift.execute(
            admin, "UPDATE ops.generation SET generation = 1, loaded_at = GETDATE() WHERE source = %s", (name,)
        )
        for day in range(35):
            _append(admin, name, dt.date(2024, 3, 1) + dt.timedelta(days=day))
        # to migrate the next would give up what is open
        admin.commit()


def _append(admin: Any, name: str, day: dt.date) -> None:
    redshift.execute(
        admin,
        "INSERT INTO ops.load_ledger (source, raw_key, raw_day, etag, contract_hash, status, rows_in, rows_accepted, "
        "rows_rejected, rows_late, load_id, generation, requested_by, loaded_at) "
        "VALUES (%s, %s, %s, 'e', 'h', 'loaded', 10, 10, 0, 0, 'l', 1, 'bench', GETDATE())",
        (name, f"raw/{name}/{day}", day),
    )
