"""The server tells its port once it answers, and stops when it is told to."""

import gc
import logging
import os
import signal
import threading
from pathlib import Path

import httpx
import pytest

from secondlook.bootstrap import Runtime
from secondlook.errors import SetupError
from secondlook.server import browser_url, close, greeting, listen, serve, spare_the_collector, url_of
from secondlook.settings import Settings
from tests.unit.services.conftest import House


@pytest.mark.parametrize(("level", "told"), [("warning", []), ("info", ["INFO"])])
def test_it_answers_once_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: str, told: list[str]
) -> None:
    levels: list[str] = []
    monkeypatch.setattr(logging, "basicConfig", lambda *, level, format: levels.append(level))
    house = House(tmp_path)
    _, secret = house.run(house.access.create("test"))
    answers: list[httpx.Response] = []

    def ask(port: int) -> None:
        try:
            url = f"http://127.0.0.1:{port}"
            answers.append(httpx.get(f"{url}/health", timeout=20))
            for token in (secret, "wrong"):
                headers = {"Authorization": f"Bearer {token}"}
                answers.append(httpx.get(f"{url}/accounts/a/ai-search/instances", headers=headers, timeout=20))
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    def ready(port: int) -> None:
        threading.Thread(target=ask, args=(port,)).start()

    runtime = Runtime(house.services, house.tools, house.engine, house.stores)
    before = signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        house.run(serve(runtime, Settings(port=0, log_level=level), on_ready=ready))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert [answer.status_code for answer in answers] == [200, 200, 401]
    assert levels == told
    house.close()


def test_a_port_is_had_at_once_and_once() -> None:
    first = listen(Settings(port=0))
    port = first[0].getsockname()[1]
    with pytest.raises(SetupError, match=rf"port {port} on 127\.0\.0\.1 is already in use.*--port"):
        listen(Settings(port=port))
    close(first)
    close(listen(Settings(port=port)))


def test_all_addresses_of_a_name_have_the_same_port() -> None:
    opened = listen(Settings(host="localhost", port=0))
    assert len({one.getsockname()[1] for one in opened}) == 1
    close(opened)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("no-such-host.invalid", "is unknown"),
        ("a" * 70, "is unknown"),
        ("192.0.2.1", "this machine has no such address.*--host"),
    ],
)
def test_hosts_that_are_not_here(host: str, words: str) -> None:
    with pytest.raises(SetupError, match=words):
        listen(Settings(host=host, port=0))


def test_addresses_as_a_client_writes_them() -> None:
    assert url_of("127.0.0.1", 80) == "http://127.0.0.1:80"
    assert url_of("::1", 80) == "http://[::1]:80"


def test_the_greeting_has_a_link_that_a_browser_can_open() -> None:
    assert greeting("::", 8787, "CODE").splitlines() == [
        "Dashboard: http://[::1]:8787/dashboard/",
        "Sign in (works once, within 10 minutes): http://[::1]:8787/dashboard/#sign-in=CODE",
        "Listening on http://[::]:8787",
        "Press Ctrl-C to stop",
    ]
    assert browser_url("0.0.0.0", 80) == "http://127.0.0.1:80"
    assert browser_url("search.example", 80) == "http://search.example:80"


def test_collections_pass_over_what_exists_when_the_server_starts() -> None:
    kept = [[number] for number in range(1000)]
    spare_the_collector()
    try:
        assert gc.get_freeze_count() > len(kept)
        assert all(one is not kept for one in gc.get_objects())
    finally:
        gc.unfreeze()
