"""Every page in both themes: nothing that axe calls serious, nothing wider than the screen,
nothing to click that is smaller than 32 px or has no name, and a picture of it."""

from types import ModuleType
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.acceptance.server_process import ServerProcess
from tests.dashboard.conftest import SHOTS, Asked, open_page
from tests.dashboard.looks import PAGES, visit
from tests.dashboard.targets import nameless, too_small

pytestmark = [pytest.mark.server, pytest.mark.node, pytest.mark.browser]

THEMES = ("light", "dark")


def look(page: Page, name: str, built: ModuleType) -> list[tuple[str, str]]:
    """A picture, and what axe calls serious or worse with where it stands."""
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
    page.evaluate((built.MODULES / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        (one["id"], one["nodes"][0]["html"][:300])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.slow
def test_every_page(seen: tuple[Page, str], built: ModuleType) -> None:
    page, kind = seen
    wrong: dict[str, object] = {}
    for name in PAGES:
        visit(page, name)
        if found := look(page, f"{name}-{kind}", built):
            wrong[name] = found
        if page.get_by_text("Something went wrong").count():
            wrong[f"{name}, broken"] = page.get_by_role("alert").all_inner_texts() or page.inner_text("main, body")
        if wide := page.evaluate("document.documentElement.scrollWidth - innerWidth"):
            wrong[f"{name}, too wide"] = wide
        if small := too_small(page):
            wrong[f"{name}, too small"] = small
        if unnamed := nameless(page):
            wrong[f"{name}, without a name"] = unnamed
    assert wrong == {}


def test_the_steps_of_the_wizard(seen: tuple[Page, str], built: ModuleType) -> None:
    page, kind = seen
    page.goto("/dashboard/create")
    page.get_by_label("Name", exact=True).fill("made")
    for step in range(1, 5):
        page.get_by_role("button", name="Next").click()
        page.wait_for_load_state("networkidle")
        assert look(page, f"create-{step}-{kind}", built) == []


@pytest.mark.parametrize("theme", THEMES)
def test_the_login(browser: Browser, server: ServerProcess, built: ModuleType, asked: Asked, theme: str) -> None:
    context = browser.new_context(base_url=server.url, color_scheme="dark" if theme == "dark" else "light")
    errors: list[str] = []
    page = open_page(context, asked, errors)
    page.goto("/")
    page.get_by_text("Version").wait_for()
    assert look(page, f"login-{theme}", built) == []
    context.close()
    assert errors == []
