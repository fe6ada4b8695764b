"""Every page in both themes: nothing that axe calls serious, nothing wider than the screen, and a picture of it."""

import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page

from tests.acceptance.server_process import ServerProcess
from tests.dashboard.conftest import ACCOUNT, SHOTS, Asked, open_page
from tests.dashboard.test_story import FILES, QUESTION

HOME = "/dashboard/instances/default/looks"
TABS = ("", "/items", "/jobs", "/playground", "/metrics", "/lab")
"""The Lab has a run; its form stands below."""
SECTIONS = "general sources chunking models retrieval reranking prompts cache log public danger".split()
PAGES = {
    "instances": "/dashboard/",
    "create": "/dashboard/create",
    **{tab.strip("/") or "overview": HOME + tab for tab in TABS},
    "lab-new": f"{HOME}/lab/new",
    **{f"settings-{one}": f"{HOME}/settings/{one}" for one in SECTIONS},
}
WIDTHS = {"desk": 1280, "phone": 375}
THEMES = ("light", "dark")
LOOKS = [("light", "desk"), ("dark", "desk"), ("dark", "phone")]
"""A phone shows the same colours: one theme tells of its widths."""


def measure(api: httpx.Client, name: str) -> None:
    """A run of the Lab, to its end."""
    body = {"query_set": "headings", "limit": 12, "arms": [{}, {"weight": 0.5}]}
    api.post(f"/instances/{name}/lab/runs", json=body).raise_for_status()
    until = time.monotonic() + 60
    while api.get(f"/instances/{name}/lab/runs").json()["result"][0]["state"] == "running":
        assert time.monotonic() < until
        time.sleep(0.2)


def try_on_people(api: httpx.Client, name: str) -> None:
    """Two orders in one list, some results of which are clicked."""
    api.put(f"/instances/{name}", json={"reranking_mode": "interleave"}).raise_for_status()
    for at in range(9):
        found = api.post(f"/instances/{name}/search", json={"query": QUESTION}).json()["result"]
        said = {"query_id": found["query_id"], "chunk_id": found["chunks"][at % 2]["id"], "kind": "click"}
        api.post(f"/instances/{name}/feedback", json=said).raise_for_status()


@pytest.fixture(scope="module")
def looks(api: httpx.Client) -> None:
    """An instance with something of everything."""
    settings = {"public_endpoint_params": {"enabled": True}, "query_log": {"enabled": True}}
    api.post("/instances", json={"id": "looks", "reranking": True, **settings})
    for path in FILES:
        form = {"wait_for_completion": "true"}
        api.post("/instances/looks/items", files={"file": (path.name, path.read_bytes())}, data=form).raise_for_status()
    api.post("/instances/looks/jobs")
    api.post("/instances/looks/search", json={"query": QUESTION}).raise_for_status()
    measure(api, "looks")
    try_on_people(api, "looks")


@pytest.fixture(scope="module", params=LOOKS, ids=" ".join)
def seen(
    request: pytest.FixtureRequest, browser: Browser, server: ServerProcess, secret: str, asked: Asked, looks: None
) -> Iterator[tuple[Page, str]]:
    """A page that is logged in, in one theme and width."""
    theme, kind = request.param
    context = browser.new_context(
        base_url=server.url, color_scheme=theme, viewport={"width": WIDTHS[kind], "height": 860}
    )
    session = {"token": secret, "account": ACCOUNT}
    context.add_init_script(f"sessionStorage.setItem('secondlook.session', JSON.stringify({session}))")
    errors: list[str] = []
    yield open_page(context, asked, errors), f"{theme}-{kind}"
    context.close()
    assert errors == []


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


def test_every_page(seen: tuple[Page, str], built: ModuleType) -> None:
    page, kind = seen
    wrong: dict[str, object] = {}
    for name, path in PAGES.items():
        page.goto(path)
        page.wait_for_load_state("networkidle")
        if name == "playground":
            page.get_by_role("searchbox", name="Query").fill(QUESTION)
            page.keyboard.press("Enter")
            page.get_by_text("reranking ran").wait_for()
        if found := look(page, f"{name}-{kind}", built):
            wrong[name] = found
        if wide := page.evaluate("document.documentElement.scrollWidth - innerWidth"):
            wrong[f"{name}, too wide"] = wide
    assert wrong == {}


def test_the_steps_of_the_wizard(seen: tuple[Page, str], built: ModuleType) -> None:
    page, kind = seen
    page.goto("/dashboard/create")
    page.get_by_label("Name").fill("made")
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
