"""What a browser may do with answers, and what a request may make of the server's own address."""

from collections.abc import Iterator

import pytest

from secondlook.dashboard.routes import make_router
from tests.attack.places import DOCUMENT, fill, operations
from tests.wire.conftest import NEW, Wire

pytestmark = pytest.mark.attack

HOSTS = (
    "evil.example",
    "evil.example:80",
    "evil.example/x",
    "evil.example//other.example",
    "evil.example\\x",
    "evil.example?a=b",
    "evil.example#a",
    "evil@example",
    "[::1]",
    "[::1",
    "",
)
SLASHED = (f"{NEW}/", f"{NEW}/handbook/items/", "/health/", "/docs/", "/dashboard/x//", "//evil.example/health/")
UNKNOWN = "0123456789abcdef"
DATA = "default-src 'none'; frame-ancestors 'none'; sandbox"


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    found = Wire(tmp_path_factory.mktemp("wire"))
    found.app.include_router(make_router())
    yield found
    found.close()


@pytest.fixture(scope="module")
def here(wire: Wire) -> dict[str, str]:
    return dict(fill(wire))


def test_every_answer_is_guarded(wire: Wire, here: dict[str, str]) -> None:
    seen = set()
    for method, template, _ in operations(wire.get(DOCUMENT).json()):
        if method == "DELETE":
            continue
        answer = wire.ask(method, template.format_map(here), json={"query": "oil", "stream": True})
        told = answer.headers
        assert told["x-content-type-options"] == "nosniff", template
        assert "default-src 'none'" in told["content-security-policy"], template
        assert "frame-ancestors 'none'" in told["content-security-policy"], template
        if not template.endswith("search-snippet.es.js"):
            assert told["cache-control"] == "no-store", template
        seen.add((told.get("content-type", "").partition(";")[0], answer.is_success))
    kinds = {kind for kind, good in seen if good}
    assert kinds >= {"application/json", "text/event-stream", "text/html", "text/plain", "text/markdown"}


@pytest.mark.parametrize("path", ["/nothing", f"{NEW}/gone", "/dashboard/assets/gone.js", "/public/gone/search", "/"])
def test_refusals_and_redirects_are_guarded(wire: Wire, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        told = wire.ask("GET", path, headers=headers).headers
        assert told["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in told["content-security-policy"]
        assert told["cache-control"] in ("no-store", "no-cache")


def test_a_download_of_a_page_cannot_run(wire: Wire, here: dict[str, str]) -> None:
    item = wire.upload("page.html", "<script>alert(1)</script><p>Lamp oil.</p>").json()["result"]
    answer = wire.get(f"{NEW}/handbook/items/{item['id']}/download")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-security-policy"] == DATA
    assert (answer.headers["x-content-type-options"], answer.headers["cache-control"]) == ("nosniff", "no-store")


def test_a_report_has_its_style_and_runs_nothing(wire: Wire, here: dict[str, str]) -> None:
    answer = wire.get(f"{NEW}/handbook/lab/runs/{here['run_id']}/page")
    assert "<style>" in answer.text
    assert "<script" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "style-src 'unsafe-inline'" in policy
    assert "script-src" not in policy
    assert policy.endswith("; sandbox")


@pytest.mark.parametrize("host", HOSTS)
def test_no_redirect_leads_to_the_host_of_the_request(wire: Wire, here: dict[str, str], host: str) -> None:
    redirects = 0
    for path in SLASHED:
        answer = wire.ask("GET", f"http://wire{path}", headers={"Host": host})
        if answer.has_redirect_location:
            redirects += 1
            assert answer.headers["location"].startswith("/")
            assert not answer.headers["location"].startswith(("//", "/\\"))
        assert "evil" not in answer.headers.get("location", "")
    assert redirects >= 2


def test_a_host_that_looks_like_an_endpoint_has_the_api(wire: Wire, here: dict[str, str]) -> None:
    for host in (f"{UNKNOWN}.example.com", f"ns-{UNKNOWN}.internal:8787"):
        headers = {"Host": host}
        assert wire.ask("GET", "/health", headers=headers).json()["status"] == "ok"
        assert wire.ask("GET", f"{NEW}/handbook", headers=headers).status_code == 200
        assert wire.ask("GET", "/", headers=headers).headers["location"] == "/dashboard/"
        refused = wire.ask("POST", "/search", headers=headers, json={"query": "oil"})
        assert refused.json()["errors"][0]["code"] == 60003
    own = {"Host": f"{here['label']}.example.com"}
    assert wire.ask("GET", f"{NEW}/handbook", headers=own).status_code == 404
    assert wire.ask("POST", "/search", headers=own, json={"query": "oil"}).status_code == 200
