"""The server tells its port once it answers, and stops when it is told to."""

import os
import signal
import threading
from pathlib import Path

import httpx

from secondlook.bootstrap import Runtime
from secondlook.server import serve
from secondlook.services.bundle import Services
from secondlook.settings import Settings
from tests.unit.services.conftest import House


def test_it_answers_once_it_says_so(tmp_path: Path) -> None:
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

    runtime = Runtime(
        Services(house.access, house.instances, house.indexing, house.searching, house.reranking, house.explaining),
        house.tools,
        house.engine,
    )
    before = signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        house.run(serve(runtime, Settings(port=0), on_ready=ready))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert [answer.status_code for answer in answers] == [200, 200, 401]
    house.close()
