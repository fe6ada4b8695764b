"""The pages as they are looked at: an instance with something of everything, in every theme and width."""

import httpx
from playwright.sync_api import Page

from tests.house.yard import SOURCE
from tests.patience import until

HANDBOOK = SOURCE / "sample" / "handbook"
FILES = sorted([*(HANDBOOK / "problems").glob("*.md"), *(HANDBOOK / "hardware").glob("*.md")])
QUESTION = "the station stopped reporting after I moved it to the shed, what should I check?"
HOME = "/dashboard/instances/default/looks"
TABS = ("", "/items", "/jobs", "/playground", "/metrics", "/lab")
"""The Lab has a run; its form stands below."""
SECTIONS = "general sources chunking models retrieval reranking prompts cache log public danger".split()
PAGES = {
    "instances": "/dashboard/",
    "create": "/dashboard/create",
    "namespaces": "/dashboard/namespaces",
    "models": "/dashboard/models",
    "tokens": "/dashboard/tokens",
    "help": "/dashboard/help",
    "help-document": "/dashboard/help/reference/errors",
    **{tab.strip("/") or "overview": HOME + tab for tab in TABS},
    "lab-new": f"{HOME}/lab/new",
    **{f"settings-{one}": f"{HOME}/settings/{one}" for one in SECTIONS},
}
WIDTHS = {"desk": 1280, "phone": 375}
LOOKS = [("light", "desk"), ("dark", "desk"), ("dark", "phone")]
"""A phone shows the same colours: one theme tells of its widths."""


def measure(api: httpx.Client, name: str) -> None:
    """A run of the Lab, to its end."""
    body = {"query_set": "headings", "limit": 12, "arms": [{}, {"weight": 0.5}]}
    api.post(f"/instances/{name}/lab/runs", json=body).raise_for_status()
    until(lambda: api.get(f"/instances/{name}/lab/runs").json()["result"][0]["state"] != "running")


def try_on_people(api: httpx.Client, name: str) -> None:
    """Two orders in one list, some results of which are clicked."""
    api.put(f"/instances/{name}", json={"reranking_mode": "interleave"}).raise_for_status()
    for at in range(9):
        found = api.post(f"/instances/{name}/search", json={"query": QUESTION}).json()["result"]
        said = {"query_id": found["query_id"], "chunk_id": found["chunks"][at % 2]["id"], "kind": "click"}
        api.post(f"/instances/{name}/feedback", json=said).raise_for_status()


def furnish(api: httpx.Client) -> None:
    """An instance with something of everything."""
    api.post("/namespaces", json={"name": "support", "description": "What support searches"})
    api.post("/tokens", json={"name": "reports", "cf_api_id": "AKIA", "cf_api_key": "key"})
    settings = {"public_endpoint_params": {"enabled": True}, "query_log": {"enabled": True}}
    api.post("/instances", json={"id": "looks", "reranking": True, **settings})
    for path in FILES:
        form = {"wait_for_completion": "true"}
        api.post("/instances/looks/items", files={"file": (path.name, path.read_bytes())}, data=form).raise_for_status()
    api.post("/instances/looks/jobs")
    api.post("/instances/looks/search", json={"query": QUESTION}).raise_for_status()
    chat = {"messages": [{"role": "user", "content": QUESTION}]}
    api.post("/instances/looks/chat/completions", json=chat).raise_for_status()
    measure(api, "looks")
    try_on_people(api, "looks")


def visit(page: Page, name: str) -> None:
    """Open the page of that name, with results where there are some to be had."""
    page.goto(PAGES[name])
    page.wait_for_load_state("networkidle")
    if name == "playground":
        page.get_by_role("searchbox", name="Query").fill(QUESTION)
        page.keyboard.press("Enter")
        page.get_by_text("reranking ran").wait_for()
