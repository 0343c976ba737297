"""The browser that these tests drive: the one that the system has; none is downloaded."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")


def executable() -> str:
    """Where it is.

    Raises:
        RuntimeError: there is none; the message says how to get it.
    """
    for name in NAMES:
        if found := shutil.which(name):
            return found
    raise RuntimeError(f"none of {', '.join(NAMES)} is installed: `make system` installs one")


@contextmanager
def running() -> Iterator[Browser]:
    """A browser without a window, closed at the end."""
    # Chromium's sandbox refuses root, which is who CI is
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=options)
        try:
            yield browser
        finally:
            browser.close()
