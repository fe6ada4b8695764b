"""A real Chromium without a window: the one of the machine, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
"""A CI machine may run as root, and with little shared memory."""


@contextmanager
def open_browser() -> Iterator[Browser]:
    """The browser; without one the test is skipped, or in CI fails."""
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        reason = "there is no Chromium on the PATH: install the package chromium of the system"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()
