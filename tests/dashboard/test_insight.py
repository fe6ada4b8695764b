"""The query log from the page that switches it on to the charts that it fills, thumbs, and the end of it."""

import re

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.dashboard.conftest import log_in
from tests.dashboard.looks import FILES, QUESTION
from tests.dashboard.test_story import ask

pytestmark = [pytest.mark.server, pytest.mark.node, pytest.mark.browser]


@pytest.fixture(scope="module")
def asked_often(api: httpx.Client) -> str:
    """An instance that nobody has asked yet."""
    api.post("/instances", json={"id": "asked", "score_threshold": 0.1, "reranking": True})
    for path in FILES:
        form = {"wait_for_completion": "true"}
        api.post("/instances/asked/items", files={"file": (path.name, path.read_bytes())}, data=form).raise_for_status()
    return "asked"


def test_a_log_from_its_first_query_to_its_last(page: Page, secret: str, asked_often: str, api: httpx.Client) -> None:
    log_in(page, secret)
    home = f"/dashboard/instances/default/{asked_often}"
    page.goto(f"{home}/metrics")
    expect(page.get_by_text("The query log is off")).to_be_visible()
    page.get_by_label("Keep each query for").click()
    page.get_by_role("option", name="90 days").click()
    page.get_by_role("button", name="Keep a query log").click()
    expect(page.get_by_text("Each query is kept for 90 days.")).to_be_visible()
    expect(page.get_by_text("No queries in the last day")).to_be_visible()

    page.get_by_role("link", name="Playground").click()
    ask(page, rerank=True)
    relevant = page.get_by_role("button", name=re.compile("^Relevant: ")).first
    stored: list[Route] = []
    judgments, grades = re.compile("/judgments$"), re.compile(r"/query-sets/my-queries\?")

    def hold(route: Route) -> None:
        stored.append(route)

    page.route(judgments, hold)
    with (
        page.expect_request(judgments),
        page.expect_response(grades),
    ):  # those of the new set, before this one is stored
        relevant.click()
    expect(relevant).to_have_attribute("aria-pressed", "true")
    stored.pop().continue_()
    page.unroute(judgments)
    expect(relevant).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("link", name="1 query, 1 judgment")).to_be_visible()
    [kept] = api.get(f"/instances/{asked_often}/query-sets/my-queries").json()["result"]
    assert (kept["query"], [one["grade"] for one in kept["judgments"]]) == (QUESTION, [1])
    body = {"query": "zebra crossing", "ai_search_options": {"retrieval": {"match_threshold": 1}}}
    api.post(f"/instances/{asked_often}/search", json=body).raise_for_status()

    page.get_by_role("link", name="Metrics").click()
    page.get_by_role("switch", name="Include playground searches").click()
    top = page.get_by_role("region", name="Top queries")
    expect(top.get_by_role("link", name=QUESTION)).to_be_visible()
    missed = page.get_by_role("region", name="Queries without results")
    expect(missed.get_by_role("link", name="zebra crossing")).to_be_visible()
    expect(page.get_by_role("table", name="Queries over time").get_by_role("row")).to_have_count(2)
    log = page.get_by_role("region", name="Query log")
    expect(log.get_by_text("2 queries")).to_be_visible()
    log.get_by_label("Show", exact=True).click()
    page.get_by_role("option", name="Without results").click()
    expect(log.get_by_text("1 query", exact=True)).to_be_visible()
    log.get_by_role("button", name="zebra crossing").click()
    log.get_by_role("link", name="Try it in the playground").click()
    expect(page.get_by_role("searchbox", name="Query")).to_have_value("zebra crossing")

    page.get_by_role("link", name="Settings").click()
    page.get_by_role("link", name="Query log").click()
    page.get_by_role("switch", name="Keep a query log").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Query log: saved")).to_be_visible()
    page.get_by_role("button", name="Empty the query log").click()
    page.get_by_role("button", name="Empty", exact=True).click()
    expect(page.get_by_text(f"Emptied the query log of {asked_often}")).to_be_visible()
    assert api.get(f"/instances/{asked_often}/queries").json()["result"] == []
    assert api.get(f"/instances/{asked_often}").json()["result"]["query_log"] == {
        "enabled": False,
        "retention_days": 90,
    }
