"""What the driver's errors mean: every line of the table, with errors as the driver gives them."""

import gc
import re
import struct
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redshift_connector

from lambdas.common import errors
from lambdas.common.db import retry as retrying
from lambdas.common.db.classify import TABLE, classify
from lambdas.common.db.redshift import execute
from lambdas.common.db.retry import ATTEMPTS, retry
from lambdas.common.errors import (
    DataRefused,
    LoadError,
    LoginRefused,
    StatementCancelled,
    TransientError,
    WarehouseBusy,
)
from lambdas.process.work import Warehouse
from tests.cloud import PROJECT

SPECTRUM = "Spectrum Scan Error"
TOO_LONG = (
    "error: The length of the data column name is longer than the length defined in the table. Table: 1023, Data: 9"
)


def server(code: str, message: str, detail: str = "") -> Exception:
    report = {"S": "ERROR", "C": code, "M": message} | ({"D": detail} if detail else {})
    return redshift_connector.ProgrammingError(report)


# One or more for each line of the table, in its order.
CASES: list[tuple[Exception, type[Exception]]] = [
    (redshift_connector.InterfaceError({"C": "28000", "M": "password authentication failed"}), LoginRefused),
    (server("57014", "Query (150) canceled on user's request"), StatementCancelled),
    (server("40001", "could not serialize access due to concurrent update"), WarehouseBusy),
    (server("57P01", "terminating connection due to administrator command"), WarehouseBusy),
    (server("22003", "integer out of range"), DataRefused),
    (server("23502", 'null value in column "id" violates not-null constraint'), DataRefused),
    (server("XX000", SPECTRUM, TOO_LONG), DataRefused),
    (server("XX000", SPECTRUM, "error: Multibyte character not supported for CHAR (Hint: Try using"), DataRefused),
    (server("XX000", "Cannot insert a NULL value into column id"), DataRefused),
    (server("XX000", "Numeric data overflow (result precision)"), DataRefused),
    (server("XX000", SPECTRUM, "Unmatched number of columns between table and file. Table columns: 2"), LoadError),
    (server("XX000", SPECTRUM, "File 'x' has an incompatible Parquet schema for column 's3://x'"), LoadError),
    (server("XX000", "Assert", "Assert code 1000 Unreachable - Invalid type: 4000"), LoadError),
    (server("42501", "permission denied for relation lock_x"), LoadError),
    (server("XX000", "S3ServiceException: Access Denied, Status 403"), LoadError),
    (server("XX000", "Found multiple matches to update the same tuple."), LoadError),
    (server("XX000", "Disk Full"), LoadError),
    (
        server("XX000", "1023", "Serializable isolation violation on table - 100, transactions forming the cycle"),
        WarehouseBusy,
    ),
    (server("XX000", "could not complete because of conflict with concurrent transaction"), WarehouseBusy),
    (server("XX000", "deadlock detected"), WarehouseBusy),
    (server("XX000", "could not open relation with OID 12345"), WarehouseBusy),
    (server("XX000", SPECTRUM, "error: Spectrum Scan Error: Retries exceeded"), WarehouseBusy),
    (server("XX000", "S3ServiceException: Please reduce your request rate.,Status 503,Error SlowDown"), WarehouseBusy),
    (server("XX000", "too many connections, connection limit exceeded for user"), WarehouseBusy),
    (redshift_connector.InterfaceError("BrokenPipe: server socket closed. Please check"), WarehouseBusy),
    (redshift_connector.InterfaceError("communication error", OSError("down")), WarehouseBusy),
    (redshift_connector.InterfaceError("cannot read from timed out object"), WarehouseBusy),
    (server("XX000", "something that nobody has seen yet"), LoadError),
]


def text_of(error: Exception) -> tuple[str, str]:
    report = error.args[0] if isinstance(error.args[0], dict) else {}
    return str(report.get("C", "")), " ".join(str(report[k]) for k in ("M", "D") if k in report) or str(error)


@pytest.mark.parametrize(("error", "meaning"), CASES, ids=[str(e.args[0])[:60] for e, _ in CASES])
def test_error_of_the_driver_means(error: Exception, meaning: type[Exception]):
    assert type(classify(error)) is meaning


def test_every_line_of_the_table_decides_a_case():
    deciding = [next(line for line in TABLE if line.fits(*text_of(error))) for error, _ in CASES]
    assert deciding == list(TABLE)


@pytest.mark.parametrize(
    "error", [ConnectionResetError("reset"), TimeoutError("timed out"), struct.error("5 bytes"), KeyError(b"x")]
)
def test_stream_that_breaks_off_is_worth_another_try(error: Exception):
    assert type(classify(error)) is WarehouseBusy


@pytest.mark.parametrize("error", [ValueError("x"), redshift_connector.InterfaceError("Server refuses SSL")])
def test_error_that_no_new_connection_mends_is_not_tried_again(error: Exception):
    assert type(classify(error)) is LoadError


@pytest.mark.parametrize(
    ("detail", "meaning"), [("Table: 1023, Data: 1024", DataRefused), ("'retries exceeded'", DataRefused)]
)
def test_words_in_the_data_do_not_make_an_error_transient(detail: str, meaning: type[Exception]):
    assert type(classify(server("22001", "value too long", detail))) is meaning


def test_wrong_setting_is_no_fault_of_the_data():
    assert type(classify(server("22023", "invalid value for parameter"))) is LoadError


def test_page_shows_the_table_as_it_is():
    text = (PROJECT / "docs" / "functions.md").read_text()
    shown = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \| (.*?) \|$", text, re.MULTILINE)
    lines = [(line.error.__name__, code(line.state), code(line.text), line.source) for line in TABLE]
    assert shown == lines
    assert all(issubclass(getattr(errors, name), errors.AnalyticsError) for name, *_ in shown)


def code(pattern: str) -> str:
    return f"`{pattern}`".replace("|", "\\|") if pattern else ""


def failing(*results: Exception) -> tuple[Callable[[], str], list[int]]:
    left, calls = list(results), []

    def work() -> str:
        calls.append(1)
        if left:
            raise left.pop(0)
        return "done"

    return work, calls


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []
    monkeypatch.setattr(retrying.time, "sleep", pauses.append)
    return pauses


def test_busy_warehouse_is_asked_again_with_growing_pauses_that_chance_shortens(no_waiting):
    work, calls = failing(*[WarehouseBusy("1023")] * (ATTEMPTS - 1))
    assert retry(work, "x", time.monotonic() + 60) == "done"
    assert len(calls) == ATTEMPTS
    assert all(0.25 * 2**n <= pause <= 0.5 * 2**n for n, pause in enumerate(no_waiting))
    assert no_waiting != [0.5, 1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("results", "calls"),
    [
        ([WarehouseBusy("1023")] * 9, ATTEMPTS),
        ([StatementCancelled("slow")] * 9, 2),
        ([StatementCancelled("slow"), WarehouseBusy("1023"), StatementCancelled("slow")], 3),
        ([LoadError("42501")], 1),
        ([DataRefused("too long")], 1),
    ],
)
def test_no_more_attempts_than_make_sense(no_waiting, results: list[Exception], calls: int):
    work, made = failing(*results)
    with pytest.raises((TransientError, LoadError)):
        retry(work, "x", time.monotonic() + 60)
    assert len(made) == calls


def test_deadline_ends_the_attempts(no_waiting):
    work, made = failing(*[WarehouseBusy("1023")] * 9)
    with pytest.raises(WarehouseBusy):
        retry(work, "x", time.monotonic())
    assert len(made) == 1


@pytest.fixture
def _no_sockets_left() -> Iterator[None]:
    """The driver leaves the socket of a refused login to the garbage collector."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.mark.usefixtures("_no_sockets_left")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_rotated_password_is_read_again_once(warehouse):
    right, reads = warehouse.secret, []

    def read_again(secret: dict[str, Any]) -> Callable[[], dict[str, Any]]:
        return lambda: (reads.append(1), secret)[1]

    old = {**right, "password": "former"}
    with Warehouse(old, warehouse.sslmode, "default", read_again(right)).session("tests") as connection:
        assert execute(connection, "SELECT 1")
    with (
        pytest.raises(LoginRefused),
        Warehouse(old, warehouse.sslmode, "default", read_again(old)).session("tests"),
    ):
        pass
    assert len(reads) == 2
