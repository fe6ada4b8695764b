"""A real Chromium without a window: the one of the machine, driven by Playwright."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.machine import need

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
"""A CI machine may run as root, and with little shared memory."""


@contextmanager
def open_browser() -> Iterator[Browser]:
    """The browser; without one the test is skipped, or in CI fails."""
    program = need("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()
