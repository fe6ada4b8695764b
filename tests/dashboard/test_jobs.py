"""A sync is watched as it goes on: by the server's events, without asking again, and over a broken connection."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.server_process import ServerProcess, run_cli, start_server
from tests.dashboard.conftest import ACCOUNT, SHOTS, Asked, open_page

pytestmark = [pytest.mark.server, pytest.mark.node, pytest.mark.browser]

FILES = 30
JOBS = "/dashboard/instances/default/watched/jobs"


@pytest.fixture
def watched(built: ModuleType, tmp_path: Path) -> Iterator[tuple[ServerProcess, str, httpx.Client]]:
    """A server of its own, which a test may kill, with an instance whose first sync runs."""
    pages, data = tmp_path / "pages", tmp_path / "data"
    pages.mkdir()
    for number in range(FILES):
        (pages / f"page{number}.md").write_text(f"# Page {number}\n\n" + f"Lamp oil of grade {number}. " * 200)
    (pages / "bad.pdf").write_bytes(b"no document")
    secret = run_cli("token", "create", "--name", "tests", "--quiet", data_dir=data)
    server = start_server(data, SECONDLOOK_FOLDER_ROOTS=str(pages), SECONDLOOK_SYNC_COOLDOWN="0")
    base = f"{server.url}/client/v4/accounts/{ACCOUNT}/ai-search"
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {secret}"}, timeout=60) as client:
        settings = {"id": "watched", "type": "folder", "source": str(pages)}
        client.post("/instances", json=settings).raise_for_status()
        yield server, secret, client
    server.stop()


def enter(browser: Browser, server: ServerProcess, secret: str, asked: Asked) -> tuple[Page, list[str]]:
    """The page of the jobs, and the paths that it asks for."""
    context = browser.new_context(base_url=server.url, viewport={"width": 1280, "height": 860})
    session = {"token": secret, "account": ACCOUNT}
    context.add_init_script(f"sessionStorage.setItem('secondlook.session', JSON.stringify({session}))")
    page = open_page(context, asked, [])
    paths: list[str] = []
    page.on("request", lambda one: paths.append(urlsplit(one.url).path))
    page.goto(JOBS)
    return page, paths


def test_the_log_comes_by_itself(
    browser: Browser, watched: tuple[ServerProcess, str, httpx.Client], asked: Asked
) -> None:
    server, secret, client = watched
    page, paths = enter(browser, server, secret, asked)
    log = page.get_by_role("log", name="Lines of the job")
    expect(page.get_by_role("meter", name="Indexed")).to_be_visible()
    page.screenshot(path=SHOTS / "jobs-running.png")
    expect(log.get_by_text("bad.pdf").first).to_be_visible()
    expect(page.get_by_role("button").filter(has_text="completed")).to_be_visible(timeout=120_000)
    expect(page.get_by_role("meter", name="Indexed")).to_have_count(0)
    [job] = client.get("/instances/watched/jobs").json()["result"]
    lines = client.get(f"/instances/watched/jobs/{job['id']}/logs", params={"per_page": 100}).json()["result"]
    expect(log.locator("> div")).to_have_count(len(lines))
    assert sum(path.endswith("/events") for path in paths) == 1, "one connection"
    assert not [path for path in paths if path.endswith("/logs") or path.endswith(f"/jobs/{job['id']}")]
    page.screenshot(path=SHOTS / "jobs-ended.png")
    page.context.close()


def test_a_broken_connection_is_told(
    browser: Browser, watched: tuple[ServerProcess, str, httpx.Client], asked: Asked
) -> None:
    server, secret, _ = watched
    page, paths = enter(browser, server, secret, asked)
    expect(page.get_by_role("meter", name="Indexed")).to_be_visible()
    server.kill()
    expect(page.get_by_text("Connection lost")).to_be_visible()
    before = sum(path.endswith("/events") for path in paths)
    page.wait_for_timeout(2500)
    assert sum(path.endswith("/events") for path in paths) > before, "it is tried again"
    page.screenshot(path=SHOTS / "jobs-broken.png")
    page.context.close()
