"""A person makes an instance with reranking, fills it, looks at what reranking changes, and removes it again."""

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.server_process import ServerProcess
from tests.dashboard.conftest import ACCOUNT, Asked, enter, log_in
from tests.dashboard.looks import FILES, QUESTION

pytestmark = [pytest.mark.server, pytest.mark.node, pytest.mark.browser]

OTHER = "cross-encoder/ms-marco-MiniLM-L-6-v2"
SLOW = 60_000


def ask(page: Page, *, rerank: bool) -> list[str]:
    """Search in the playground; the keys of the results in order."""
    switch = page.get_by_role("switch", name="Rerank", exact=True)
    if (switch.get_attribute("aria-checked") == "true") != rerank:
        switch.click()
    page.get_by_role("searchbox", name="Query").fill(QUESTION)
    with page.expect_response(
        lambda one: one.url.endswith("/search") and '"explain":true' in (one.request.post_data or "")
    ):
        page.get_by_role("button", name="Search", exact=True).last.click()
    expect(page.get_by_text("reranking ran" if rerank else "reranking skipped")).to_be_visible()
    cards = page.locator("section[aria-label=Results] > ol > li")
    return [one.split("\n")[1] for one in cards.all_inner_texts()]


def make(page: Page) -> None:
    """Through the wizard, with files."""
    page.get_by_role("link", name="Create instance").first.click()
    page.get_by_label("Name", exact=True).fill("Field notes")
    expect(page.get_by_label("Name", exact=True)).to_have_value("field-notes")
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Files to upload").set_input_files([str(path) for path in FILES])
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("heading", name="Retrieval configuration")).to_be_focused()
    switch = page.get_by_role("switch", name="Rerank results")
    expect(switch).not_to_be_checked()
    switch.click()
    page.get_by_label("Reranking model").click()
    option = page.get_by_role("option", name=re.compile("bge-reranker-base"))
    for fact in ("278 M parameters", "English, Chinese", "MIT", "not downloaded"):
        expect(option).to_contain_text(fact)
    page.get_by_role("option", name=re.compile("late-interaction")).click()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text(f"All {len(FILES)} items can be searched.")).to_be_visible(timeout=SLOW)


def test_from_the_wizard_to_the_end(page: Page, secret: str, api: httpx.Client) -> None:
    log_in(page, secret)
    make(page)
    made = api.get("/instances/field-notes").json()["result"]
    assert (made["reranking"], made["reranking_model"]) == (True, None)
    page.get_by_role("button", name="Try it in the playground").click()
    with_it = ask(page, rerank=True)
    expect(page.get_by_role("list", name="Retrieval order")).to_be_visible()
    assert page.locator("svg[data-lines] path").count() >= len(with_it)
    assert page.locator("section[aria-label=Results] mark").count() == len(with_it)
    without = ask(page, rerank=False)
    assert with_it and without and with_it != without

    page.get_by_role("link", name="Settings").click()
    page.get_by_role("link", name="Reranking").click()
    page.get_by_label("Reranking model").click()
    page.get_by_role("option", name=re.compile(OTHER.rpartition("/")[2])).click()
    expect(page.get_by_text("Its weights are not on this server")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Reranking: saved")).to_be_visible()
    assert api.get("/instances/field-notes").json()["result"]["reranking_model"] == OTHER

    page.get_by_role("link", name="Cache").click()
    page.get_by_role("button", name="Purge the cache").click()
    with page.expect_response(lambda one: one.url.endswith("/purge_cache")) as purged:
        page.get_by_role("button", name="Purge", exact=True).click()
    assert purged.value.ok

    page.get_by_role("link", name="Danger zone").click()
    page.get_by_role("button", name="Delete field-notes").click()
    last = page.get_by_role("button", name="Delete for good")
    expect(last).to_be_disabled()
    page.get_by_label("Type field-notes to confirm").fill("field-notes")
    last.click()
    expect(page.get_by_role("heading", name="Instances", exact=True)).to_be_visible()
    assert api.get("/instances/field-notes").status_code == 404


@pytest.fixture(scope="module")
def station(api: httpx.Client) -> str:
    """A small instance that is there already."""
    api.post(
        "/instances", json={"id": "station", "score_threshold": 0.1, "retrieval_options": {"keyword_match_mode": "or"}}
    )
    for path in FILES:
        form = {"wait_for_completion": "true"}
        api.post(
            "/instances/station/items", files={"file": (path.name, path.read_bytes())}, data=form
        ).raise_for_status()
    return "station"


def test_thresholds_links_and_reasons(page: Page, secret: str, station: str, server: ServerProcess) -> None:
    log_in(page, secret)
    page.goto(f"/dashboard/instances/default/{station}/playground")
    results = ask(page, rerank=True)
    assert page.locator("[data-dropped=relevance]").count() == 0 or results
    page.get_by_label("Reranking threshold").fill("1")
    expect(page.get_by_text("No candidate passes")).to_be_visible()
    assert page.locator("[data-dropped=relevance]").count() > 0
    page.get_by_label("Reranking threshold").fill("0")
    expect(page.get_by_text("No candidate passes")).to_have_count(0)
    page.get_by_label("Key of the item").fill(FILES[0].name)
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_text(re.compile("Among the results|Ranked below the results|Below the"))).to_be_visible()
    link = page.url
    assert "#run=" in link
    page.goto("about:blank")
    page.goto(link)
    expect(page.get_by_role("searchbox", name="Query")).to_have_value(QUESTION)
    expect(page.get_by_text("reranking ran")).to_be_visible()
    page.get_by_role("button", name="Chat").click()
    page.get_by_role("textbox", name="Question").fill("What does E-21 mean?")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text(re.compile(r"\d+ sources?"))).to_be_visible()


def test_items_are_uploaded_read_and_deleted(page: Page, secret: str, station: str, tmp_path: Path) -> None:
    log_in(page, secret)
    page.goto(f"/dashboard/instances/default/{station}/items")
    page.get_by_role("button", name="Upload").click()
    extra, bad = tmp_path / "extra.md", tmp_path / "picture.exe"
    extra.write_text("# Extra\n\nA lamp burns oil.")
    bad.write_bytes(b"MZ\x00\x01")
    page.get_by_label("Files to upload").set_input_files([str(extra), str(bad)])
    row = page.get_by_role("row").filter(has_text="extra.md")
    expect(row.get_by_text("indexed").last).to_be_visible(timeout=SLOW)  # the first one is that of a phone
    expect(page.get_by_text(re.compile("1 refused"))).to_be_visible()
    row.get_by_role("button", name="Chunks of extra.md").click()
    expect(page.get_by_text("A lamp burns oil.")).to_be_visible()
    page.keyboard.press("Escape")
    row.get_by_role("button", name="Log of extra.md").click()
    expect(page.get_by_text("searchable").first).to_be_visible()
    page.keyboard.press("Escape")
    row.get_by_role("button", name="Re-index extra.md").click()
    expect(page.get_by_text("extra.md will be indexed again")).to_be_visible()
    row.get_by_role("button", name="Delete extra.md").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(row).to_have_count(0)
    page.get_by_role("link", name="Jobs").click()
    page.get_by_role("button", name="Sync now").click()
    expect(page.get_by_role("log")).not_to_contain_text("Waiting", timeout=SLOW)


def test_a_wrong_token_and_a_gone_instance_say_what_to_do(page: Page, secret: str) -> None:
    page.goto("/dashboard/instances/default/nothing")
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("secondlook token create").last).to_be_visible()
    page.get_by_label("Token").fill(secret)
    page.get_by_label("Account").fill(ACCOUNT)
    page.get_by_role("button", name="Log in").click()
    enter(page, page.get_by_text("There is no instance nothing"))


def test_only_public_routes_were_asked(asked: Asked, server: ServerProcess, page: Page, secret: str) -> None:
    log_in(page, secret)
    document = httpx.get(f"{server.url}/openapi.json").json()
    assert any(path.endswith("/instances") for _, path in asked.seen)
    assert asked.strangers(document) == {("GET", "/")}
