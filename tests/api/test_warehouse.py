"""The connection: only when needed, never left in a transaction, replaced when broken, its errors told plainly."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from lambdas.common.db import redshift
from lambdas.common.errors import WarehouseBusy
from tests.api.conftest import Api
from tests.api.warehouse import ROOT, Endpoint

COUNT = "/v1/datasets/earthquakes/aggregate"


class Counting:
    """Opens sessions and remembers them."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.opened: list[Any] = []

    def __call__(self) -> Any:
        from chalicelib.warehouse import open_session

        self.opened.append(open_session(self.endpoint.secret("reader"), "disable", name="counting"))
        return self.opened[-1]


@pytest.fixture
def counting(endpoint: Endpoint) -> Any:
    """A way to open sessions that are closed after the test."""
    found = Counting(endpoint)
    yield found
    for connection in found.opened:
        redshift.close(connection)


def test_a_broken_connection_is_replaced(make_api: Callable[[Any], Api], counting: Counting) -> None:
    from chalicelib.warehouse import Warehouse

    api = make_api(Warehouse(counting))
    assert api(COUNT)["data"] == [{"count": 240}]
    assert api(COUNT)["data"] == [{"count": 240}]
    assert len(counting.opened) == 1, "it is kept"
    counting.opened[0]._usock.shutdown(2)
    assert api(COUNT)["data"] == [{"count": 240}]
    assert len(counting.opened) == 2


def test_a_warehouse_that_does_not_answer_is_503_after_one_more_try(make_api: Callable[[Any], Api]) -> None:
    from chalicelib.warehouse import Warehouse

    tried = []

    def refuse() -> Any:
        tried.append(1)
        raise WarehouseBusy("nobody there: password=hunter2")

    found = make_api(Warehouse(refuse)).raw(COUNT)
    assert (found.status_code, found.headers["Retry-After"], len(tried)) == (503, "5", 2)
    assert b"hunter2" not in found.body


def test_a_statement_that_takes_too_long_is_504_and_the_connection_stays(
    make_api: Callable[[Any], Api], counting: Counting
) -> None:
    from chalicelib.query import Statement
    from chalicelib.warehouse import Warehouse

    warehouse = Warehouse(counting)
    api = make_api(warehouse)
    api(COUNT)
    redshift.set_timeout(counting.opened[0], 0.2)
    counting.opened[0].commit()
    slow = Statement(
        "SELECT COUNT(*) FROM core.earthquakes a, core.earthquakes b, core.earthquakes c, core.earthquakes d"
    )

    class Slow:
        def read(self, work: Any) -> Any:
            return warehouse.read(lambda snapshot: snapshot.rows(slow))

    found = make_api(Slow()).raw(COUNT)
    assert (found.status_code, json.loads(found.body)["title"]) == (504, "Gateway Timeout")
    redshift.set_timeout(counting.opened[0], 20)
    counting.opened[0].commit()
    assert api(COUNT)["data"] == [{"count": 240}]
    assert len(counting.opened) == 1


def test_a_table_that_is_not_there_yet_is_503(api: Api, admin: Any) -> None:
    redshift.execute(admin, "ALTER TABLE core.weather RENAME TO elsewhere")
    admin.commit()
    try:
        found = api.raw("/v1/datasets/weather/records")
        assert (found.status_code, found.headers["Retry-After"]) == (503, "60")
        assert b"core" not in found.body
    finally:
        redshift.execute(admin, "ALTER TABLE core.elsewhere RENAME TO weather")
        admin.commit()
    assert api("/v1/datasets/weather/records")["data"] == []


def test_no_transaction_is_left_open(make_api: Callable[[Any], Api], counting: Counting) -> None:
    from chalicelib.warehouse import Warehouse

    api = make_api(Warehouse(counting))
    api(COUNT)
    api.raw("/v1/datasets/earthquakes/records", sort="nothing")
    assert not counting.opened[0].in_transaction


@pytest.mark.parametrize("error", [RuntimeError("a fault of ours"), KeyboardInterrupt()])
def test_an_error_of_the_work_itself_leaves_no_transaction_open(counting: Counting, error: BaseException) -> None:
    from chalicelib.query import Statement
    from chalicelib.warehouse import Snapshot, Warehouse

    def fail(snapshot: Snapshot) -> None:
        snapshot.rows(Statement("SELECT 1 AS one"))
        assert counting.opened[0].in_transaction
        raise error

    with pytest.raises(type(error)):
        Warehouse(counting).read(fail)
    assert not counting.opened[0].in_transaction


def test_an_unforeseen_error_is_500_without_its_words(make_api: Callable[[Any], Api]) -> None:
    class Broken:
        def read(self, work: Any) -> Any:
            raise RuntimeError("SELECT secret FROM core.x")

    found = make_api(Broken()).raw(COUNT)
    assert (found.status_code, found.headers["Content-Type"]) == (500, "application/problem+json")
    assert b"secret" not in found.body


def test_a_method_that_a_path_does_not_take_is_405_with_allow(inside: Api) -> None:
    """Chalice alone: the gateway hands on no method that it does not know."""
    found = inside.client.http.post("/v1/datasets")
    assert (found.status_code, found.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert json.loads(found.body)["status"] == 405


def test_the_app_itself_answers_health_without_driver_warehouse_or_contracts() -> None:
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]; import app; from chalice.test import Client;\n"
        "with Client(app.app) as client: found = client.http.get('/v1/health')\n"
        "assert found.status_code == 200, found.body\n"
        "assert 'redshift_connector' not in sys.modules and 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(ROOT / "api_chalice"), str(ROOT)], check=True, timeout=60)


def test_reader_may_not_write(endpoint: Endpoint) -> None:
    from lambdas.common.errors import LoadError

    with (
        redshift.session(endpoint.secret("reader"), "disable", name="tests") as connection,
        pytest.raises(LoadError, match="permission denied"),
    ):
        redshift.execute(connection, "DELETE FROM core.earthquakes")
