"""Takes the pictures of the dashboard in docs/pictures anew, with Chromium: ``python -m docs.take_pictures``.

A server of its own serves the sample corpus; its searches and chats are spread over a day for the charts.
"""

import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from io import BytesIO
from pathlib import Path

import httpx
from PIL import Image
from playwright.sync_api import Page
from tests.acceptance.server_process import run_cli, start_server
from tests.clients.browser import open_browser
from tests.dashboard.looks import HANDBOOK
from tests.patience import until

PICTURES = Path(__file__).parent / "pictures"
ACCOUNT, NAME = "demo", "handbook"
QUESTION = "the station stopped reporting after I moved it to the shed, what should I check?"
QUESTIONS = [
    QUESTION, "how do I change the battery", "rain gauge shows zero", "what does E-21 mean", "wifi keeps dropping",
    "reset to factory settings", "how long does the warranty last", "which pole for the wind sensor",
    "export my data as CSV", "firmware update fails", "refund policy for opera tickets", "batteries in cold weather",
]  # fmt: skip
SEARCHES = 240
WIDTH, HEIGHTS = 1280, {"create": 1450, "playground": 1660, "settings": 1100, "metrics": 1440, "lab": 1420}
HOME = f"/dashboard/instances/default/{NAME}"
QUALITY = 82


def main() -> None:
    """Every picture, each named as its file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        token = run_cli("token", "create", "--name", "pictures", "--quiet", data_dir=folder)
        run_cli("index", NAME, str(HANDBOOK), "--account", ACCOUNT, data_dir=folder)
        served(folder, token, fill)
        spread(folder / "catalog.sqlite")
        served(folder, token, take)


def served(folder: Path, token: str, work: Callable[[httpx.Client, str, str], None]) -> None:
    """Do that beside a server."""
    server = start_server(folder)
    base = f"{server.url}/client/v4/accounts/{ACCOUNT}/ai-search"
    try:
        with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=120) as api:
            work(api, server.url, token)
    finally:
        server.stop()


def fill(api: httpx.Client, url: str, token: str) -> None:
    """A query log, thumbs and a run of the Lab."""
    turns = random.Random(7)
    api.put(
        f"/instances/{NAME}", json={"reranking": True, "query_log": {"enabled": True}, "cache": True}
    ).raise_for_status()
    for _ in range(SEARCHES):
        question = turns.choices(QUESTIONS, range(len(QUESTIONS), 0, -1))[0]
        if turns.random() < 0.2:
            body: Mapping[str, object] = {"messages": [{"role": "user", "content": question}]}
            api.post(f"/instances/{NAME}/chat/completions", json=body).raise_for_status()
        else:
            api.post(f"/instances/{NAME}/search", json={"query": question}).raise_for_status()
    run = {"query_set": "headings", "limit": 200, "arms": [{"window": 20}, {}, {"weight": 0.5}]}
    api.post(f"/instances/{NAME}/lab/runs", json=run).raise_for_status()
    until(lambda: api.get(f"/instances/{NAME}/lab/runs").json()["result"][0]["state"] != "running")


def spread(catalog: Path) -> None:
    """The log's times over the last day."""
    turns, now = random.Random(7), int(time.time() * 1000)
    with closing(sqlite3.connect(catalog)) as database, database:
        rows = [row for (row,) in database.execute("SELECT number FROM query_log")]
        database.executemany(
            "UPDATE query_log SET at = ? WHERE number = ?", [(now - turns.randrange(86_400_000), row) for row in rows]
        )


def take(api: httpx.Client, url: str, token: str) -> None:
    """The pictures."""
    with open_browser() as browser:
        context = browser.new_context(base_url=url, viewport={"width": WIDTH, "height": 900})
        session = {"token": token, "account": ACCOUNT}
        context.add_init_script(f"sessionStorage.setItem('secondlook.session', JSON.stringify({session}))")
        page = context.new_page()
        for name, show in {
            "create": show_create, "playground": show_playground, "settings": f"{HOME}/settings/reranking",
            "metrics": f"{HOME}/metrics", "lab": f"{HOME}/lab",
        }.items():  # fmt: skip
            if isinstance(show, str):
                page.goto(show)
            else:
                show(page)
            page.wait_for_load_state("networkidle")
            keep(page, name)
        context.close()


def show_create(page: Page) -> None:
    """Retrieval configuration with reranking on."""
    page.goto("/dashboard/create")
    page.get_by_label("Name").fill("handbook-2")
    for _ in range(3):
        page.get_by_role("button", name="Next").click()
    page.get_by_role("switch", name="Rerank results").click()


def show_playground(page: Page) -> None:
    """A search with what reranking moved."""
    page.goto(f"{HOME}/playground")
    page.get_by_role("searchbox", name="Query").fill(QUESTION)
    page.keyboard.press("Enter")
    page.get_by_text("reranking ran").wait_for()


def keep(page: Page, name: str) -> None:
    """A picture of the page's upper part."""
    page.mouse.move(0, 0)
    until(lambda: page.evaluate("document.fonts.status === 'loaded'"))
    shot = Image.open(BytesIO(page.screenshot(full_page=True)))
    shot = shot.crop((0, 0, shot.width, min(shot.height, HEIGHTS[name])))
    shot.convert("RGB").save(PICTURES / f"{name}.webp", quality=QUALITY, method=6)


if __name__ == "__main__":
    main()
