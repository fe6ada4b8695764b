"""Signing in by a link, new tabs, tokens that end while a page is open, and accounts that do not exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.acceptance.server_process import ServerProcess, run_cli, start_server
from tests.dashboard.conftest import ACCOUNT, Asked, log_in, open_page

pytestmark = [pytest.mark.server, pytest.mark.node, pytest.mark.browser]


@pytest.fixture
def tabs(browser: Browser, server: ServerProcess) -> Iterator[BrowserContext]:
    """A browser session of its own."""
    context = browser.new_context(base_url=server.url)
    yield context
    context.close()


def new_tab(context: BrowserContext, asked: Asked) -> Page:
    return open_page(context, asked, [])


def make_token(folder: Path, name: str) -> tuple[str, str]:
    """Its secret and its id."""
    secret = run_cli("token", "create", "--name", name, "--quiet", data_dir=folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")  # so that no name is wrapped
        listed = run_cli("token", "list", data_dir=folder)
    return secret, re.findall(rf"([0-9a-f]{{16}}) │ {name}", listed)[0]


def test_a_link_signs_in_once(browser: Browser, tmp_path: Path, asked: Asked) -> None:
    server = start_server(tmp_path)
    try:
        [link] = re.findall(r"http://\S+#sign-in=\S+", "".join(server.said))
        first = browser.new_context()
        page = open_page(first, asked, [])
        page.goto(link)
        expect(page.get_by_role("heading", name="Instances", exact=True)).to_be_visible()
        assert "sign-in" not in page.url
        page.reload()
        expect(page.get_by_role("heading", name="Instances", exact=True)).to_be_visible()
        second = browser.new_context()
        other = open_page(second, asked, [])
        other.goto(link)
        expect(other.get_by_text("already used or has expired")).to_be_visible()
        assert "sign-in" not in other.url
        expect(other.get_by_label("Token")).to_be_visible()
        for one in (first, second):
            one.close()
    finally:
        server.stop()


def test_a_new_tab_does_not_ask_and_logging_out_ends_both(tabs: BrowserContext, secret: str, asked: Asked) -> None:
    first = new_tab(tabs, asked)
    log_in(first, secret)
    second = new_tab(tabs, asked)
    second.goto("/dashboard/create")
    expect(second.get_by_label("Name", exact=True)).to_be_visible()
    assert second.evaluate("localStorage.getItem('secondlook.session')") is None
    second.get_by_role("button", name="Log out").click()
    for page in (first, second):
        expect(page.get_by_label("Token")).to_be_visible()
        assert page.evaluate("sessionStorage.getItem('secondlook.session')") is None
    first.reload()
    expect(first.get_by_label("Token")).to_be_visible()


def test_another_browser_gets_nothing(browser: Browser, tabs: BrowserContext, secret: str, asked: Asked) -> None:
    log_in(new_tab(tabs, asked), secret)
    stranger = browser.new_context(base_url=tabs.pages[0].url)
    page = new_tab(stranger, asked)
    page.goto("/dashboard/")
    expect(page.get_by_label("Token")).to_be_visible()
    stranger.close()


def test_logging_out_elsewhere_keeps_what_is_typed(tabs: BrowserContext, secret: str, asked: Asked) -> None:
    first, second = new_tab(tabs, asked), new_tab(tabs, asked)
    log_in(first, secret)
    second.goto("/dashboard/create")
    second.get_by_label("Name", exact=True).fill("typed")
    first.get_by_role("button", name="Log out").click()
    dialog = second.get_by_role("dialog").filter(has_text="You logged out in another tab")
    dialog.get_by_label("Token").fill(secret)
    dialog.get_by_role("button", name="Log in").click()
    expect(dialog).to_have_count(0)
    expect(second.get_by_label("Name", exact=True)).to_have_value("typed")


def test_a_revoked_token_says_so_and_the_form_goes_on(
    tabs: BrowserContext, folder: Path, secret: str, api: httpx.Client, asked: Asked
) -> None:
    mine, token_id = make_token(folder, "short-lived")
    page, other = new_tab(tabs, asked), new_tab(tabs, asked)
    log_in(page, mine)
    other.goto("/dashboard/create")
    other.get_by_label("Name", exact=True).fill("elsewhere")
    page.goto("/dashboard/create")
    page.get_by_label("Name", exact=True).fill("kept-name")
    run_cli("token", "revoke", token_id, data_dir=folder)
    dialog = page.get_by_role("dialog").filter(has_text="it was revoked or has expired")
    for _ in range(2):  # the third step lists models
        page.get_by_role("button", name="Next").click()
    expect(dialog).to_be_visible()
    dialog.get_by_label("Token").fill("wrong")
    dialog.get_by_role("button", name="Log in").click()
    expect(dialog.get_by_text("does not accept this token")).to_be_visible()
    dialog.get_by_label("Token").fill(secret)
    dialog.get_by_role("button", name="Log in").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_label("Embedding model")).to_be_visible()
    for _ in range(2):
        page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="kept-name is ready")).to_be_visible()
    assert api.get("/instances/kept-name").status_code == 200
    for _ in range(2):  # refused too, it gets the new session from the other tab
        other.get_by_role("button", name="Next").click()
    expect(other.get_by_role("heading", name="Chunking and embedding")).to_be_visible()
    other.get_by_role("button", name="Next").click()
    expect(other.get_by_role("heading", name="Retrieval configuration")).to_be_visible()
    expect(other.get_by_role("dialog")).to_have_count(0)


def test_an_account_that_does_not_exist_is_asked_about(
    tabs: BrowserContext, secret: str, api: httpx.Client, asked: Asked
) -> None:
    api.post("/instances", json={"id": "there"})
    page = new_tab(tabs, asked)
    page.goto("/")
    page.get_by_label("Token").fill(secret)
    page.get_by_label("Account").fill("demmo")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("There is no account “demmo” yet. Create it?")).to_be_visible()
    expect(page.get_by_label("Token")).to_have_value(secret)
    page.get_by_role("button", name=f"Use {ACCOUNT}", exact=True).click()
    expect(page.get_by_role("banner")).to_contain_text(ACCOUNT)
    page.get_by_role("button", name="Log out").click()
    page.get_by_label("Token").fill(secret)
    page.get_by_label("Account").fill("newcomer")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Create account newcomer").click()
    expect(page.get_by_role("banner")).to_contain_text("newcomer")
