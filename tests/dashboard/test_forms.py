"""What the server refuses is shown at the field, in words, and the first wrong field has the focus."""

import re

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import log_in

pytestmark = [pytest.mark.server, pytest.mark.node, pytest.mark.browser]

HOME = "/dashboard/instances/default/forms/settings"


@pytest.fixture(scope="module")
def forms(api: httpx.Client) -> None:
    api.post("/instances", json={"id": "forms", "public_endpoint_params": {"enabled": True}}).raise_for_status()


def description(page: Page, field: Locator) -> str:
    """What a screen reader reads after the name of the field."""
    ids = (field.get_attribute("aria-describedby") or "").split()
    return " ".join(page.locator(f'[id="{one}"]').inner_text() for one in ids)


@pytest.mark.parametrize(
    ("section", "label", "value", "sentence"),
    [
        ("chunking", "Chunk size (tokens)", "100001", "Enter"),
        ("reranking", "Budget (ms)", "700000", "Enter"),
        ("public", "Maximum requests", "0", "Enter 1 or more."),
        ("public", "Authorized hosts", "not a host!", "is not a host"),
    ],
)
def test_a_refusal_is_at_its_field(
    page: Page, secret: str, forms: None, section: str, label: str, value: str, sentence: str
) -> None:
    log_in(page, secret)
    page.goto(f"{HOME}/{section}")
    if section == "reranking":
        page.get_by_role("switch", name="Rerank results").set_checked(True, force=True)
    field = page.get_by_label(label, exact=True)
    field.fill(value)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Correct 1 field above.")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    assert sentence in description(page, field)
    shown = page.locator("main").inner_text()
    assert not re.search(r"chunk_size|reranking_budget_ms|rate_limit|Input should|it was", shown)


def test_what_belongs_to_no_field_is_above_the_button(page: Page, secret: str, forms: None) -> None:
    """A field of metadata twice: the server names the list, which is no field of its own."""
    log_in(page, secret)
    page.goto(f"{HOME}/chunking")
    for name in ("author", "author"):
        page.get_by_role("button", name="Add a field").click()
        page.get_by_label("Field", exact=True).last.fill(name)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text(re.compile("author"))


def test_code_for_the_public_endpoint_has_its_real_address(
    page: Page, secret: str, api: httpx.Client, forms: None
) -> None:
    log_in(page, secret)
    page.goto(f"{HOME}/public")
    endpoint = api.get("/instances/forms").json()["result"]["public_endpoint_id"]
    address = f"{page.url.split('/dashboard')[0]}/public/{endpoint}"
    for tab, wanted in (
        ("Website", f'<search-bar-snippet api-url="{address}">'),
        ("Agent (MCP)", f'"url": "{address}/mcp"'),
        ("API", f"curl -X POST '{address}/search'"),
    ):
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_label(f"Code: {tab}")).to_contain_text(wanted)
        expect(page.get_by_role("tabpanel").get_by_role("button", name="Copy")).to_be_visible()
    found = httpx.post(f"{address}/search", json={"query": "oil"})
    assert found.status_code == 200


def test_a_refusal_of_the_wizard_leads_back_to_its_step(page: Page, secret: str, api: httpx.Client) -> None:
    """A name that is taken is known to the server alone, four steps later."""
    api.post("/instances", json={"id": "taken"})
    log_in(page, secret)
    page.get_by_role("link", name="Create instance").first.click()
    page.get_by_role("textbox", name="Name").fill("taken")
    for _ in range(4):
        page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Create", exact=True).click()
    field = page.get_by_role("textbox", name="Name")
    expect(field).to_be_focused()
    assert "taken" in description(page, field)
