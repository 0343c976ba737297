"""The page at / as a person uses it, with an eye on what the browser complains of."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, Response, expect

from scripts.demo.account import Account

PANELS = ("numbers", "series", "top", "days", "stats", "rows")
# Milliseconds for what a person would wait a second for: other tests run beside.
PATIENCE = 60_000


@dataclass
class View:
    """A tab on the page. `allowed` are complaints that a test means to cause."""

    tab: Page
    account: Account
    complaints: list[str] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    @classmethod
    @contextmanager
    def opened(
        cls, browser: Browser, account: Account, *, width: int = 1280, scheme: Any = "light"
    ) -> Iterator["View"]:
        """A tab of its own, without cookies and storage of others."""
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(PATIENCE)
        yield (view := cls(context.new_page(), account)).watched()
        view.complaints = [text for text in view.complaints if not any(re.search(a, text) for a in view.allowed)]
        context.close()

    def watched(self) -> "View":
        """Collect errors of the console and of scripts, and requests to other hosts."""
        self.tab.on("console", self._heard)
        self.tab.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.tab.on("request", self._sent)
        self.tab.on("response", lambda response: self.responses.append(response))
        return self

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"console: {message.text}")

    def _sent(self, request: Request) -> None:
        if not request.url.startswith((self.account.env["API_URL"], "data:", "blob:")):
            self.complaints.append(f"foreign: {request.url}")

    def open(self, query: str = "", *, key: str | None = None) -> "View":
        """Go to the page by a link that carries the key, as `make up` prints it; wait until all is drawn."""
        self.tab.goto(f"{self.account.env['API_URL']}/{query}#key={key or self.account.env['API_KEY']}")
        return self.settled()

    def bare(self, query: str = "") -> "View":
        """Go to the page without a key."""
        self.tab.goto(f"{self.account.env['API_URL']}/{query}")
        return self

    def settled(self) -> "View":
        """Wait until every panel has its answer."""
        expect(self.tab.locator(".call")).to_have_count(len(PANELS))
        expect(self.tab.locator("[aria-busy]")).to_have_count(0)
        return self

    def __getitem__(self, selector: str) -> Locator:
        return self.tab.locator(selector)

    @property
    def state(self) -> dict[str, list[str]]:
        """What the address says."""
        return parse_qs(urlsplit(self.tab.url).query)

    def choose(self, name: str, value: str) -> "View":
        """Set one of the controls; wait for what it brings."""
        control = self[f"#controls [name={name}]"]
        if name in ("from", "to"):
            control.fill(value)
        else:
            control.select_option(value)
        expect(self.tab).to_have_url(re.compile(rf"[?&]{name}={re.escape(value)}(&|$)"))
        return self.settled()

    def number(self, name: str) -> str:
        """One of the headline numbers, as it is shown."""
        found = self["#numbers dl"].filter(has=self.tab.get_by_text(name, exact=True)).locator("dd")
        return found.inner_text().splitlines()[0]

    def flaws(self) -> list[str]:
        """What axe finds wrong for people who hear, or do not see well."""
        return [
            f"{violation['id']}: {node['target']} {node['failureSummary']}"
            for violation in Axe().run(self.tab).response["violations"]
            for node in violation["nodes"]
        ]
