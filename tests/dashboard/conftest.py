"""A server process with the built dashboard, and a browser in front of it."""

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.acceptance.server_process import ServerProcess, run_cli, start_server
from tests.clients.browser import open_browser
from tests.dashboard.looks import LOOKS, WIDTHS, furnish
from tests.house.yard import ROOT
from tests.machine import miss

UI = ROOT / "ui"
SHOTS = ROOT / "shots"
"""Ignored by git."""
ACCOUNT = "demo"
PATIENCE = 20_000
expect.set_options(timeout=PATIENCE)
"""A machine with other work is slow, and nothing that is shown there is wrong."""


def load_build() -> ModuleType:
    """``ui/build.py``, which stands outside any package."""
    spec = importlib.util.spec_from_file_location("secondlook_ui_build", UI / "build.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def built() -> ModuleType:
    """The pages, built at the first use; without a Node the test is skipped, or in CI fails."""
    build = load_build()
    there = (build.TARGET / "index.html").is_file() and (build.MODULES / ".installed").is_file()
    problem = "" if there else build.build()
    if problem:
        miss(problem)
    return build


@pytest.fixture(scope="module")  # while it is open an event loop runs here, and tests elsewhere cannot start theirs
def browser() -> Iterator[Browser]:
    with open_browser() as found:
        yield found


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dashboard")


@pytest.fixture(scope="session")
def secret(folder: Path) -> str:
    return run_cli("token", "create", "--name", "tests", "--quiet", data_dir=folder)


@pytest.fixture(scope="session")
def server(built: ModuleType, folder: Path, secret: str) -> Iterator[ServerProcess]:
    running = start_server(folder, SECONDLOOK_SYNC_COOLDOWN="0")
    yield running
    running.stop()


class Asked:
    """The requests of all pages so far, but for the pages themselves."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, str]] = set()

    def watch(self, page: Page) -> None:
        """Note what it asks from now on."""
        page.on("request", lambda one: self.seen.add((one.method, urlsplit(one.url).path)))

    def strangers(self, document: dict[str, dict[str, object]]) -> set[tuple[str, str]]:
        """What is no route of the OpenAPI document."""
        routes = [
            (verb.upper(), re.compile(re.sub(r"\{\w+\}", "[^/]+", path)))
            for path, verbs in document["paths"].items()
            for verb in json.loads(json.dumps(verbs))
        ]
        ours = {one for one in self.seen if not one[1].startswith("/dashboard/")}
        return {(verb, path) for verb, path in ours if not any(v == verb and p.fullmatch(path) for v, p in routes)}


@pytest.fixture(scope="session")
def asked() -> Asked:
    return Asked()


def open_page(context: BrowserContext, asked: Asked, errors: list[str]) -> Page:
    """A page whose errors, refusals of its policy among them, are gathered."""
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if "Content Security Policy" in line.text else None)
    asked.watch(page)
    return page


@pytest.fixture
def page(browser: Browser, server: ServerProcess, asked: Asked) -> Iterator[Page]:
    """A page on which any error of a script fails the test."""
    context = browser.new_context(base_url=server.url, viewport={"width": 1280, "height": 860})
    errors: list[str] = []
    yield open_page(context, asked, errors)
    context.close()
    assert errors == []


def log_in(page: Page, secret: str) -> None:
    """By the form, as a person does."""
    page.goto("/")
    page.get_by_label("Token").fill(secret)
    page.get_by_label("Account").fill(ACCOUNT)
    page.get_by_role("button", name="Log in").click()
    enter(page, page.get_by_role("heading", name="Instances", exact=True))


def enter(page: Page, inside: Locator) -> None:
    """Wait for what is shown after the form; an account in which nothing has been made yet is created on the way."""
    question = page.get_by_role("button", name="Create account")
    inside.or_(question).first.wait_for()
    if question.is_visible():
        question.click()
    inside.wait_for()


@pytest.fixture(scope="session")
def api(server: ServerProcess, secret: str) -> Iterator[httpx.Client]:
    """The API of the same account."""
    base = f"{server.url}/client/v4/accounts/{ACCOUNT}/ai-search"
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {secret}"}, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def looks(api: httpx.Client) -> None:
    """The instance of that name, with something of everything."""
    furnish(api)


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
