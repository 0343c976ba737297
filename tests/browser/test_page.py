"""How the page behaves: keys, people who see or move otherwise, small screens, what goes wrong."""

import gzip
import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.view import View

pytestmark = pytest.mark.long
FOCUSED = """() => { const at = document.activeElement; return at.id || at.name || at.closest('[id]')?.id }"""
UNKNOWN = "This key is not known."


def test_the_key_is_asked_for_and_a_wrong_one_named(view: View) -> None:
    view.allowed.append("status of 403")
    view.bare("?dataset=earthquakes")
    expect(view["#key"]).to_be_focused()
    expect(view["#all"]).to_be_hidden()
    view["#key"].fill("a-forged-key-of-good-length")
    view["#key"].press("Enter")
    expect(view["#failure"]).to_have_text(UNKNOWN)
    assert view.flaws() == []
    view["#key"].fill(view.account.env["API_KEY"])
    view.tab.get_by_role("button", name="Show the data").click()
    view.settled()
    expect(view["#failure"]).to_be_hidden()
    expect(view["#ask"]).to_be_hidden()


def test_the_key_ends_with_the_session_and_can_be_forgotten(view: View) -> None:
    view.open("?dataset=earthquakes")
    with view.tab.context.new_page() as other:
        other.goto(view.account.env["API_URL"] + "/")
        expect(other.locator("#ask")).to_be_visible()
    view["#forget"].click()
    expect(view["#ask"]).to_be_visible()
    view.tab.reload()
    expect(view["#ask"]).to_be_visible()
    assert view.tab.evaluate("() => sessionStorage.length") == 0


@pytest.mark.parametrize("scheme", [pytest.param("light"), pytest.param("dark", marks=pytest.mark.look(scheme="dark"))])
def test_axe_finds_nothing(view: View, scheme: str) -> None:
    view.open("?dataset=earthquakes&to=2018-02-20&by=magnitude_type&metric=avg:magnitude&where=status=reviewed")
    for summary in view["summary"].all():
        summary.click()
    assert view.flaws() == []
    paper = view.tab.evaluate("() => getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in re.findall(r"\d+", paper)) / 3
    assert (brightness < 64) if scheme == "dark" else (brightness > 192)


def test_everything_can_be_done_with_keys_alone(view: View) -> None:
    view.bare("?dataset=earthquakes&column=magnitude_type")
    keyboard = view.tab.keyboard
    keyboard.type(view.account.env["API_KEY"])
    keyboard.press("Enter")
    view.settled()
    reached = []
    for _ in range(90):
        keyboard.press("Tab")
        reached.append(view.tab.evaluate(FOCUSED))
    wanted = {"forget", "dataset", "from", "to", "bucket", "metric", "by", "whole", "today", "column", "more", "csv"}
    assert set(reached) >= wanted | {"numbers", "series", "top", "days", "stats", "rows"}
    view["#top .bars button"].first.focus()
    keyboard.press("Enter")
    expect(view["#filters button"]).to_have_count(1)
    view.settled()
    assert view.tab.evaluate("() => document.activeElement !== document.body")
    view["#days .calendar button"].first.focus()
    keyboard.press("ArrowDown")
    expect(view["#days .calendar button"].nth(1)).to_be_focused()
    keyboard.press("Enter")
    expect(view["#controls [name=to]"]).to_have_value("2018-02-02")
    view.settled()


@pytest.mark.look(width=360)
def test_a_narrow_screen_holds_all_of_it(view: View) -> None:
    view.open("?dataset=weather&by=origin")
    assert view.tab.evaluate("() => document.documentElement.scrollWidth") <= 360
    for name in ("dataset", "from", "to", "bucket", "metric", "by"):
        box = view[f"#controls [name={name}]"].bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
    assert view.flaws() == []


def test_a_range_without_rows_says_so_in_every_panel(view: View) -> None:
    view.open("?dataset=weather&from=2013-01-01&to=2013-01-02&where=origin=XXX")
    assert view.number("Rows") == "0"
    for panel in ("series", "top", "rows"):
        expect(view[f"#{panel} .note.none"]).to_have_text("No rows in this range.")
    expect(view["#shown"]).to_be_empty()
    assert view.flaws() == []
    view["#controls [name=to]"].fill("2012-12-01")
    expect(view["#failure"]).to_contain_text("From has to be before To")
    expect(view["#numbers"]).to_be_hidden()
    view["#controls [name=to]"].fill("2013-01-03")
    expect(view["#numbers"]).to_be_visible()
    view.settled()


def test_what_is_cut_says_so(view: View) -> None:
    view.open("?dataset=weather&bucket=hour&by=origin&column=wind_dir")
    expect(view["#series .note.cut"]).to_contain_text("Cut at 10,000 groups")
    expect(view["#top .note.cut"]).to_have_text("The 12 most frequent; there are more.")
    view.open("?dataset=earthquakes&by=network")
    expect(view["#series .note.cut"]).to_contain_text("The 8 greatest of")


def test_a_mistake_is_told_in_the_words_of_the_api(view: View) -> None:
    view.allowed.append("status of 400")
    view.open("?dataset=weather")
    expect(view["#more"]).to_be_visible()
    view.tab.evaluate("() => { history.pushState(null, '', '?dataset=weather&where=temp=warm') }")
    view.tab.evaluate("() => dispatchEvent(new PopStateEvent('popstate'))")
    for panel in ("numbers", "series", "top", "stats", "rows"):
        expect(view[f"#{panel} .note.error"]).to_contain_text("temp")
    expect(view["#more"]).to_be_hidden()
    expect(view["#shown"]).to_be_empty()
    expect(view["#days .calendar button"]).to_have_count(365)
    assert view.flaws() == []


def test_without_the_network_a_panel_says_so_and_can_be_tried_again(view: View) -> None:
    view.allowed.append("ERR_INTERNET_DISCONNECTED")
    view.open("?dataset=earthquakes")
    view.tab.context.set_offline(True)
    view["#controls [name=metric]"].select_option("avg:magnitude")
    expect(view["#series .note.error"]).to_contain_text("The API cannot be reached.")
    view.settled()
    view.tab.context.set_offline(False)
    view["#series"].get_by_role("button", name="Try again").click()
    expect(view["#series .uplot"]).to_have_count(1)
    view.settled()


def test_while_an_answer_is_awaited_its_panel_says_so_and_the_others_are_there(view: View) -> None:
    held: list[Route] = []
    view.tab.route("**/stats?*", lambda route: held.append(route))
    view.tab.goto(f"{view.account.env['API_URL']}/?dataset=earthquakes#key={view.account.env['API_KEY']}")
    expect(view["#rows tbody tr"]).to_have_count(25)
    expect(view["#stats .note"]).to_have_text("Loading …")
    expect(view["#stats"]).to_have_attribute("aria-busy", "true")
    held[0].continue_()
    view.settled()
    expect(view["#stats tbody tr"]).to_have_count(19)


def test_an_answer_that_comes_too_late_is_not_drawn(view: View) -> None:
    view.allowed.append("ERR_")
    held: list[Route] = []
    view.open("?dataset=weather")
    view.tab.route("**/earthquakes/aggregate?*", lambda route: held.append(route))
    view["#controls [name=dataset]"].select_option("earthquakes")
    expect(view["#title"]).to_have_text("Earthquakes")
    view.tab.unroute("**/earthquakes/aggregate?*")
    view.choose("dataset", "daily_seismicity")
    assert held
    assert int(view.number("Rows")) < 1_000


def test_the_page_is_small_and_under_a_strict_policy(view: View) -> None:
    view.open("?dataset=earthquakes")
    files = [response for response in view.responses if "/v1/" not in response.url]
    assert sum(len(gzip.compress(response.body())) for response in files) < 80_000
    policy = files[0].headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    view.allowed.append("Content Security Policy")
    ran = """() => { const made = document.createElement('script'); made.textContent = 'window.planted = 1';
        document.body.append(made); made.remove(); return window.planted }"""
    assert view.tab.evaluate(ran) is None
