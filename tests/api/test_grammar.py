"""What the grammar refuses, and how it says so: all mistakes of a request at once, each with what is allowed."""

import datetime as dt
import subprocess
import sys
from typing import Any

import pytest

from tests.api.warehouse import ROOT

INJECTIONS = [
    "'; DROP TABLE core.earthquakes; --", "1 OR 1=1", '" OR ""="', "event_id) FROM core.earthquakes--", "%s", "%(a)s",
    "\\' OR 1=1 --", "$1", ":1", "NULL", "(SELECT 1)", "pg_sleep(9)", "event_time; SELECT", "ev000' UNION SELECT 1--",
]  # fmt: skip


@pytest.fixture(scope="session")
def read(catalogue: Any) -> Any:
    """Reads a query string of the records of a dataset; gives the mistakes by parameter."""
    from chalicelib.errors import ApiError
    from chalicelib.parameters import read_aggregate, read_records

    def mistakes(dataset: str, query: dict[str, list[str]], endpoint: str = "records") -> dict[str, Any]:
        reader = read_records if endpoint == "records" else read_aggregate
        try:
            reader(catalogue.dataset(dataset), query)
        except ApiError as error:
            return {mistake.parameter: mistake for mistake in error.mistakes}
        return {}

    return mistakes


def test_all_mistakes_are_named_at_once_with_what_is_allowed(read: Any) -> None:
    found = read(
        "earthquakes",
        {
            "from": ["2018-02-30"], "to": ["yesterday"], "colour": ["red"], "magnitude__like": ["3"],
            "tsunami": ["1.5", "2"], "columns": ["event_id,colour"], "sort": ["place"], "limit": ["0"], "cursor": ["x"],
        },
    )  # fmt: skip
    expected = "from to colour magnitude__like tsunami columns sort limit cursor"
    assert set(found) == set(expected.split())
    assert "magnitude__gte" in found["magnitude__like"].allowed
    assert "event_id" in found["colour"].allowed
    assert "magnitude" not in found["sort"].allowed, "a column that may be empty gives no order"


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "1517443200",
        "2018-1-1",
        "2018-02-01T25:00",
        "20180201",
        "2018-W05-1",
        "now",
        "",
        "2018-02-01Z",
        "\u0662\u0660\u0661\u0668-\u0660\u0662-\u0660\u0661",
    ],
)
def test_only_iso_dates_and_timestamps_are_dates(read: Any, text: str) -> None:
    assert set(read("earthquakes", {"from": [text]})) == {"from"}


def test_offsets_are_turned_to_utc() -> None:
    from chalicelib.values import parse_moment

    assert parse_moment("2018-02-01T01:30:00+02:00") == dt.datetime(2018, 1, 31, 23, 30)
    assert parse_moment("2018-02-01") == parse_moment("2018-02-01T00:00Z") == dt.datetime(2018, 2, 1)


@pytest.mark.parametrize(
    ("dataset", "parameter", "text"),
    [
        ("earthquakes", "magnitude", "NaN"), ("earthquakes", "magnitude", "1e999"), ("earthquakes", "magnitude", "1_0"),
        ("earthquakes", "felt", "9223372036854775808"), ("earthquakes", "felt", "\uff11"),
        ("earthquakes", "tsunami", "40000"),
        ("earthquakes", "place", "a\x00b"), ("earthquakes", "place", "\ud800"), ("earthquakes", "place", "x" * 5000),
        ("earthquakes", "event_time__gte", "10000-01-01"), ("earthquakes", "event_time", "0001-01-01T00:00+23:00"),
        ("earthquakes", "magnitude__null", "yes"), ("readings", "open", "1"), ("readings", "open__gt", "true"),
        ("readings", "details", "{}"), ("readings", "price", "1e39"), ("readings", "day", "2018-02-01T00:00:00"),
    ],
)  # fmt: skip
def test_values_of_the_wrong_type_are_refused(read: Any, dataset: str, parameter: str, text: str) -> None:
    assert set(read(dataset, {parameter: [text]})) == {parameter}


def test_a_real_is_the_number_that_the_warehouse_would_make_of_it() -> None:
    from chalicelib.values import KINDS

    parse = KINDS["real"].parse
    assert (parse("1e-60"), parse("3.4028235e38"), parse("0.1")) == (0.0, 3.4028234663852886e38, 0.10000000149011612)


def test_parameters_that_stand_once_are_refused_when_repeated(read: Any) -> None:
    repeated = {name: ["10", "20"] for name in ("limit", "felt__gte", "magnitude__null")} | {"sort": ["event_id"] * 2}
    assert set(read("earthquakes", repeated)) == set(repeated)
    assert read("earthquakes", {"felt": ["1", "2"], "felt__ne": ["3", "4"]}) == {}


@pytest.mark.parametrize(
    ("sort", "why"),
    [
        ("-magnitude", "cannot sort by 'magnitude': it may be empty, and pages need a value"),
        (
            "event_id,event_time",
            "cannot sort by 'event_id,event_time': one name alone",
        ),
        ("colour", "cannot sort by 'colour'; a name alone goes upwards, one with - in front downwards"),
    ],
)
def test_an_order_that_is_refused_has_its_reason(read: Any, sort: str, why: str) -> None:
    assert read("earthquakes", {"sort": [sort]})["sort"].detail == why


def test_a_pattern_may_end_in_a_backslash_that_is_escaped(read: Any) -> None:
    assert read("earthquakes", {"place__like": ["%\\\\"]}) == {}
    assert "must not end in the escape" in read("earthquakes", {"place__like": ["%\\"]})["place__like"].detail


def test_an_empty_or_turned_range_is_refused(read: Any) -> None:
    assert "must be before" in read("earthquakes", {"from": ["2018-02-01"], "to": ["2018-02-01"]})["from"].detail


def test_a_column_named_like_a_parameter_is_reached_by_its_operator(read: Any) -> None:
    assert read("readings", {"limit": ["5"], "limit__eq": ["3"]}) == {}
    assert set(read("readings", {"limit__eq": ["40000"]})) == {"limit__eq"}


def test_restricted_columns_do_not_exist(read: Any) -> None:
    for parameter, value in (
        ("secret_note", "x"), ("secret_note__null", "true"), ("columns", "secret_note"), ("sort", "secret_note"),
    ):  # fmt: skip
        mistake = read("readings", {parameter: [value]})[parameter]
        assert "secret_note" not in mistake.allowed
    assert set(read("readings", {"by": ["secret_note"], "metrics": ["max:secret_note"]}, "aggregate")) == {
        "by",
        "metrics",
    }


def test_aggregates_name_their_mistakes(read: Any) -> None:
    query = {
        "metrics": ["avg:place,p99:felt"],
        "by": ["details"],
        "bucket": ["minute"],
        "sort": ["-felt"],
        "cursor": ["x"],
    }
    assert set(read("earthquakes", query, "aggregate")) == set(query)
    assert "hour" not in read("readings", {"bucket": ["hour"]}, "aggregate")["bucket"].allowed, "dates have no hours"


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_word_of_a_client_becomes_sql(catalogue: Any, read: Any, text: str) -> None:
    from chalicelib.parameters import read_records
    from chalicelib.query import compile_records

    for parameter in ("sort", "columns", "limit", "from", "cursor"):
        assert read("earthquakes", {parameter: [text]}), parameter
    assert read("earthquakes", {text: ["1"]})
    assert read("earthquakes", {"by": [text]}, "aggregate")
    statement = compile_records(
        read_records(catalogue.dataset("earthquakes"), {"place": [text], "event_id__gt": [text]})
    )
    assert statement.values == (text, text)
    assert '"place" IN (%s) AND "event_id" > %s' in statement.sql


def test_a_position_is_written_out_column_by_column(catalogue: Any) -> None:
    from chalicelib.parameters import read_records
    from chalicelib.query import compile_records
    from chalicelib.service import Service  # noqa: F401 - the whole package imports

    weather = catalogue.dataset("weather")
    query = read_records(weather, {"columns": ["temp"]})
    moved = type(query)(**{name: getattr(query, name) for name in query.__slots__} | {"after": ("t", "o")})
    assert compile_records(moved).sql == (
        'SELECT "temp", "time_hour", "origin" FROM "core"."weather" WHERE "time_hour" >= %s AND '
        '("time_hour" > %s OR ("time_hour" = %s AND "origin" > %s)) ORDER BY "time_hour" ASC, "origin" ASC LIMIT 101'
    )


def test_everything_but_the_routes_imports_without_chalice() -> None:
    code = (
        "import sys; sys.modules['chalice'] = None; sys.path[:0] = sys.argv[1:];"
        "import chalicelib.service, chalicelib.warehouse, chalicelib.answers;"
        "assert 'boto3' not in sys.modules and 'redshift_connector' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(ROOT), str(ROOT / "api_chalice")], check=True, timeout=60)
