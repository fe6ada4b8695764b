"""The built pages, as a browser gets them."""

import gzip
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from secondlook.dashboard.routes import make_router, takes_gzip

SCRIPT = b"console.log('here')\n" * 100


@pytest.fixture
def browser(tmp_path: Path) -> TestClient:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_bytes(b"<!doctype html><p>page")
    (tmp_path / "assets" / "index-a1.js").write_bytes(SCRIPT)
    (tmp_path / "assets" / "index-a1.js.gz").write_bytes(gzip.compress(SCRIPT))
    return served(tmp_path)


def served(folder: Path) -> TestClient:
    app = FastAPI()
    app.include_router(make_router(folder))
    return TestClient(app, follow_redirects=False)


def test_the_root_leads_to_the_dashboard(browser: TestClient) -> None:
    for path in ("/", "/dashboard"):
        assert browser.get(path).headers["location"] == "/dashboard/"


def test_every_path_below_is_the_page(browser: TestClient) -> None:
    for path in ("", "index.html", "login", "instances/default/docs/settings"):
        found = browser.get(f"/dashboard/{path}")
        assert (found.status_code, found.text) == (200, "<!doctype html><p>page")
        assert found.headers["cache-control"] == "no-cache"
        assert found.headers["content-type"].startswith("text/html")
        policy = found.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
    assert browser.get("/elsewhere").status_code == 404


def test_hashed_files_are_kept_and_sent_packed(browser: TestClient) -> None:
    found = browser.get("/dashboard/assets/index-a1.js", headers={"Accept-Encoding": "br, gzip"})
    assert found.content == SCRIPT
    assert found.headers["content-encoding"] == "gzip"
    assert int(found.headers["content-length"]) < len(SCRIPT)
    assert "immutable" in found.headers["cache-control"]
    plain = browser.get("/dashboard/assets/index-a1.js", headers={"Accept-Encoding": "identity"})
    assert plain.content == SCRIPT
    assert "content-encoding" not in plain.headers


def test_what_the_browser_has_is_not_sent_again(browser: TestClient) -> None:
    tag = browser.get("/dashboard/").headers["etag"]
    again = browser.get("/dashboard/", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert browser.get("/dashboard/", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("path", ["assets/gone-b2.js", "assets/../../routes.py", "assets/%2e%2e/%2e%2e/routes.py"])
def test_no_other_file_is_reached(browser: TestClient, path: str) -> None:
    assert "make_router" not in browser.get(f"/dashboard/{path}").text
    assert browser.get("/dashboard/assets/gone-b2.js").status_code == 404


def test_without_pages_it_says_what_to_do(tmp_path: Path) -> None:
    found = served(tmp_path / "none").get("/dashboard/any")
    assert found.status_code == 503
    assert "make ui" in found.text


@pytest.mark.parametrize(
    ("header", "expected"),
    [("gzip", True), ("br, gzip;q=0.5", True), ("*", True), ("gzip;q=0", False), ("gzip; q=0.0", False), ("br", False)],
)
def test_who_takes_gzip(header: str, expected: bool) -> None:
    assert takes_gzip(header) == expected
