"""/docs: Swagger UI over the API's own document, with a key that is typed in."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.view import View

pytestmark = pytest.mark.long
PATH = "/v1/datasets/earthquakes/days"


def opened(view: View) -> Locator:
    """The block of one operation, ready to be tried."""
    view.tab.goto(f"{view.account.env['API_URL']}/docs")
    expect(view["#docs .info .title"]).to_be_visible()
    section = view["#docs .opblock-tag-section"].filter(has=view.tab.locator(".opblock-tag", has_text="earthquakes"))
    section.locator(".opblock-tag").click()
    block = section.locator(".opblock").filter(has=view.tab.locator(f"[data-path='{PATH}']"))
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    return block


def answer(block: Locator) -> Locator:
    """The table of the answer that came, after it was asked for."""
    for name, day in (("from", "2018-02-01"), ("to", "2018-02-03")):
        block.locator(f"tr[data-param-name={name}] input").fill(day)
    block.get_by_role("button", name="Execute").click()
    return block.locator(".live-responses-table")


def test_a_key_is_typed_in_and_serves(view: View) -> None:
    view.allowed.append("status of 403")
    block = opened(view)
    expect(answer(block).locator(".response-col_status").nth(1)).to_contain_text("403")
    view["#docs .authorize"].first.click()
    view["#docs .auth-container input"].fill(view.account.env["API_KEY"])
    view["#docs .auth-btn-wrapper .authorize"].click()
    view["#docs .auth-btn-wrapper .btn-done"].click()
    block.get_by_role("button", name="Execute").click()
    expect(block.locator(".live-responses-table .response-col_status").nth(1)).to_contain_text("200")
