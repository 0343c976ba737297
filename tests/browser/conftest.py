"""One filled cloud and one browser for all tests here; every page is watched."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from scripts.demo.account import Account
from tests.browser import chromium
from tests.browser.filling import filled
from tests.browser.view import PATIENCE, View
from tests.cloud import PROJECT, Cloud

# Kept as build products.
PICTURES = PROJECT / ".local" / "screenshots"
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="package")
def account(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """A cloud with some days of the demo's sources, as any client sees it: one of these tests' own.

    Asked for after the browser, so that a missing one is told at once.
    BROWSER_STATE names the folder of a running one in its stead: for whoever works on the page.
    """
    if given := os.environ.get("BROWSER_STATE"):
        yield Account.from_env_file(Path(given).resolve() / "env")
        return
    cloud = Cloud(tmp_path_factory.mktemp("browser") / "state")
    try:
        cloud.up()
        cloud.deploy()
        yield filled(cloud)
    finally:
        cloud.run("down")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium.running() as found:
        yield found


@pytest.fixture
def view(browser: Browser, account: Account, request: pytest.FixtureRequest) -> Iterator[View]:
    """A fresh tab, by the marker `look` of another width or in the dark; its picture is kept, its complaints fail."""
    look = request.node.get_closest_marker("look")
    with View.opened(browser, account, **(look.kwargs if look else {})) as found:
        yield found
        PICTURES.mkdir(parents=True, exist_ok=True)
        found.tab.screenshot(path=PICTURES / f"{request.node.name}.png", full_page=True)
    assert found.complaints == []
