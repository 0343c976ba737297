"""One cloud, filled before, and one browser for all tests here; every page is watched."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from scripts.demo.account import Account
from tests.browser import chromium
from tests.browser.view import View
from tests.cloud import PROJECT

# Kept as build products.
PICTURES = PROJECT / ".local" / "screenshots"
expect.set_options(timeout=180_000)


@pytest.fixture(scope="session")
def state() -> Path:
    """The folder of a running cloud with the demo's data, named by BROWSER_STATE: filling one takes too long here."""
    if given := os.environ.get("BROWSER_STATE"):
        return Path(given).resolve()
    pytest.skip("BROWSER_STATE names no running cloud that holds the demo's data (make demo ui: .local)")


@pytest.fixture(scope="session")
def account(state: Path) -> Account:
    """The same, as any client sees it."""
    return Account.from_env_file(state / "env")


@pytest.fixture(scope="session")
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
