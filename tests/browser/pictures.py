"""Makes docs/images/*.png anew, from a cloud that holds the demo's data and runs Dagster's page (make demo ui).

.venv/bin/python -m tests.browser.pictures [--state DIR]
"""

import argparse
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from scripts.demo.account import Account
from tests.browser import chromium
from tests.browser.view import View
from tests.cloud import PROJECT

IMAGES = PROJECT / "docs" / "images"
LINEAGE = "/assets/mart/flight_delays_by_weather?view=lineage&lineageScope=upstream&lineageDepth=5"
ASSET = "/assets/core/flights?partition=2013-02-12&view=partitions"
expect.set_options(timeout=120_000)


def main() -> None:
    """Take them all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--state", type=Path, default=PROJECT / ".local", help="the local cloud's folder")
    account = Account.from_env_file(parser.parse_args().state / "env")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with chromium.running() as browser:
        page(browser, account)
        dagster(browser, account)


def page(browser: Browser, account: Account) -> None:
    """The page at /: a year of weather and a mart, by airport, one by day and one by night."""
    for name, scheme, query in (
        ("page", "light", "?dataset=weather&metric=avg:temp&by=origin&column=wind_dir"),
        ("page-dark", "dark", "?dataset=flight_delays_by_weather&metric=avg:mean_delay&by=origin&to=2014-01-01"),
    ):
        with View.opened(browser, account, scheme=scheme) as view:
            view.open(query)
            view.tab.set_viewport_size({"width": 1280, "height": 1280})
            view.tab.screenshot(path=IMAGES / f"{name}.png")


def dagster(browser: Browser, account: Account) -> None:
    """The lineage of a mart, and what is known of one day of a source."""
    with browser.new_context(viewport={"width": 1440, "height": 900}, base_url=account.env["DAGSTER_URL"]) as context:
        tab = context.new_page()
        tab.goto(LINEAGE)
        expect(tab.locator("a[href*='/assets/raw/weather?']").first).to_be_visible()
        expect(tab.get_by_text("Loading", exact=False)).to_have_count(0)
        taken(tab, "lineage")
        tab.goto(ASSET)
        tab.get_by_text("2013-07", exact=True).first.scroll_into_view_if_needed()
        taken(tab, "asset")


def taken(tab: Page, name: str) -> None:
    """Take one picture once what moves has come to rest."""
    tab.screenshot(path=IMAGES / f"{name}.png", animations="disabled")


if __name__ == "__main__":
    main()
