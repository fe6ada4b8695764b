"""The search box for web pages, as the npm registry has it, in a real browser against a live server."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.acceptance.server_process import ServerProcess, run_cli, start_server
from tests.clients.browser import open_browser
from tests.clients.node import MODULES, Node
from tests.file_server import Hub, serve_files

pytestmark = [pytest.mark.server, pytest.mark.node, pytest.mark.browser]

VERSION = "0.0.42"
PACKAGE = MODULES / "@cloudflare" / "ai-search-snippet"
DOCUMENTS = {
    "winter/oil.md": (
        "When lamp oil freezes, warm the reservoir before lighting.",
        {"title": "Oil in winter", "description": "What to do when it freezes"},
    ),
    "signals/fog.md": ("Two blasts of the fog horn every ninety seconds.", {"title": "Fog signal"}),
}
PAGE = """<!doctype html><html><head><meta charset="utf-8"><link rel="icon" href="data:,">
<script type="module" src="{endpoint}/assets/v{version}/search-snippet.es.js"></script></head><body>
<{element} api-url="{endpoint}" placeholder="Ask"></{element}></body></html>"""
ELEMENTS = ("search-bar-snippet", "search-modal-snippet", "chat-page-snippet", "chat-bubble-snippet")
PATIENCE = 20_000


@dataclass(frozen=True)
class Site:
    """A website on another origin than the server, with a page for each element."""

    server: ServerProcess
    hub: Hub
    endpoint: str
    headers: dict[str, str]

    def counted(self) -> dict[str, float]:
        """What search boxes told the server, by kind."""
        text = httpx.get(f"{self.server.url}/metrics", headers=self.headers).text
        found = re.findall(r'^secondlook_box_events_total{kind="(\w+)"} ([\d.]+)', text, re.MULTILINE)
        return {kind: float(count) for kind, count in found}

    def allow(self, *hosts: str) -> None:
        """Set which pages may read answers."""
        params = {"enabled": True, "authorized_hosts": list(hosts)}
        path = f"{self.server.url}/accounts/a/ai-search/instances/harbour"
        httpx.put(path, json={"public_endpoint_params": params}, headers=self.headers).raise_for_status()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as found:
        yield found


@pytest.fixture(scope="module")
def site(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """``node`` has installed the package; the server reads it where it lies."""
    assert json.loads((PACKAGE / "package.json").read_text(encoding="utf-8"))["version"] == VERSION
    data_dir = tmp_path_factory.mktemp("snippet")
    headers = {"Authorization": f"Bearer {run_cli('token', 'create', '--name', 'x', '--quiet', data_dir=data_dir)}"}
    server = start_server(data_dir, SECONDLOOK_SNIPPET_DIR=str(PACKAGE))
    try:
        fields = [{"field_name": name, "data_type": "text"} for name in ("title", "description")]
        settings = {"score_threshold": 0.1, "retrieval_options": {"keyword_match_mode": "or"}, "reranking": True}
        base = f"{server.url}/accounts/a/ai-search/instances"
        with httpx.Client(headers=headers, timeout=60) as client:
            body = {"id": "harbour", "custom_metadata": fields, "public_endpoint_params": {"enabled": True}, **settings}
            made = client.post(base, json=body).json()["result"]
            for key, (text, metadata) in DOCUMENTS.items():
                form = {"wait_for_completion": "true", "metadata": json.dumps(metadata)}
                sent = client.post(f"{base}/harbour/items", files={"file": (key, text.encode())}, data=form)
                assert sent.json()["result"]["status"] == "completed"
        endpoint = f"{server.url}/public/{made['public_endpoint_id']}"
        pages = {
            f"/{one}.html": PAGE.format(endpoint=endpoint, version=VERSION, element=one).encode() for one in ELEMENTS
        }
        with serve_files({**pages, "/winter/oil.md": b"the page itself"}) as hub:
            yield Site(server, hub, endpoint, headers)
    finally:
        server.stop()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page on which any error of a script fails the test."""
    context = browser.new_context()
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []


def sent(page: Page) -> list[Request]:
    """Every POST of the page from now on."""
    found: list[Request] = []
    page.on("request", lambda request: found.append(request) if request.method == "POST" else None)
    return found


def test_the_search_bar(site: Site, page: Page) -> None:
    asked = sent(page)
    page.goto(f"{site.hub.url}/search-bar-snippet.html")
    page.locator("search-bar-snippet input").fill("what to do when lamp oil freezes")
    first = page.locator("search-bar-snippet .search-result-item").first
    expect(first.locator(".search-result-title")).to_have_text("Oil in winter", timeout=PATIENCE)
    expect(first.locator(".search-result-snippet")).to_have_text("What to do when it freezes")
    assert first.get_attribute("href") == "winter/oil.md"
    assert asked[0].url == f"{site.endpoint}/search"
    assert asked[0].headers["cf-ai-search-source"] == "snippet-search"


def test_a_click_is_told(site: Site, page: Page) -> None:
    before = site.counted().get("click", 0.0)
    page.goto(f"{site.hub.url}/search-bar-snippet.html")
    page.locator("search-bar-snippet input").fill("lamp oil freezes")
    page.locator("search-bar-snippet .search-result-item").first.click()
    page.wait_for_url("**/winter/oil.md")
    until = time.monotonic() + PATIENCE / 1000
    while site.counted().get("click", 0.0) == before and time.monotonic() < until:
        page.wait_for_timeout(100)
    assert site.counted()["click"] == before + 1


def test_the_modal(site: Site, page: Page) -> None:
    page.goto(f"{site.hub.url}/search-modal-snippet.html")
    page.wait_for_function("customElements.get('search-modal-snippet') !== undefined")
    page.keyboard.press("Control+k")
    page.locator("search-modal-snippet .modal-search-input").fill("fog horn")
    results = page.locator("search-modal-snippet .modal-results")
    expect(results).to_contain_text("Fog signal", timeout=PATIENCE)
    assert results.inner_text().startswith("Fog signal")
    page.keyboard.press("Escape")
    expect(page.locator("search-modal-snippet .modal-search-input")).not_to_be_visible()


def test_the_chat_page_remembers_the_conversation(site: Site, page: Page) -> None:
    asked = sent(page)
    page.goto(f"{site.hub.url}/chat-page-snippet.html")
    answers = page.locator("chat-page-snippet .chat-message-assistant .chat-message-text")
    for place, (question, words) in enumerate(
        [("what to do when lamp oil freezes?", "warm the reservoir"), ("and the fog horn?", "ninety seconds")]
    ):
        page.locator("chat-page-snippet textarea").fill(question)
        page.keyboard.press("Enter")
        expect(answers.nth(place)).to_contain_text(words, timeout=PATIENCE)
    assert [one.headers["cf-ai-search-source"] for one in asked] == ["snippet-chat-completions"] * 2
    assert [len(one.post_data_json["messages"]) for one in asked] == [1, 3]


def test_the_chat_bubble(site: Site, page: Page) -> None:
    page.goto(f"{site.hub.url}/chat-bubble-snippet.html")
    page.locator("chat-bubble-snippet .bubble-button").click()
    page.locator("chat-bubble-snippet textarea").fill("what to do when lamp oil freezes?")
    page.keyboard.press("Enter")
    answer = page.locator("chat-bubble-snippet .chat-message-assistant .chat-message-text")
    expect(answer).to_contain_text("warm the reservoir", timeout=PATIENCE)


def test_older_search_boxes_stream(site: Site, page: Page) -> None:
    page.goto(f"{site.hub.url}/search-bar-snippet.html")
    page.wait_for_function("customElements.get('search-bar-snippet') !== undefined")
    told = page.evaluate(
        """async () => {
            const box = document.querySelector("search-bar-snippet");
            const client = Object.values(box).find((one) => one && typeof one.searchStream === "function");
            const found = [];
            const answer = client.searchStream("lamp oil freezes", {maxResults: 1});
            for await (const one of answer) found.push(one.description);
            return found.join("");
        }"""
    )
    assert "warm the reservoir" in told


def test_a_page_that_is_not_authorized_reads_nothing(site: Site, page: Page) -> None:
    site.allow("elsewhere.example")
    try:
        page.goto(f"{site.hub.url}/search-bar-snippet.html")
        with page.expect_event("requestfailed"):
            page.locator("search-bar-snippet input").fill("lamp oil freezes")
        expect(page.locator("search-bar-snippet .search-result-item")).to_have_count(0)
    finally:
        site.allow("127.0.0.1")
    page.reload()
    page.locator("search-bar-snippet input").fill("lamp oil freezes")
    expect(page.locator("search-bar-snippet .search-result-item").first).to_be_visible(timeout=PATIENCE)
