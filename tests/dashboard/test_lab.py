"""A run of the Lab from its form to the settings that it says."""

import json
import re
from pathlib import Path
from secrets import token_hex

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import log_in
from tests.dashboard.looks import FILES

pytestmark = [pytest.mark.server, pytest.mark.node, pytest.mark.browser]

SLOW = 60_000
HOME = "/dashboard/instances/default/measured/lab"


@pytest.fixture(scope="module")
def measured(api: httpx.Client) -> None:
    """An instance that keeps a query log of which nothing is known yet."""
    settings = {"score_threshold": 0.1, "retrieval_options": {"keyword_match_mode": "or"}}
    api.post("/instances", json={"id": "measured", "query_log": {"enabled": True}, **settings})
    for path in FILES:
        form = {"wait_for_completion": "true"}
        api.post(
            "/instances/measured/items", files={"file": (path.name, path.read_bytes())}, data=form
        ).raise_for_status()


def questions() -> list[dict[str, object]]:
    """The first words of each file, which it answers."""
    return [
        {"query": " ".join(re.findall(r"[a-z]{4,}", path.read_text().lower())[at : at + 6]), "items": [path.name]}
        for path in FILES
        for at in (0, 30)
    ]


def test_from_the_form_to_the_settings(
    page: Page, secret: str, measured: None, api: httpx.Client, tmp_path: Path
) -> None:
    log_in(page, secret)
    page.goto(HOME)
    page.get_by_role("button", name="Start run").click()
    expect(page.get_by_role("alert")).to_contain_text("no clicks or thumbs")
    page.get_by_role("radio", name=re.compile("^A file")).check(force=True)  # its label covers it
    expect(page.get_by_role("button", name="Start run")).to_be_disabled()
    file = tmp_path / "asked.jsonl"
    file.write_text("\n".join(json.dumps(one) for one in questions()))
    page.get_by_label("File of queries").set_input_files(str(file))
    page.get_by_role("button", name="Choose configurations").click()
    page.get_by_label("Window").fill("20")
    page.get_by_role("button", name="Start run").click()
    expect(page.get_by_role("heading", name="Verdict")).to_be_visible(timeout=SLOW)

    [run] = api.get("/instances/measured/lab/runs").json()["result"]
    report = api.get(f"/instances/measured/lab/runs/{run['id']}").json()["result"]["report"]
    sentence = report["verdict"]["sentence"]
    expect(page.get_by_text(sentence[1:])).to_be_visible()
    table = page.get_by_role("region", name="Table of configurations")
    expect(table.get_by_role("row")).to_have_count(4)
    for arm in report["arms"]:
        expect(table.get_by_role("row").filter(has_text=arm["name"]).first).to_contain_text(f"{arm['ndcg@10']:.3f}")
    log = page.get_by_role("region", name="Query by query")
    log.get_by_role("button", expanded=False).filter(has_text=re.compile(r"[+−±]0\.\d{3}")).first.click()
    expect(log.get_by_role("list").filter(has_text="relevant").first).to_be_visible()
    expect(log.get_by_text(re.compile("^Relevant: "))).to_be_visible()

    apply = page.get_by_role("button", name="Apply to this instance")
    assert apply.count() == bool(report["verdict"]["settings"])
    if apply.count():
        apply.click()
        expect(page.get_by_text(re.compile("^(Settings applied|No change)"))).to_be_visible()
        told = api.get("/instances/measured").json()["result"]
        assert told["reranking"] == report["verdict"]["settings"]["reranking"]
    page.get_by_role("button", name="Delete this run").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("button", name="Start run")).to_be_visible()
    assert api.get("/instances/measured/lab/runs").json()["result"] == []


@pytest.fixture
def tried(api: httpx.Client) -> str:
    """An instance of this test alone, whose two orders are served in one list and which nobody has asked yet."""
    name = f"tried-{token_hex(4)}"
    options = {"score_threshold": 0.0, "retrieval_options": {"keyword_match_mode": "or"}, "reranking": True}
    api.post("/instances", json={"id": name, "query_log": {"enabled": True}, **options}).raise_for_status()
    for path in FILES:
        form = {"wait_for_completion": "true"}
        file = {"file": (path.name, path.read_bytes())}
        api.post(f"/instances/{name}/items", files=file, data=form).raise_for_status()
    api.put(f"/instances/{name}", json={"reranking_mode": "interleave"}).raise_for_status()
    return name


def click(api: httpx.Client, name: str, number: int) -> None:
    """So many searches, of each of which the first result is clicked."""
    for at in range(number):
        asked = {"query": questions()[at % 4]["query"], "ai_search_options": {"reranking": {"match_threshold": 0}}}
        found = api.post(f"/instances/{name}/search", json=asked).json()["result"]
        said = {"query_id": found["query_id"], "chunk_id": found["chunks"][0]["id"], "kind": "click"}
        api.post(f"/instances/{name}/feedback", json=said).raise_for_status()


def test_what_a_trial_on_those_who_search_comes_to(page: Page, secret: str, tried: str, api: httpx.Client) -> None:
    log_in(page, secret)
    page.goto(f"/dashboard/instances/default/{tried}/lab")
    trial = page.get_by_role("region", name="Trial on live searches")
    expect(trial).to_contain_text("No clicks yet")
    click(api, tried, 4)
    expect(trial).to_contain_text("4 queries served, 4 of them clicked")
    told = api.get(f"/instances/{tried}/lab/online").json()["result"]["interleaving"]
    assert told["wins"] + told["losses"] == 4
    expect(trial).to_contain_text(f"Reranked won {told['wins']}")
    expect(trial).to_contain_text(f"Retrieval won {told['losses']}")
    expect(trial).to_contain_text("26 more decided queries")
    trial.get_by_role("button", name="End trial, reranking on").click()
    expect(page.get_by_text("Trial ended. Reranking is on.")).to_be_visible()
    expect(trial).to_contain_text("ended")
    expect(trial.get_by_role("button")).to_have_count(0)
    settings = api.get(f"/instances/{tried}").json()["result"]
    assert (settings["reranking"], settings["reranking_mode"]) == (True, "fixed")


def test_a_trial_in_the_shadow_and_without_a_log(page: Page, secret: str, tried: str, api: httpx.Client) -> None:
    api.put(f"/instances/{tried}", json={"reranking_mode": "shadow"}).raise_for_status()
    log_in(page, secret)
    page.goto(f"/dashboard/instances/default/{tried}/lab")
    trial = page.get_by_role("region", name="Trial on live searches")
    expect(trial).to_contain_text("No searches yet")
    api.post(f"/instances/{tried}/search", json={"query": "lamp oil"}).raise_for_status()
    expect(trial).to_contain_text(re.compile("Searches1"))
    api.put(f"/instances/{tried}", json={"query_log": {"enabled": False}}).raise_for_status()
    page.reload()
    expect(trial.get_by_role("alert")).to_contain_text("The query log is off")
    expect(trial.get_by_role("link", name="Switch it on")).to_have_attribute("href", re.compile("settings/log$"))
