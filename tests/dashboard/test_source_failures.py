"""A source that fails says why on every page that speaks of the instance, and how to go on."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import log_in

pytestmark = [pytest.mark.server, pytest.mark.node, pytest.mark.browser]

ADDRESS = "http://127.0.0.1:9/"


def test_a_source_that_fails_is_no_success(page: Page, secret: str, api: httpx.Client) -> None:
    log_in(page, secret)
    page.get_by_role("link", name="Create instance").first.click()
    page.get_by_label("Name", exact=True).fill("failing")
    page.get_by_role("button", name="Next").click()
    page.get_by_text("Website", exact=True).click()
    page.get_by_label("Website address").fill(ADDRESS)
    for _ in range(3):
        page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="its source failed")).to_be_visible()
    found = api.get("/instances/failing").json()["result"]
    message = found["sync_error"]["message"]
    reason = message[0].upper() + message[1:]
    expect(page.get_by_role("alert")).to_contain_text(reason)
    expect(page.get_by_text("Nothing was indexed, because the source could not be read.")).to_be_visible()
    page.get_by_role("link", name="Secondlook: all instances").click()
    row = page.get_by_role("listitem").filter(has_text="failing")
    expect(row).to_contain_text("source failed")
    expect(row).to_contain_text(reason)
    row.get_by_role("link").click()
    expect(page.get_by_role("alert")).to_contain_text(reason)
    page.get_by_role("button", name="Fix").click()
    expect(page.get_by_role("heading", name="Sources")).to_be_visible()
    page.go_back()
    before = found["sync_error"]["job_id"]
    page.get_by_role("button", name="Resume" if found["paused"] else "Sync again").click()
    expect(page.get_by_text("Sync started")).to_be_visible()
    jobs = api.get("/instances/failing/jobs").json()["result"]
    assert jobs[0]["id"] != before
