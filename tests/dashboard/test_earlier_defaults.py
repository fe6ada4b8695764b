"""An instance of an earlier release says that it searches by its defaults, and takes today's with one click."""

import json
import sqlite3
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import log_in

pytestmark = [pytest.mark.server, pytest.mark.node, pytest.mark.browser]

NOTICE = "Defaults of an earlier release"


def make_earlier(api: httpx.Client, folder: Path, name: str, **settings: object) -> None:
    """An instance whose row is as an earlier release wrote it: with its defaults, and without what marks them."""
    api.post("/instances", json={"id": name, **settings}).raise_for_status()
    with sqlite3.connect(folder / "catalog.sqlite") as rows:
        [[text]] = rows.execute("SELECT settings FROM instances WHERE name = ?", [name])
        old = {key: value for key, value in json.loads(text).items() if not key.endswith("_inherited")}
        old |= {"match_mode": "and", "fusion_method": "rrf"}
        rows.execute("UPDATE instances SET settings = ? WHERE name = ?", [json.dumps(old), name])
    rows.close()


@pytest.mark.parametrize(
    ("button", "mode", "fusion", "shown"),
    [
        ("Use the new defaults", "or", "convex", "by score (convex), cosine weight 0.50"),
        ("Keep the current settings", "and", "rrf", "by rank (RRF)"),
    ],
)
def test_one_click_takes_or_keeps(
    page: Page, secret: str, api: httpx.Client, folder: Path, button: str, mode: str, fusion: str, shown: str
) -> None:
    name = f"earlier-{fusion}"
    make_earlier(api, folder, name)
    log_in(page, secret)
    page.goto(f"/dashboard/instances/default/{name}")
    notice = page.get_by_role("region", name=NOTICE)
    expect(notice).to_contain_text("every word of the query")
    expect(notice).to_contain_text("hybrid search fuses by rank (RRF)")
    notice.get_by_role("button", name=button).click()
    expect(notice).to_have_count(0)
    expect(page.get_by_text(shown, exact=True)).to_be_visible()
    found = api.get(f"/instances/{name}").json()["result"]
    assert (found["retrieval_options"]["keyword_match_mode"], found["fusion_method"]) == (mode, fusion)
    assert (found["keyword_match_mode_origin"], found["fusion_method_origin"]) == ("chosen", "chosen")


def test_new_instances_and_those_with_one_index_have_no_notice(
    page: Page, secret: str, api: httpx.Client, folder: Path
) -> None:
    api.post("/instances", json={"id": "new-one"}).raise_for_status()
    make_earlier(api, folder, "words-only", index_method={"vector": False, "keyword": True})
    log_in(page, secret)
    for name in ("new-one", "words-only"):
        page.goto(f"/dashboard/instances/default/{name}")
        expect(page.get_by_role("heading", name="Retrieval")).to_be_visible()
        expect(page.get_by_role("region", name=NOTICE)).to_have_count(0)


def test_the_weight_is_shown_where_it_counts(page: Page, secret: str, api: httpx.Client) -> None:
    api.post("/instances", json={"id": "weighed"}).raise_for_status()
    log_in(page, secret)
    page.goto("/dashboard/instances/default/weighed/settings/retrieval")
    weight = page.get_by_label("Weight of the cosine")
    expect(weight).to_be_visible()
    weight.fill("0.7")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Unsaved changes")).to_have_count(0)
    found = api.get("/instances/weighed").json()["result"]
    assert (found["fusion_weight"], found["fusion_method_origin"]) == (0.7, "default")
