"""Uploads survive whatever a person does meanwhile, and say what became of every file."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.dashboard.conftest import log_in

pytestmark = [pytest.mark.server, pytest.mark.node, pytest.mark.browser]

SLOW = 120_000
MANY = 150


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """As many small pages as somebody may drop at once."""
    paths = [tmp_path / f"page-{at:03}.md" for at in range(MANY)]
    for at, path in enumerate(paths):
        path.write_text(f"# Page {at}\n\nLamp number {at} burns oil.")
    return [str(path) for path in paths]


def make(api: httpx.Client, name: str) -> str:
    """A new instance's place in the dashboard."""
    api.post("/instances", json={"id": name}).raise_for_status()
    return f"/dashboard/instances/default/{name}"


def stored(api: httpx.Client, name: str) -> int:
    total: int = api.get(f"/instances/{name}/items", params={"per_page": 1}).json()["result_info"]["total_count"]
    return total


def answer(route: Route, status: int, **headers: str) -> None:
    route.fulfill(status=status, headers=headers, json={"success": False, "errors": [{"code": 1, "message": "busy"}]})


def test_files_are_all_stored_though_the_page_is_left_at_once(
    page: Page, secret: str, api: httpx.Client, files: list[str]
) -> None:
    log_in(page, secret)
    home = make(api, "many")
    page.goto(home)
    page.get_by_label("Files to upload").set_input_files(files)
    page.get_by_role("link", name="Settings").click()
    expect(page.get_by_role("heading", name="General")).to_be_visible()
    expect(page.get_by_role("banner").get_by_text(f"/ {MANY}")).to_be_visible()
    asked: list[str] = []

    def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.evaluate("setTimeout(() => location.reload())")
    page.get_by_role("link", name="Jobs").click()
    page.get_by_role("link", name="Secondlook: all instances").click()
    expect(page.get_by_role("heading", name="Instances", exact=True)).to_be_visible()
    page.get_by_role("link", name=re.compile("^many")).click()
    done = page.get_by_role("region", name="Uploads").get_by_role("status")
    expect(done).to_have_text(f"Upload finished: {MANY} stored", timeout=SLOW)
    assert asked == ["beforeunload"]
    assert stored(api, "many") == MANY
    page.get_by_role("link", name="Items", exact=True).click()
    expect(done).to_have_text(f"Upload finished: {MANY} stored")
    page.reload()
    expect(done).to_have_text(f"Upload finished: {MANY} stored")
    page.get_by_role("button", name="Dismiss").click()
    expect(done).to_have_count(0)
    page.reload()
    expect(page.get_by_role("status").filter(has_text=f"{MANY} items")).to_be_visible()
    expect(done).to_have_count(0)


def test_what_may_pass_is_sent_again_and_what_will_not_is_told(
    page: Page, secret: str, api: httpx.Client, tmp_path: Path
) -> None:
    log_in(page, secret)
    home = make(api, "passing")
    tries: dict[str, int] = {}
    troubles = {"busy.md": 429, "down.md": 503, "broken.md": 500, "cut.md": 0}

    def trouble(route: Route) -> None:
        body = route.request.post_data_buffer or b""
        name = next((one for one in troubles if one.encode() in body), "")
        if route.request.method != "POST" or not name:
            return route.continue_()
        tries[name] = tries.get(name, 0) + 1
        if tries[name] > 1:
            return route.continue_()
        if not troubles[name]:
            return route.abort("connectionreset")
        return answer(route, troubles[name], **{"Retry-After": "1"})

    page.route("**/items", trouble)
    for name in (*troubles, "program.exe"):
        (tmp_path / name).write_bytes(b"MZ\x00" if name.endswith("exe") else b"# Lamp\n\nIt burns oil.")
    page.goto(home)
    page.get_by_label("Files to upload").set_input_files([str(path) for path in sorted(tmp_path.iterdir())])
    region = page.get_by_role("region", name="Uploads")
    expect(region.get_by_role("status")).to_have_text("Upload finished: 4 stored, 1 refused", timeout=SLOW)
    assert tries == dict.fromkeys(troubles, 2)
    refused = region.get_by_role("listitem").filter(has_text="program.exe")
    expect(refused).to_contain_text("Refused: ")
    expect(refused.get_by_role("button")).to_have_count(0)
    page.get_by_role("link", name="Metrics").click()
    expect(page.get_by_role("banner").get_by_role("link", name="1 file not stored")).to_be_visible()
    page.get_by_role("banner").get_by_role("link", name="1 file not stored").click()
    expect(region.get_by_role("status")).to_have_text("Upload finished: 4 stored, 1 refused")
    assert stored(api, "passing") == 4


def test_files_that_a_reload_cuts_off_are_named(page: Page, secret: str, api: httpx.Client, files: list[str]) -> None:
    log_in(page, secret)
    home = make(api, "cut")
    stalled = [True]
    page.route("**/items", lambda route: None if stalled and route.request.method == "POST" else route.continue_())
    page.goto(home)
    page.get_by_label("Files to upload").set_input_files(files[:4])
    region = page.get_by_role("region", name="Uploads")
    expect(region.get_by_role("status")).to_have_text("Uploading 0 of 4 files: 0 stored")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    stalled.clear()
    expect(region.get_by_role("status")).to_have_text("Upload finished: 0 stored, 4 failed")
    for row in region.get_by_role("listitem").all():
        expect(row).to_contain_text("Choose the file again")
    page.get_by_role("link", name="Items", exact=True).click()
    expect(page.get_by_role("heading", name="Items of cut")).to_be_attached()  # the input before was of another page
    page.get_by_label("Files to upload").set_input_files(files[:4])
    expect(region.get_by_role("status")).to_have_text("Upload finished: 4 stored", timeout=SLOW)
    assert stored(api, "cut") == 4
