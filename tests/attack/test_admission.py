"""More than the server does at once is refused with 429 and when to come again; a slow filter stops nobody else."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.attack.server import BASE, Attacked

pytestmark = [pytest.mark.server, pytest.mark.attack]

SEARCHES = 4
CLIENTS = 24
WORDS = " ".join(f"word{number}" for number in range(40))


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    limits = {"SECONDLOOK_MAX_SEARCHES": str(SEARCHES), "SECONDLOOK_MAX_WRITES": "2", "SECONDLOOK_MAX_TRANSFERS": "2"}
    found = Attacked(tmp_path_factory.mktemp("attacked"), **limits)
    yield found
    found.stop()


def ask(attacked: Attacked, method: str, path: str, times: int = 40, **more: object) -> list[httpx.Response]:
    with httpx.Client(base_url=attacked.url, headers=attacked.client.headers, timeout=60) as client:
        return [client.request(method, path, **more) for _ in range(times)]  # type: ignore[arg-type]


@pytest.mark.parametrize("way", ["search", "change", "upload"])
def test_too_much_at_once_is_refused(attacked: Attacked, way: str) -> None:
    work = {
        "search": ("POST", f"{BASE}/handbook/search", {"json": {"query": WORDS}}),
        "change": ("PUT", f"{BASE}/handbook", {"json": {"description": "x"}}),
        "upload": ("POST", f"{BASE}/handbook/items", {"files": {"file": ("b.md", b"oil")}}),
    }
    method, path, more = work[way]
    with ThreadPoolExecutor(CLIENTS) as pool:
        tasks = [pool.submit(ask, attacked, method, path, 10, **more) for _ in range(CLIENTS)]
        answers = [one for task in tasks for one in task.result()]
    statuses = {one.status_code for one in answers}
    assert statuses == {200, 429}
    for one in answers:
        if one.status_code == 429:
            assert int(one.headers["retry-after"]) >= 1
            assert one.json()["errors"][0]["code"] == 2003
    assert attacked.client.request(method, path, **more).status_code == 200  # type: ignore[arg-type]


def test_slow_filters_leave_room_for_plain_searches(attacked: Attacked) -> None:
    values = {"folder": {"$nin": [f"folder{number}" for number in range(1000)]}}
    slow = {"query": WORDS, "ai_search_options": {"retrieval": {"filters": values}}}
    with ThreadPoolExecutor(CLIENTS) as pool:
        tasks = [pool.submit(ask, attacked, "POST", f"{BASE}/handbook/search", 10, json=slow) for _ in range(CLIENTS)]
        plain = ask(attacked, "POST", f"/public/{attacked.label}/search", 10, json={"query": "oil", "messages": None})
        answers = [one for task in tasks for one in task.result()]
    assert {one.status_code for one in plain} == {200}
    assert {one.status_code for one in answers} <= {200, 429}


def test_callers_who_hang_up_leave_no_work_behind(attacked: Attacked) -> None:
    body = json.dumps({"query": WORDS}).encode()
    head = f"POST {BASE}/handbook/search HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {attacked.token}\r\n"
    for _ in range(50):
        with socket.create_connection((attacked.host, attacked.port)) as line:
            line.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert attacked.client.post(f"{BASE}/handbook/search", json={"query": "oil"}).status_code in (200, 429)
    assert not [line for line in attacked.process.said if "Traceback" in line]
