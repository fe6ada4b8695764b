"""Many items at once, their filter, their metadata, and an instance that has none yet."""

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import log_in

pytestmark = [pytest.mark.server, pytest.mark.node, pytest.mark.browser]

NUMBER = 60
SLOW = 60_000


@pytest.fixture(scope="module")
def shelf(api: httpx.Client) -> str:
    """More items than one page of the list has, one of them broken."""
    fields = [{"field_name": "author", "data_type": "text"}, {"field_name": "pages", "data_type": "number"}]
    api.post("/instances", json={"id": "shelf", "custom_metadata": fields}).raise_for_status()
    for at in range(NUMBER - 1):
        name = f"{'notes' if at % 2 else 'letters'}/{at:02}.md"
        api.post("/instances/shelf/items", files={"file": (name, f"# Page {at}\n\nOil.".encode())}).raise_for_status()
    form = {"wait_for_completion": "true"}
    api.post("/instances/shelf/items", files={"file": ("broken.pdf", b"none")}, data=form).raise_for_status()
    return "/dashboard/instances/default/shelf/items"


def total(api: httpx.Client, **query: str) -> int:
    found = api.get("/instances/shelf/items", params=query).json()["result_info"]["total_count"]
    return int(found)


def test_the_filter_uses_the_words_of_the_badges(page: Page, secret: str, shelf: str) -> None:
    log_in(page, secret)
    page.goto(shelf)
    expect(page.get_by_text("indexed", exact=True).first).to_be_attached(timeout=SLOW)
    page.get_by_label("Status", exact=True).click()
    words = [one.split(" (")[0] for one in page.get_by_role("option").all_inner_texts()]
    assert words == ["All", "indexed", "indexing", "queued", "error", "skipped", "outdated"]
    page.get_by_role("option", name=re.compile("^error")).click()
    expect(page.get_by_text("1 item", exact=True)).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="broken.pdf")).to_be_visible()
    page.get_by_label("Search items by key").fill("nothing-has-this-name")
    expect(page.get_by_role("heading", name="No items match")).to_be_visible()


def test_all_that_match_are_indexed_again_and_deleted(page: Page, secret: str, api: httpx.Client, shelf: str) -> None:
    log_in(page, secret)
    page.goto(shelf)
    page.get_by_label("Search items by key").fill("notes/")
    matching = NUMBER // 2 - 1
    expect(page.get_by_text(f"{matching} items", exact=True)).to_be_visible()
    page.get_by_label(re.compile("^Select notes/")).first.click()
    expect(page.get_by_text("1 item selected")).to_be_visible()
    page.get_by_role("button", name=f"Select all {matching}").click()
    expect(page.get_by_text(f"{matching} items selected")).to_be_visible()
    bar = page.get_by_role("group", name="Selected items")
    bar.get_by_role("button", name="Re-index").click()
    expect(page.get_by_text(f"{matching} items will be indexed again")).to_be_visible()
    page.get_by_label("Select the visible rows").click()
    expect(page.get_by_text(f"{matching} items selected")).to_be_visible()  # a list of one page is chosen whole
    before = total(api)
    bar.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name=f"Delete {matching} items?")).to_be_visible()
    page.get_by_role("button", name="Delete", exact=True).last.click()
    expect(page.get_by_text(f"Deleted {matching} items")).to_be_visible()
    expect(page.get_by_role("heading", name="No items match")).to_be_visible()
    assert (total(api), total(api, search="notes/")) == (before - matching, 0)


def test_a_selection_does_not_outlive_its_filter(page: Page, secret: str, shelf: str) -> None:
    """Else something that is out of sight would be deleted."""
    log_in(page, secret)
    page.goto(shelf)
    page.get_by_label("Search items by key").fill("letters/")
    expect(page.get_by_text(f"{NUMBER // 2} items", exact=True)).to_be_visible()
    page.get_by_label(re.compile("^Select letters/")).first.click()
    expect(page.get_by_role("group", name="Selected items")).to_be_visible()
    page.get_by_label("Search items by key").fill("broken")
    expect(page.get_by_role("group", name="Selected items")).to_have_count(0)


def test_metadata_goes_with_the_files_that_are_added(page: Page, secret: str, api: httpx.Client, shelf: str) -> None:
    log_in(page, secret)
    page.goto(shelf)
    page.get_by_role("button", name="Upload").click()
    page.get_by_text("Metadata for these files").click()
    page.get_by_label("author").fill("Keeper")
    page.get_by_label("pages").fill("many")
    expect(page.get_by_text("Enter a number.")).to_be_visible()
    page.get_by_label("pages").fill("12")
    expect(page.get_by_text("Enter a number.")).to_have_count(0)
    file = {"name": "log.md", "mimeType": "text/markdown", "buffer": b"# Log\n\nFog."}
    page.get_by_label("Files to upload").set_input_files([file])
    expect(page.get_by_role("row").filter(has_text="log.md")).to_be_visible(timeout=SLOW)
    [item] = api.get("/instances/shelf/items", params={"key": "log.md"}).json()["result"]
    assert (item["metadata"]["author"], item["metadata"]["pages"]) == ("Keeper", 12)


def test_the_list_of_instances_counts_items_and_errors(page: Page, secret: str, shelf: str) -> None:
    log_in(page, secret)
    row = page.get_by_role("listitem").filter(has_text="shelf")
    expect(row).to_contain_text(re.compile(r"\d+ items"))
    expect(row).to_contain_text("1 error")


def test_an_empty_instance_asks_for_files(page: Page, secret: str, api: httpx.Client) -> None:
    api.post("/instances", json={"id": "fresh"})
    log_in(page, secret)
    page.goto("/dashboard/instances/default/fresh/items")
    expect(page.get_by_text("Drop files above to add them.")).to_be_visible()
    expect(page.get_by_text("Drop files or folders here")).to_be_visible()
    page.get_by_role("link", name="Playground").click()
    expect(page.get_by_role("heading", name="Add content first")).to_be_visible()
    page.get_by_role("searchbox", name="Query").fill("lamp oil")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Add content first")).to_be_visible()
    expect(page.get_by_text("other words")).to_have_count(0)
    page.get_by_role("link", name="Add files").click()
    expect(page.get_by_text("Drop files above to add them.")).to_be_visible()
