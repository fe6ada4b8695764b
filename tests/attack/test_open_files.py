"""More connections than the process may have open files: it says so once, and serves when they end."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.acceptance.server_process import start_server
from tests.patience import until

pytestmark = [pytest.mark.attack, pytest.mark.server]
LIMIT = 96


def test_used_up_descriptors_are_one_line_and_no_end(tmp_path: Path) -> None:
    server = start_server(tmp_path, open_files=LIMIT)
    address = urlsplit(server.url)
    lines: list[socket.socket] = []
    try:
        for _ in range(2 * LIMIT):
            lines.append(socket.create_connection((address.hostname, address.port), timeout=30))
        until(lambda: [line for line in server.said if "No more files can be opened" in line])
        for line in lines:
            line.close()
        assert until(lambda: httpx.get(f"{server.url}/health", timeout=60)).status_code == 200
    finally:
        for line in lines:
            line.close()
        server.stop()
    assert len([line for line in server.said if "No more files can be opened" in line]) < 4, "one a minute"
    assert not [line for line in server.said if "Too many open files" in line], server.said
