"""Sources through the wizard with their sync in sight, and a list of many items that stays small on the page."""

import asyncio
import json
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import insert

from secondlook.domain.instance import Item
from secondlook.stores.catalog import SqlCatalog
from secondlook.stores.schema import items
from tests.acceptance.server_process import ServerProcess, run_cli, start_server
from tests.dashboard.conftest import ACCOUNT, Asked, log_in, open_page
from tests.s3_server import serve_s3
from tests.web_site import WebSite, serve_site

pytestmark = [pytest.mark.server, pytest.mark.node, pytest.mark.browser]

MANY = int(os.environ.get("SECONDLOOK_TEST_ITEMS", "1000"))
FILES = 6
SLOW = 90_000


@pytest.fixture(scope="module")
def site() -> Iterator[WebSite]:
    with serve_site() as made:
        for number in range(FILES):
            made.html(f"/p{number}", f"<main><h1>Page {number}</h1><p>The lamp of page {number} burns oil.</p></main>")
        made.sitemap(*(f"/p{number}" for number in range(FILES)))
        yield made


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("large")


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """The address of an object store with a bucket."""
    with serve_s3() as running:
        running.make_bucket("papers")
        for number in range(FILES):
            running.put("papers", f"docs/{number}.md", f"# Paper {number}\n\nOil of grade {number}.".encode())
        running.put("papers", "other/no.md", b"Not wanted.")
        yield running.url


@pytest.fixture(scope="module")
def token(data: Path) -> str:
    return run_cli("token", "create", "--name", "tests", "--quiet", data_dir=data)


@pytest.fixture(scope="module")
def reading(
    built: ModuleType, data: Path, token: str, store: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ServerProcess, Path]]:
    """A server that may read a folder, the object store and this machine's sites."""
    root = tmp_path_factory.mktemp("folders")
    running = start_server(
        data,
        SECONDLOOK_FOLDER_ROOTS=str(root),
        SECONDLOOK_S3_ENDPOINT=store,
        SECONDLOOK_S3_REGION="us-east-1",
        SECONDLOOK_S3_ACCESS_KEY="key",
        SECONDLOOK_S3_SECRET_KEY="secret",
        SECONDLOOK_FETCH_ALLOW="127.0.0.1",
        SECONDLOOK_SYNC_COOLDOWN="0",
    )
    yield running, root
    running.stop()


@pytest.fixture
def here(browser: Browser, reading: tuple[ServerProcess, Path], token: str, asked: Asked) -> Iterator[Page]:
    context = browser.new_context(base_url=reading[0].url, viewport={"width": 1280, "height": 860})
    errors: list[str] = []
    page = open_page(context, asked, errors)
    log_in(page, token)
    yield page
    context.close()
    assert errors == []


def begin(page: Page, name: str, kind: str) -> None:
    """The wizard as far as the form of the source."""
    page.get_by_role("link", name="Create instance").first.click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("radio", name=re.compile(f"^{kind}")).check(force=True)  # its label covers it


def finish(page: Page, name: str, number: int) -> None:
    """The rest of the wizard, then the sync under Jobs, to its end."""
    for _ in range(3):
        page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", name=f"{name} is ready")).to_be_visible()
    page.get_by_role("button", name="Overview").click()
    page.get_by_role("link", name="Jobs").click()
    log = page.get_by_role("log")
    expect(log).to_be_visible()
    expect(page.get_by_text("completed").first).to_be_visible(timeout=SLOW)
    expect(log).to_contain_text(str(number))
    page.get_by_role("link", name="Items").click()
    expect(page.get_by_text(f"{number} items", exact=True)).to_be_visible(timeout=SLOW)


def test_a_folder(here: Page, reading: tuple[ServerProcess, Path]) -> None:
    folder = reading[1] / "handbook"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number}.md").write_text(f"# File {number}\n\nLamp {number} burns oil.")
    (folder / "draft.md").write_text("Not wanted.")
    begin(here, "by-folder", "Folder")
    here.get_by_label("Folder", exact=True).last.fill(str(folder))
    here.get_by_label("Exclude").fill("draft.md")
    finish(here, "by-folder", FILES)


def test_a_bucket(here: Page) -> None:
    begin(here, "by-bucket", "Bucket")
    here.get_by_label("Bucket", exact=True).last.fill("papers")
    here.get_by_label("Prefix").fill("docs/")
    finish(here, "by-bucket", FILES)


def test_credentials_are_entered_and_tested_in_the_wizard(
    here: Page, reading: tuple[ServerProcess, Path], data: Path
) -> None:
    begin(here, "by-keys", "Bucket")
    here.get_by_label("Bucket", exact=True).last.fill("no-such-bucket")
    here.get_by_role("button", name="Test connection").click()
    expect(here.get_by_text("Could not read the source")).to_be_visible()
    here.get_by_label("Bucket", exact=True).last.fill("papers")
    here.get_by_role("button", name="Test connection").click()
    expect(here.get_by_text(re.compile("The first keys are docs/0.md"))).to_be_visible()
    here.get_by_role("button", name="Add credentials").click()
    dialog = here.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Name").fill("papers of the archive")
    dialog.get_by_label("Access key ID").fill("key")
    expect(dialog.get_by_role("button", name="Test connection")).to_be_disabled()
    dialog.get_by_label("Secret access key").fill("a-secret-to-keep")
    dialog.get_by_role("button", name="Test connection").click()
    expect(dialog.get_by_text("Connected")).to_be_visible()
    dialog.get_by_role("button", name="Save").click()
    expect(here.get_by_label("Credentials", exact=True)).to_contain_text("papers of the archive")
    finish(here, "by-keys", FILES + 1)
    here.get_by_role("link", name="Settings").click()
    here.get_by_role("link", name="Sources").click()
    expect(here.get_by_label("Credentials", exact=True)).to_contain_text("papers of the archive")
    assert "a-secret-to-keep" not in here.content()
    assert b"a-secret-to-keep" not in (data / "catalog.sqlite").read_bytes()


def test_a_website(here: Page, site: WebSite) -> None:
    begin(here, "by-site", "Website")
    here.get_by_label("Website address").fill(site.url)
    finish(here, "by-site", FILES)


def test_a_folder_that_may_not_be_read_says_so(here: Page) -> None:
    begin(here, "by-secret", "Folder")
    here.get_by_label("Folder", exact=True).last.fill("/etc")
    for _ in range(3):
        here.get_by_role("button", name="Next").click()
    here.get_by_role("button", name="Create", exact=True).click()
    expect(here.get_by_role("alert")).to_contain_text("Correct 1 field above.")
    expect(here.get_by_label("Folder", exact=True).last).to_have_accessible_description(re.compile("/etc"))
    expect(here).to_have_url(re.compile("/create/source$"))


def make_items(data: Path, uid: str) -> None:
    """Straight into the catalogue, as indexing would leave them."""
    rows = [
        {**asdict(Item(f"{number:024x}", uid, f"part/{number:06}.md", "completed", "0" * 32, 1000 + number)),
         "metadata": json.dumps({}), "chunks_count": 1, "created_at": number, "last_seen_at": number}
        for number in range(MANY)
    ]  # fmt: skip

    async def write() -> None:
        catalog = SqlCatalog(f"sqlite+aiosqlite:///{data / 'catalog.sqlite'}")
        try:
            await catalog.open()
            await catalog.database.write(*(insert(items).values(rows[at : at + 500]) for at in range(0, MANY, 500)))
        finally:
            await catalog.close()

    with ThreadPoolExecutor(1) as other:  # an event loop runs in this one, that of the browser
        other.submit(asyncio.run, write()).result()


SCROLL = """async () => {
  const box = document.querySelector('[role=region][aria-label=Items]');
  const frames = [];
  let before = performance.now(), most = 0;
  for (let at = 0; at <= 60; at++) {
    box.scrollTop = (box.scrollHeight * at) / 60;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    frames.push(now - before);
    before = now;
    most = Math.max(most, box.querySelectorAll('[role=row]').length);
  }
  frames.sort((one, other) => one - other);
  return {median: frames[30], p95: frames[57], rows: most};
}"""


def test_a_long_list_stays_small(here: Page, reading: tuple[ServerProcess, Path], token: str, data: Path) -> None:
    base = f"{reading[0].url}/client/v4/accounts/{ACCOUNT}/ai-search/instances"
    made = httpx.post(base, json={"id": "crowded"}, headers={"Authorization": f"Bearer {token}"}).json()["result"]
    make_items(data, made["vectorize_name"])
    here.goto("/dashboard/instances/default/crowded/items")
    expect(here.get_by_text(f"{MANY:,} items", exact=True)).to_be_visible()
    told = here.evaluate(SCROLL)
    assert told["rows"] < 60, told
    expect(here.get_by_text("part/000000.md")).to_be_visible()
    here.get_by_label("Search items by key").fill(f"{MANY - 1:06}")
    expect(here.get_by_text("1 item", exact=True)).to_be_visible()
    expect(here.get_by_text(f"part/{MANY - 1:06}.md")).to_be_visible()
