"""Tokens, namespaces and models of the account, as a person manages them."""

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from secondlook.bootstrap import with_access
from secondlook.models.weights import NEEDED
from secondlook.services.access import Access
from secondlook.settings import load_settings
from tests.acceptance.server_process import ServerProcess, run_cli, start_server
from tests.dashboard.conftest import ACCOUNT, Asked, log_in, open_page
from tests.file_server import Hub, serve_files

pytestmark = [pytest.mark.server, pytest.mark.node, pytest.mark.browser, pytest.mark.process]

MODEL = "cross-encoder/ms-marco-MiniLM-L-2-v2"
SLOW = 90_000
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_token_is_created_shown_once_and_revoked(
    page: Page, secret: str, api: httpx.Client, server: ServerProcess
) -> None:
    log_in(page, secret)
    page.get_by_role("link", name="Tokens").click()
    page.get_by_role("button", name="Create token").click()
    page.get_by_label("Name", exact=True).fill("website")
    expect(page.get_by_label("Permission")).to_contain_text("Search, chat and rerank")
    page.get_by_role("button", name="Create", exact=True).click()
    value = page.get_by_label("The token", exact=True).inner_text()
    headers = {"Authorization": f"Bearer {value}"}
    assert httpx.get(f"{api.base_url}instances", headers=headers).status_code == 403
    page.get_by_role("button", name="Done").click()
    row = page.get_by_role("listitem").filter(has_text="website")
    expect(row).to_contain_text("search, chat and rerank · account demo")
    page.reload()
    expect(row).to_be_visible()
    expect(page.get_by_text(value)).to_have_count(0)
    row.get_by_role("button", name="Revoke website").click()
    page.get_by_role("alertdialog").or_(page.get_by_role("dialog")).get_by_role("button", name="Revoke").click()
    expect(row.get_by_text("revoked")).to_be_visible()
    assert httpx.get(f"{api.base_url}instances", headers=headers).status_code == 401


def test_a_token_says_when_it_expires(page: Page, secret: str, folder: Path) -> None:
    settings = load_settings(data_dir=folder)

    async def make(access: Access) -> None:
        await access.create("soon", account=ACCOUNT, days=30)
        await access.create("over", account=ACCOUNT, days=-2)

    with ThreadPoolExecutor(1) as pool:  # the browser's event loop runs in this thread
        pool.submit(asyncio.run, with_access(settings, make)).result()
    log_in(page, secret)
    page.get_by_role("link", name="Tokens").click()
    rows = page.get_by_role("listitem")
    expect(rows.filter(has_text="soon")).to_contain_text(re.compile(r"expires in (29|30) days"))
    over = rows.filter(has_text="over")
    expect(over).to_contain_text("expired 2 days ago")
    expect(over.get_by_role("button")).to_have_count(0)


def test_a_namespace_is_created_and_deleted(page: Page, secret: str, api: httpx.Client) -> None:
    log_in(page, secret)
    page.get_by_role("link", name="Namespaces").click()
    page.get_by_role("button", name="Create namespace").click()
    name = page.get_by_role("textbox", name="Name")
    name.fill("-wrong-")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(name).to_be_focused()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text(re.compile("1 to 28 characters of a-z"))).to_be_visible()
    name.fill("team")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("link", name=re.compile("^team"))).to_be_visible()
    api.post("/namespaces/team/instances", json={"id": "inside"}).raise_for_status()
    page.reload()
    expect(page.get_by_role("link", name=re.compile("^team"))).to_contain_text("1 instance")
    expect(page.get_by_role("button", name="Delete team")).to_be_disabled()
    api.delete("/namespaces/team/instances/inside").raise_for_status()
    page.reload()
    page.get_by_role("button", name="Delete team").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("Deleted team")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("^team"))).to_have_count(0)
    assert "team" not in api.get("/namespaces").text


def test_models_say_what_they_are_good_for_and_why_one_cannot_run(page: Page, secret: str) -> None:
    log_in(page, secret)
    page.get_by_role("link", name="Models").click()
    built_in = page.get_by_role("listitem").filter(has_text="secondlook/late-interaction")
    expect(built_in).to_contain_text("adds a few milliseconds")
    stuck = page.get_by_role("listitem").filter(has_text="mxbai-rerank-base-v1")
    expect(stuck).to_contain_text("cannot run here")
    expect(stuck).to_contain_text("ONNX")
    expect(stuck.get_by_role("button")).to_have_count(0)
    page.get_by_role("button", name="Download BAAI/bge-reranker-base").click()
    expect(page.get_by_text(re.compile("offline mode is on"))).to_be_visible()


def test_a_refused_deletion_says_why_in_its_dialog(page: Page, secret: str, api: httpx.Client) -> None:
    made = api.post("/tokens", json={"name": "used", "cf_api_id": "AKIA", "cf_api_key": "key"}).json()["result"]
    api.post("/instances", json={"id": "user-of-keys", "token_id": made["id"]}).raise_for_status()
    log_in(page, secret)
    page.get_by_role("link", name="Tokens").click()
    page.get_by_role("button", name="Delete used").click()
    question = page.get_by_role("dialog", name="Delete the credentials “used”?")
    expect(question).to_contain_text("removed from this server for good")
    question.get_by_role("button", name="Delete").click()
    expect(question.get_by_role("alert")).to_contain_text("user-of-keys")


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    """A hub that breaks the largest file off once."""
    base = f"/{MODEL}/resolve/{COMMIT}"
    files = {f"{base}/{name}": name.encode() * 5000 for name in NEEDED}
    with serve_files(files) as made:
        made.cut_after[f"{base}/model.safetensors"] = 1000
        yield made


@pytest.fixture
def online(
    browser: Browser, built: ModuleType, hub: Hub, tmp_path: Path, asked: Asked
) -> Iterator[tuple[Page, ServerProcess]]:
    """A page of a server that may ask that hub."""
    token = run_cli("token", "create", "--name", "tests", "--quiet", data_dir=tmp_path)
    running = start_server(tmp_path, HF_HUB_OFFLINE="0", HF_ENDPOINT=hub.url)
    context = browser.new_context(base_url=running.url)
    page = open_page(context, asked, [])
    log_in(page, token)
    yield page, running
    context.close()
    running.stop()


def test_a_model_is_downloaded(online: tuple[Page, ServerProcess]) -> None:
    """One without a pinned revision asks for it; a download that broke says so, and the next one resumes it."""
    page, _ = online
    page.get_by_role("link", name="Models").click()
    row = page.get_by_role("listitem").filter(has_text=MODEL)
    row.get_by_role("button", name=f"Download {MODEL}").click()
    page.get_by_label("Revision").fill("not a commit")
    page.get_by_role("button", name="Download", exact=True).click()
    expect(page.get_by_label("Revision")).to_be_focused()
    page.get_by_label("Revision").fill(COMMIT)
    page.get_by_role("button", name="Download", exact=True).click()
    expect(row.get_by_role("alert")).to_contain_text("The download failed")
    row.get_by_role("button", name=f"Download {MODEL}").click()
    page.get_by_label("Revision").fill(COMMIT)
    page.get_by_role("button", name="Download", exact=True).click()
    expect(row).to_contain_text("cached")


def test_the_api_reference_and_the_documents_need_no_network(
    browser: Browser, server: ServerProcess, secret: str
) -> None:
    context = browser.new_context(base_url=server.url)
    page = context.new_page()
    strangers: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda one: None if one.url.startswith((server.url, "data:")) else strangers.append(one.url))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    log_in(page, secret)
    page.get_by_role("link", name="Help").click()
    page.get_by_role("link", name="Index a bucket").click()
    expect(page.get_by_role("heading", name="Index a bucket", level=1)).to_be_visible()
    page.goto("/dashboard/help/reference/errors")
    name = page.locator("td code", has_text="ai_search_with_this_name_already_exist")
    expect(name.locator("wbr")).to_have_count(6)  # it breaks between its words
    page.goto("/dashboard/help/howto/use-the-dashboard")
    picture = page.locator("article img").first
    expect(picture).to_be_visible()
    assert picture.evaluate("one => one.decode().then(() => one.naturalWidth)") > 100
    page.goto("/docs")
    page.locator("[data-tag=Models]").click(timeout=SLOW)  # a megabyte of script, on a machine with other work
    expect(page.get_by_text("/client/v4/accounts/{account}/ai-search/models", exact=True).first).to_be_visible()
    assert (strangers, complaints) == ([], [])
    context.close()


def test_links_of_the_documents_lead_somewhere(page: Page, secret: str) -> None:
    log_in(page, secret)
    page.goto("/dashboard/help/quickstart")
    page.wait_for_selector("article h1")
    seen, waiting = set(), ["/dashboard/help/quickstart"]
    while waiting:
        path = waiting.pop()
        seen.add(path)
        page.goto(path)
        page.wait_for_selector("article h1")
        found = page.locator("article a[href^='/dashboard/help/']").evaluate_all("all => all.map(one => one.pathname)")
        waiting += [one for one in dict.fromkeys(found) if one not in seen and one not in waiting]
    assert len(seen) > 10
