"""How a REST API is asked, and what happens when it does not answer as it should."""

import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate

import pytest

from lambdas.common.errors import SettingsError, SourceError, SourceUnavailable
from tests.ingest.conftest import key

DAY = ("2024-01-01", "2024-01-02")
ROW = {"id": 1, "at": "2024-01-01T00:00:00Z", "name": "one"}


def once(records):
    """One page of records, then an empty one."""
    return lambda _path, asked, _number: (200, {"items": records if asked.get("offset") == "0" else []})


@pytest.mark.parametrize(
    ("options", "start", "end"),
    [
        ({}, "2024-01-01T00:00:00Z", "2024-01-03T00:00:00Z"),
        ({"end": "inclusive"}, "2024-01-01T00:00:00Z", "2024-01-02T23:59:59.999999Z"),
        ({"end": "inclusive", "precision": "millisecond"}, "2024-01-01T00:00:00Z", "2024-01-02T23:59:59.999Z"),
        ({"end": "inclusive", "precision": "second"}, "2024-01-01T00:00:00Z", "2024-01-02T23:59:59Z"),
        ({"end": "inclusive", "precision": "day"}, "2024-01-01", "2024-01-02"),
        ({"precision": "day"}, "2024-01-01", "2024-01-03"),
    ],
)
def test_the_window_is_asked_for_as_the_source_wants_it(bench, api, options, start, end):
    api.answer = once([])
    bench.ingest(api.extract(**options), "2024-01-01", "2024-01-03")
    assert [(asked["start"], asked["end"]) for asked in api.asked] == [(start, end)]


def test_tokens_are_filled_and_other_braces_are_left_alone(bench, api):
    bench.secrets.create_secret(Name=f"{bench.bucket}/key", SecretString="s3cret")
    bench.variables["WHO"] = "me"
    api.answer = once([])
    extract = api.extract()
    parameters = extract["rest_api"]["resources"][0]["endpoint"]["params"]
    parameters |= {"who": "{env:WHO}-{end}", "other": "{{nothing}}", "key": f"{{secret:{bench.bucket}/key}}"}
    bench.ingest(extract, *DAY)
    assert api.asked[0]["who"] == "me-2024-01-02T00:00:00Z"
    assert api.asked[0]["key"] == "s3cret"
    assert api.asked[0]["other"] == "{nothing}"  # doubled braces are dlt's own


def test_a_missing_variable_or_secret_is_named(bench, api):
    extract = api.extract()
    extract["rest_api"]["client"]["base_url"] = "{env:NOT_THERE}"
    with pytest.raises(SettingsError, match="NOT_THERE"):
        bench.ingest(extract, *DAY)
    extract["rest_api"]["client"]["base_url"] = "{secret:not/there}"
    with pytest.raises(SettingsError, match="not/there"):
        bench.ingest(extract, *DAY)


def test_a_source_that_fails_half_way_leaves_nothing(bench, api):
    api.answer = lambda _path, _asked, number: (200, {"items": [ROW, ROW]}) if number < 3 else (500, "down")
    with pytest.raises(SourceUnavailable, match="500"):
        bench.ingest(api.extract(), *DAY)
    assert bench.etags() == {}


@pytest.mark.long
@pytest.mark.parametrize("header", ["3", "date"])
def test_a_busy_source_is_asked_again_when_it_says(bench, api, header):
    """Later than dlt would by itself, which is after one second and then after two."""
    times = []

    def answer(path, asked, number):
        times.append(time.monotonic())
        when = formatdate(time.time() + 4, usegmt=True) if header == "date" else header
        return (429, "slow down", {"Retry-After": when}) if number == 1 else once([ROW])(path, asked, number)

    api.answer = answer
    assert bench.ingest(api.extract(attempts=3), *DAY)["rows"] == 1
    # a date has whole seconds
    assert times[1] - times[0] >= 2.9
    assert len(api.asked) == 3


@pytest.mark.long
@pytest.mark.parametrize("status", [503, 500])
def test_a_source_that_is_out_of_order_twice_is_asked_a_third_time(bench, api, status):
    def answer(path, asked, number):
        return (status, "one moment", {"Retry-After": "0"}) if number < 3 else once([ROW])(path, asked, number)

    api.answer = answer
    assert bench.ingest(api.extract(attempts=3), *DAY)["rows"] == 1
    assert len(api.asked) == 4


def test_a_refusal_is_told_with_what_was_asked_but_without_secrets(bench, api):
    bench.secrets.create_secret(Name=f"{bench.bucket}/key", SecretString="hunter2")
    api.answer = lambda _path, asked, _number: (400, f"bad starttime for {asked['key']}".encode())
    extract = api.extract(attempts=3)
    extract["rest_api"]["resources"][0]["endpoint"]["params"]["key"] = f"{{secret:{bench.bucket}/key}}"
    with pytest.raises(SourceError) as caught:
        bench.ingest(extract, *DAY)
    assert "400: bad starttime for ***" in str(caught.value)
    assert "/things?start=2024-01-01" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert len(api.asked) == 1


def test_an_answer_that_repeats_a_secret_at_its_cut_or_encoded_shows_nothing_of_it(bench, api):
    bench.secrets.create_secret(Name=f"{bench.bucket}/key", SecretString="hunter/2+three=")
    api.answer = lambda _path, asked, _number: (403, f"{'x' * 290}{asked['q']}".encode())
    extract = api.extract()
    extract["rest_api"]["resources"][0]["endpoint"]["params"]["q"] = f"{{secret:{bench.bucket}/key}}"
    with pytest.raises(SourceError, match="403") as caught:
        bench.ingest(extract, *DAY)
    assert "hunter" not in str(caught.value)


def test_no_log_line_shows_a_secret_at_any_level(bench, api, caplog):
    bench.secrets.create_secret(Name=f"{bench.bucket}/key", SecretString="hunter2")
    api.answer = once([ROW])
    extract = api.extract()
    extract["rest_api"]["resources"][0]["endpoint"]["params"]["key"] = f"{{secret:{bench.bucket}/key}}"
    with caplog.at_level("DEBUG"):
        assert bench.ingest(extract, *DAY)["rows"] == 1
    assert api.asked[0]["key"] == "hunter2"
    assert "hunter2" not in "\n".join(record.getMessage() for record in caplog.records if "botocore" not in record.name)


def test_a_page_of_html_is_no_answer(bench, api):
    api.answer = lambda _path, _asked, _number: (200, b"<html>please log in</html>", {"Content-Type": "text/html"})
    with pytest.raises(SourceError, match="answered, but not with JSON: <html>please log in"):
        bench.ingest(api.extract(), *DAY)
    assert bench.etags() == {}


def test_a_source_that_is_not_there_is_unavailable(bench, api):
    extract = api.extract()
    extract["rest_api"]["client"]["base_url"] = "http://127.0.0.1:9/"
    with pytest.raises(SourceUnavailable, match="no answer"):
        bench.ingest(extract, *DAY)


def test_a_silent_source_is_given_up_on(bench, api):
    def answer(_path, _asked, _number):
        time.sleep(1)
        return 200, {"items": []}

    api.answer = answer
    with pytest.raises(SourceUnavailable, match="no answer"):
        bench.ingest(api.extract(timeout=0.2), *DAY)


@pytest.mark.parametrize("size", [300, 1])
def test_a_source_that_does_not_end_in_time_leaves_nothing(bench, api, size):
    """However few records its pages have."""

    def answer(_path, _asked, _number):
        time.sleep(0.05)
        return 200, {"items": [ROW] * size}

    api.answer = answer
    with pytest.raises(SourceUnavailable, match="the time was up"):
        bench.ingest(api.extract(size=size, max_pages=200), *DAY, seconds=0.5)
    assert len(api.asked) < 30
    assert bench.etags() == {}


def test_a_silent_source_is_waited_for_no_longer_than_the_call_has_time(bench, api):
    bench.ingest(api.serve([]), *DAY)  # what is imported at first takes as long as the silent one gets
    api.answer = lambda *_: time.sleep(4) or (200, {"items": []})
    begun = time.monotonic()
    with pytest.raises(SourceUnavailable, match="no answer"):
        bench.ingest(api.extract(timeout=30), *DAY, seconds=1)
    assert time.monotonic() - begun < 3.5


@pytest.mark.parametrize("items", [[["id", 1]], ["text"], [1]])
def test_records_without_names_are_refused(bench, api, items):
    api.answer = once(items)
    with pytest.raises(SourceError, match="data_selector"):
        bench.ingest(api.extract(), *DAY)


def test_names_that_differ_in_case_alone_are_refused(bench, api):
    api.answer = once([{**ROW, "ID": 2}])
    with pytest.raises(SourceError, match="'ID' and 'id'"):
        bench.ingest(api.extract(), *DAY)


def test_a_configuration_that_dlt_refuses_is_a_source_error(bench, api):
    extract = api.extract()
    extract["rest_api"]["resources"][0]["endpoint"]["paginator"] = {"type": "sideways"}
    with pytest.raises(SourceError, match="rest_api"):
        bench.ingest(extract, *DAY)


def test_odd_names_and_texts_arrive_unchanged(bench, api):
    row = {**ROW, "select": "a\"b'c\n", 'q"u': "\u0000x", "größe": "\U0001f600", "spool 0": "mine", "_day": 7}
    api.answer = once([row, {"id": 2, "at": ROW["at"], "name": "half a \ud83d pair"}])
    bench.ingest(api.extract(size=5), *DAY)
    found = bench.rows("2024-01-01")
    assert found[0] == row
    assert found[1] == {**dict.fromkeys(row), "id": 2, "at": ROW["at"], "name": "half a \ufffd pair"}
    assert list(bench.etags()) == [key("2024-01-01")]


def test_numbers_of_an_answer_stay_exact_and_its_encoding_is_its_own(bench, api):
    text = '{"items": [{"id": 1, "at": "2024-01-01", "name": "ä", "a": 0.1, "b": 1234567890.12345678901, "c": 1e400}]}'
    for encoding in ("utf-8", "utf-16"):
        body = text.encode(encoding)
        api.answer = lambda _p, asked, _n, body=body: (200, body if asked["offset"] == "0" else {"items": []})
        bench.ingest(api.extract(size=1), *DAY)
        row = bench.rows("2024-01-01")[0]
        assert (row["name"], row["a"]) == ("ä", 0.1)
        if encoding == "utf-8":
            assert (row["b"], row["c"]) == ("1234567890.12345678901", "1E+400")


def test_a_source_that_asks_for_more_time_than_there_is_is_given_up_on_at_once(bench, api):
    later = formatdate(time.time() + 3600, usegmt=True)
    for header in ("3600", later):
        api.asked.clear()
        api.answer = lambda _path, _asked, _number, header=header: (429, "later", {"Retry-After": header})
        begun = time.monotonic()
        with pytest.raises(SourceUnavailable, match=r"asked again in (3600|359\d) s"):
            bench.ingest(api.extract(attempts=5), *DAY)
        assert (len(api.asked), time.monotonic() - begun < 5) == (1, True)
    assert bench.etags() == {}


def test_pages_without_an_end_are_refused(bench, api):
    api.answer = lambda _path, _asked, _number: (200, {"items": [ROW]})
    with pytest.raises(SourceError, match="still has pages after 7 requests; .*raise extract.max_pages"):
        bench.ingest(api.extract(max_pages=7), *DAY)
    assert (bench.etags(), len(api.asked)) == ({}, 7)


def test_an_answer_that_breaks_off_is_asked_for_again(bench, api):
    def answer(path, asked, number):
        if number == 1:
            return 200, b'{"items": [', {"Content-Length": "999"}
        return once([ROW])(path, asked, number)

    api.answer = answer
    assert bench.ingest(api.extract(attempts=3), *DAY)["rows"] == 1
    assert bench.rows("2024-01-01") == [ROW]


PAGINATORS = {
    "json_link": ({"type": "json_link", "next_url_path": "next"}, lambda url, n: {"next": f"{url}things?page={n + 1}"}),
    "cursor": ({"type": "cursor", "cursor_path": "cursor", "cursor_param": "page"}, lambda _url, n: {"cursor": n + 1}),
    "page_number": ({"type": "page_number", "base_page": 0, "total_path": "pages"}, lambda _url, _n: {}),
}


@pytest.mark.parametrize("kind", PAGINATORS)
def test_pages_are_followed_as_the_source_gives_them(bench, api, kind):
    paginator, following = PAGINATORS[kind]

    def answer(_path, asked, _number):
        page = int(asked.get("page", 0))
        more = following(api.url, page) if page < 2 else {}
        return 200, {"items": [{**ROW, "id": page}], "pages": 3, **more}

    api.answer = answer
    extract = api.extract()
    extract["rest_api"]["resources"][0]["endpoint"]["paginator"] = paginator
    assert bench.ingest(extract, *DAY)["rows"] == 3
    assert [row["id"] for row in bench.rows("2024-01-01")] == [0, 1, 2]


def test_two_ingests_of_one_window_at_once_give_one_object(bench, api):
    source = bench.source(api.serve([{**ROW, "id": number} for number in range(50)], size=20))
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: bench.call(source, *DAY), range(2)))
    assert [answer["rows"] for answer in answers] == [50, 50]
    assert list(bench.etags()) == [key("2024-01-01")]
    assert [row["id"] for row in bench.rows("2024-01-01")] == list(range(50))


@pytest.mark.parametrize("selector", ["items", "items[*]", "$.items", "result.items"])
def test_an_answer_without_its_data_is_refused_and_empties_no_day(bench, api, selector):
    extract = api.serve([ROW])
    bench.ingest(extract, *DAY)
    before = bench.etags()
    api.answer = lambda _path, _parameters, _number: (200, {"error": "quota exceeded"})
    extract["rest_api"]["resources"][0]["endpoint"]["data_selector"] = selector
    with pytest.raises(SourceError, match=r"answered without data_selector '.*'; it has: error"):
        bench.ingest(extract, *DAY)
    assert bench.etags() == before


def test_a_source_may_leave_its_data_out_where_there_are_no_rows(bench, api):
    extract = api.extract() | {"data_may_be_absent": True}
    api.answer = lambda _path, _parameters, _number: (200, {"count": 0})
    assert bench.ingest(extract, *DAY)["rows"] == 0
