"""Back, Forward and reload lose neither the wizard nor settings that are not saved."""

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import log_in

pytestmark = [pytest.mark.server, pytest.mark.node, pytest.mark.browser]

TITLE = "Chunking and embedding"


def press_next(page: Page) -> None:
    page.get_by_role("button", name="Next").click()


def dialog_of(page: Page, name: str):  # type: ignore[no-untyped-def]  # a locator
    return page.get_by_role("dialog").filter(has_text=name)


def test_steps_are_addresses_and_a_reload_keeps_the_draft(
    page: Page, secret: str, api: httpx.Client, tmp_path: Path
) -> None:
    log_in(page, secret)
    page.get_by_role("link", name="Create instance").first.click()
    page.get_by_label("Name", exact=True).fill("drafted")
    press_next(page)
    page.wait_for_url("**/create/source")
    note = tmp_path / "note.md"
    note.write_text("# Note\n\nA lamp burns oil.")
    page.get_by_label("Files to upload").set_input_files(str(note))
    press_next(page)
    page.wait_for_url("**/create/chunking")
    page.get_by_label("Chunk size").fill("200")
    page.go_back()
    page.wait_for_url("**/create/source")
    expect(page.get_by_text("1 file, ")).to_be_visible()
    page.go_forward()
    expect(page.get_by_label("Chunk size")).to_have_value("200")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.get_by_role("heading", name=TITLE)).to_be_visible()
    expect(page.get_by_label("Chunk size")).to_have_value("200")
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_text("choose 1 file again (note.md)")).to_be_visible()
    page.get_by_label("Files to upload").set_input_files(str(note))
    expect(page.get_by_text("choose 1 file again")).to_have_count(0)
    for _ in range(3):
        press_next(page)
    review = page.get_by_role("heading", name="Review").locator("..")
    for words in (
        "drafted",
        "1 file to upload",
        "200 tokens",
        "Match threshold",
        "Keywords",
        "Answer cache",
        "Reranking",
    ):
        expect(review).to_contain_text(words)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text("All 1 item can be searched.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("All 1 item can be searched.")).to_be_visible()
    assert api.get("/instances/drafted").json()["result"]["chunk_size"] == 200
    page.goto("/dashboard/create")
    expect(page.get_by_label("Name", exact=True)).to_have_value("")


def test_a_step_too_far_leads_to_what_is_missing(page: Page, secret: str) -> None:
    log_in(page, secret)
    page.goto("/dashboard/create/review")
    expect(page.get_by_role("heading", name="Name")).to_be_visible()
    page.wait_for_url("**/create")


def test_the_steps_fit_on_one_line_of_a_phone(page: Page, secret: str) -> None:
    page.set_viewport_size({"width": 375, "height": 860})
    log_in(page, secret)
    page.goto("/dashboard/create")
    page.get_by_label("Name", exact=True).fill("narrow")
    steps = page.get_by_role("list", name="Steps").get_by_role("button")
    for heading in ("Data source", "Chunking and embedding", "Retrieval configuration"):
        page.get_by_role("button", name="Next").click()
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        places = [step.bounding_box() or {} for step in steps.all()]
        assert len(places) == 5 and len({place["y"] for place in places}) == 1, heading


def test_the_wizard_is_left_by_a_question(page: Page, secret: str) -> None:
    log_in(page, secret)
    page.get_by_role("link", name="Create instance").first.click()
    page.get_by_label("Name", exact=True).fill("half")
    page.go_back()
    question = dialog_of(page, "Leave the wizard?")
    expect(question).to_be_visible()
    question.get_by_role("button", name="Keep editing").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("half")
    assert page.url.endswith("/create")
    page.go_back()
    question.get_by_role("button", name="Leave").click()
    expect(page.get_by_role("heading", name="Instances", exact=True)).to_be_visible()
    page.get_by_role("link", name="Create instance").first.click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("half")
    page.get_by_role("button", name="Cancel").click()
    question.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("heading", name="Instances", exact=True)).to_be_visible()
    page.get_by_role("link", name="Create instance").first.click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Instances", exact=True)).to_be_visible()


def test_settings_are_left_by_a_question_and_survive_a_reload(page: Page, secret: str, api: httpx.Client) -> None:
    api.post("/instances", json={"id": "guarded"}).raise_for_status()
    log_in(page, secret)
    page.goto("/dashboard/instances/default/guarded")
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("link", name="Prompts").click()
    field = page.get_by_label("System prompt for answers")
    field.fill("Be brief.")
    question = dialog_of(page, "Leave without saving?")
    for leave in (
        page.go_back,
        lambda: page.get_by_role("link", name="Cache").click(),
        lambda: page.get_by_role("link", name="Items", exact=True).click(),
        lambda: page.get_by_role("button", name="Log out").click(),
    ):
        leave()
        question.get_by_role("button", name="Keep editing").click()
        expect(question).to_have_count(0)
        expect(field).to_have_value("Be brief.")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.reload()
    assert asked == ["beforeunload"]
    expect(field).to_have_value("Be brief.")
    expect(page.get_by_text("Unsaved changes")).to_be_visible()
    page.go_back()
    question.get_by_role("button", name="Discard").click()
    page.wait_for_url("**/settings")
    page.go_forward()
    expect(field).to_have_value("")
    field.fill("Be kind.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Prompts: saved")).to_be_visible()
    page.go_back()
    page.wait_for_url("**/settings")
    assert api.get("/instances/guarded").json()["result"]["system_prompt_ai_search"] == "Be kind."


def test_drafts_end_with_the_session(page: Page, secret: str) -> None:
    log_in(page, secret)
    page.get_by_role("link", name="Create instance").first.click()
    page.get_by_label("Name", exact=True).fill("secret-plan")
    page.get_by_role("button", name="Log out").click()
    dialog_of(page, "Leave the wizard?").get_by_role("button", name="Leave").click()
    expect(page.get_by_label("Token")).to_be_visible()
    assert "secret-plan" not in str(page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])"))


SECRET = "Bearer hunter2"


def stored_in(page: Page) -> str:
    return str(page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])"))


def test_secrets_of_the_wizard_are_not_stored_and_must_be_entered_again(
    page: Page, secret: str, api: httpx.Client
) -> None:
    log_in(page, secret)
    page.get_by_role("link", name="Create instance").first.click()
    page.get_by_label("Name", exact=True).fill("headed")
    press_next(page)
    page.get_by_text("Website", exact=True).click()
    page.get_by_label("Website address").fill("https://ada:hunter2@docs.example.com")
    page.get_by_text("Parser options").click()
    headers = page.get_by_label("Extra headers")
    headers.press_sequentially(f"Authorization: {SECRET}\nX-Team: night")
    expect(headers).to_have_value(f"Authorization: {SECRET}\nX-Team: night")
    page.get_by_label("Website address").press_sequentially("/")
    assert "headed" in stored_in(page) and "X-Team" in stored_in(page)
    assert "hunter2" not in stored_in(page) and "night" not in stored_in(page)
    page.get_by_label("Website address").fill("https://docs.example.com")
    press_next(page)
    page.wait_for_url("**/create/chunking")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.wait_for_url("**/create/source")
    expect(headers).to_have_value("Authorization: \nX-Team: ")
    expect(page.get_by_text("Enter the value of Authorization, X-Team again.")).to_be_visible()
    expect(page.get_by_role("button", name="Next")).to_be_disabled()
    headers.fill(f"Authorization: {SECRET}")
    expect(page.get_by_text("Enter the value")).to_have_count(0)
    for _ in range(3):
        press_next(page)
    page.get_by_role("button", name="Create").click()
    page.wait_for_url("**/create/done/**")
    made = api.get("/instances/headed").json()["result"]["source_params"]["web_crawler"]["parse_options"]
    assert made["include_headers"] == {"Authorization": SECRET}
    assert "hunter2" not in stored_in(page)


def test_secrets_of_settings_are_not_stored(page: Page, secret: str, api: httpx.Client) -> None:
    parsing = {"parse_options": {"include_headers": {"Authorization": SECRET, "X-Team": "night"}}}
    source = {"type": "web-crawler", "source": "https://docs.example.com", "source_params": {"web_crawler": parsing}}
    api.post("/instances", json={"id": "guarded-headers", **source}).raise_for_status()
    log_in(page, secret)
    page.goto("/dashboard/instances/default/guarded-headers/settings/sources")
    page.get_by_label("Include", exact=True).fill("**/guide/**")
    page.get_by_text("Parser options").click()
    headers = page.get_by_label("Extra headers")
    headers.fill(f"Authorization: {SECRET}\nX-Team: day shift")
    expect(page.get_by_text("Unsaved changes")).to_be_visible()
    assert "guide" in stored_in(page)
    assert "hunter2" not in stored_in(page) and "day shift" not in stored_in(page)
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(headers).to_have_value(f"Authorization: {SECRET}\nX-Team: ")
    expect(page.get_by_text("Enter the value of X-Team again.")).to_be_visible()
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    headers.fill(f"Authorization: {SECRET}\nX-Team: day shift")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text(re.compile(": saved$"))).to_be_visible()
    kept = api.get("/instances/guarded-headers").json()["result"]["source_params"]
    assert kept["web_crawler"]["parse_options"]["include_headers"]["X-Team"] == "day shift"
    assert kept["include_items"] == ["**/guide/**"]
