"""Every control of the page does what it says, against the API's own answers."""

import re
import shlex

import pytest
import requests
from playwright.sync_api import expect

from tests.browser.view import View

pytestmark = pytest.mark.long


def test_a_top_value_filters_and_its_chip_takes_the_filter_back(view: View) -> None:
    total = view.open("?dataset=weather&column=origin").number("Rows")
    bar = view["#top .bars button"].filter(has_text="JFK")
    count = bar.locator("span").last.inner_text()
    bar.click()
    expect(view["#filters button"]).to_contain_text("origin: JFK")
    view.settled()
    assert (view.number("Rows"), view.state["where"]) == (count, ["origin=JFK"])
    view["#filters button"].click()
    expect(view["#filters button"]).to_have_count(0)
    assert view.settled().number("Rows") == total != count


def test_rows_without_a_value_can_be_chosen_too(view: View) -> None:
    view.open("?dataset=weather")
    view["#column"].select_option("wind_gust")
    bar = view["#top .bars button"].filter(has_text="no value")
    count = bar.locator("span").last.inner_text()
    bar.click()
    expect(view["#filters button"]).to_contain_text("wind_gust: no value")
    assert view.settled().number("Rows") == count
    expect(view["#stats tr"].filter(has_text="wind_gust")).to_contain_text("100.0 %")


def test_statistics_of_columns_are_those_of_the_api(view: View) -> None:
    view.open("?dataset=weather")
    rows = {row["column"]: row for row in view.account.ask("/v1/datasets/weather/stats")["data"]}
    expect(view["#stats tbody tr"]).to_have_count(len(rows))
    cells = view["#stats tr"].filter(has_text="wind_speed").locator("td").all_inner_texts()
    told = rows["wind_speed"]
    assert (float(cells[7]), float(cells[8])) == (round(told["max"], 2), round(told["avg"], 2))
    expect(view["#stats tr"].filter(has_text="wind_speed").locator("svg")).to_have_count(1)


def test_the_calendar_tells_of_every_day_why_it_is_as_it_is(view: View) -> None:
    view.open("?dataset=weather")
    days = view.account.ask("/v1/datasets/weather/days?from=2013-01-01&to=2014-01-01")["data"]
    (rejected,) = [day for day in days if day["rows_rejected"]]
    (empty,) = [day for day in days if day["state"] == "empty"]
    expect(view["#days .legend"]).to_contain_text("some rows rejected: 1")
    for day, words in (
        (rejected, f"1 of {rejected['rows_in']} rows broke a rule"),
        (empty, "an object without rows proves it"),
    ):
        button = view[f"#days .calendar button[aria-label^='{day['day']}']"]
        expect(button).to_have_attribute("aria-label", re.compile(words))
        button.hover()
        expect(view["#days .day"]).to_contain_text(words)
    view["#days summary"].first.click()
    expect(view["#days tbody tr"]).to_have_count(2)
    view[f"#days .calendar button[aria-label^='{rejected['day']}']"].click()
    expect(view["#controls [name=from]"]).to_have_value(rejected["day"])
    assert view.settled().number("Rows rejected") == "1"


def test_missing_days_are_named_counted_and_shaded(view: View) -> None:
    view.open("?dataset=earthquakes&to=2018-02-20")
    assert view.number("Days missing") == "12"
    missing = view["#days .calendar button.missing"]
    expect(missing).to_have_count(12)
    expect(missing.first).to_have_attribute("aria-label", re.compile("no object of this day is loaded"))
    view["#today"].click()
    expect(view["#controls [name=to]"]).not_to_have_value("2018-02-20")
    view.settled()
    assert int(view.number("Days missing").replace(",", "")) > 2_000
    view["#whole"].click()
    expect(view["#controls [name=to]"]).to_have_value("2018-02-08")
    assert view.settled().number("Days missing") == "0"


def test_the_call_behind_a_panel_can_be_copied_and_run(view: View) -> None:
    view.open("?dataset=weather&metric=max:temp&bucket=month&by=origin")
    call = view["#series .call"]
    call.locator("summary").click()
    call.get_by_role("button", name="Copy").click()
    expect(call.get_by_role("button")).to_have_text("Copied")
    program, flag, header, url = shlex.split(view.tab.evaluate("() => navigator.clipboard.readText()"))
    assert (program, flag, header) == ("curl", "-H", "x-api-key: $API_KEY")
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(url, headers={"x-api-key": view.account.env["API_KEY"]}, timeout=60).json()
    assert len(answer["data"]) == 36
    assert set(answer["data"][0]) == {"bucket", "origin", "max:temp"}


def test_csv_holds_what_is_selected(view: View) -> None:
    view.open("?dataset=earthquakes&where=magnitude_type=mww")
    with view.tab.expect_download() as started:
        view["#csv"].click()
    lines = started.value.path().read_text(encoding="utf-8").splitlines()
    assert started.value.suggested_filename == "earthquakes.csv"
    assert len(lines) == 1 + int(view.number("Rows"))
    assert lines[0].startswith("event_id,event_time,")
    expect(view["#shown"]).to_have_text("The CSV has all rows.")


def test_a_drag_over_the_chart_looks_closer(view: View) -> None:
    view.open("?dataset=weather")
    box = view["#series .u-over"].bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    view.tab.mouse.move(box["x"] + box["width"] * 0.25, middle)
    view.tab.mouse.down()
    view.tab.mouse.move(box["x"] + box["width"] * 0.5, middle, steps=4)
    view.tab.mouse.up()
    expect(view["#controls [name=from]"]).to_have_value(re.compile("2013-0[34]"))
    expect(view["#controls [name=to]"]).to_have_value(re.compile("2013-0[67]"))
    assert 4_000 < int(view.settled().number("Rows").replace(",", "")) < 8_000


def test_a_mart_begins_with_the_days_that_its_sources_have(view: View) -> None:
    view.open("?dataset=daily_seismicity")
    answer = view.account.ask("/v1/datasets/daily_seismicity/aggregate")
    assert view.number("Rows") == str(answer["data"][0]["count"])
    assert (view.state["from"], view.state["to"]) == (["2018-01-31"], ["2018-02-08"])
    assert (view.number("Days loaded"), view.number("Days missing")) == ("8", "0")
    assert view.number("Sum of events") == "1,707"
    expect(view["#badges li"].filter(has_text="mart")).to_have_count(1)
    assert view.number("As of") == answer["meta"]["as_of"][:10]


def test_days_are_counted_as_people_count(view: View) -> None:
    view.open("?dataset=weather&from=2013-02-12&to=2013-02-13")
    expect(view["#days summary"].first).to_have_text("Why: 1 day")
    view.open("?dataset=weather")
    expect(view["#days summary"].first).to_have_text("Why: 2 days")
