"""Headers are bounded, and a client that sends or reads too slowly loses its connection; others do not notice."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack.server import BASE, Attacked

pytestmark = [pytest.mark.server, pytest.mark.attack]

KIB = 1 << 10
LONGEST = 30.0
"""Seconds that a test waits for the end of a connection."""


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    limits = {f"SECONDLOOK_{name}_SECONDS": "1" for name in ("HEADER", "IDLE")} | {"SECONDLOOK_BODY_SECONDS": "2"}
    found = Attacked(tmp_path_factory.mktemp("attacked"), **limits)
    yield found
    found.stop()


def line_to(attacked: Attacked) -> socket.socket:
    return socket.create_connection((attacked.host, attacked.port), timeout=LONGEST)


def rest(line: socket.socket) -> bytes:
    """What comes until the server closes the connection."""
    found = b""
    try:
        while piece := line.recv(64 * KIB):
            found += piece
    except ConnectionResetError:
        pass
    return found


def sent(attacked: Attacked, *pieces: bytes) -> bytes:
    """The answer to these bytes, up to the end of the connection."""
    with line_to(attacked) as line:
        try:
            for piece in pieces:
                line.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return rest(line)


LARGE = {
    "a long header": [b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * (100 * KIB) + b"\r\n\r\n"],
    "a header without end": [b"GET /health HTTP/1.1\r\nX: ", *[b"a" * (64 * KIB)] * 40],
    "a long name": [b"GET /health HTTP/1.1\r\n" + b"a" * (100 * KIB)],
    "a long address": [b"GET /" + b"a" * (100 * KIB) + b" HTTP/1.1\r\nHost: x\r\n\r\n"],
    "an address without end": [b"GET /", *[b"a" * (64 * KIB)] * 40],
    "many headers": [b"GET /health HTTP/1.1\r\n" + b"A: b\r\n" * 400 + b"\r\n"],
    "headers in two requests": [
        b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" + b"GET /health HTTP/1.1\r\nX: " + b"a" * (100 * KIB) + b"\r\n\r\n"
    ],
    "trailers": [
        b"POST /sign-in HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        *[b"X: " + b"a" * 1000 + b"\r\n"] * 100,
    ],
}


@pytest.mark.parametrize("name", LARGE)
def test_large_headers(attacked: Attacked, name: str) -> None:
    answer = sent(attacked, *LARGE[name])
    assert b"HTTP/1.1 431 " in answer or (name in ("trailers", "an address without end") and b" 200 " not in answer)


@pytest.mark.parametrize("size", [1, 60 * KIB])
def test_usual_headers(attacked: Attacked, size: int) -> None:
    answer = attacked.client.get("/health", headers={"X-Long": "a" * size})
    assert answer.json()["status"] == "ok"


SLOW = {
    "nothing": (b"", b""),
    "half a request line": (b"GET /hea", b"408"),
    "half of the headers": (b"GET /health HTTP/1.1\r\nHost: x\r\n", b"408"),
    "half of a body": (b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", b"408"),
    "half of a chunk": (b"POST /sign-in HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{", b"408"),
    "half of the next request": (b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /hea", b"408"),
    "nothing after an answer": (b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", b"200"),
}


@pytest.mark.parametrize("name", SLOW)
def test_silent_clients(attacked: Attacked, name: str) -> None:
    begun, status = SLOW[name]
    answer = sent(attacked, begun)
    assert status in answer if status else answer == b""
    assert not [line for line in attacked.process.said if "Traceback" in line]


def test_a_body_that_trickles(attacked: Attacked) -> None:
    with line_to(attacked) as line:
        line.sendall(b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
        line.settimeout(0.3)
        answer = b""
        for _ in range(100):
            try:
                line.sendall(b"{")
                answer = line.recv(KIB)
                break
            except TimeoutError:
                continue
            except OSError:
                break
        assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_client_that_does_not_read(attacked: Attacked) -> None:
    wide = "x" * (3 << 20)
    assert attacked.put("wide.md", wide).status_code == 200
    items = attacked.client.get(f"{BASE}/handbook/items", params={"key": "wide.md"}).json()["result"]
    path = f"{BASE}/handbook/items/{items[0]['id']}/download"
    ask = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {attacked.token}\r\n\r\n".encode()
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.settimeout(LONGEST)
        line.connect((attacked.host, attacked.port))
        line.sendall(ask)
        ended = attacked.client.get(path)  # whoever reads gets all of it
        assert len(ended.content) == len(wide)
        for _ in range(200):
            if _unread(attacked, line.getsockname()[1]) == 0:
                break
            attacked.client.get("/health")
        else:
            pytest.fail("the connection is still open")
        assert len(rest(line)) < len(wide)


def _unread(attacked: Attacked, port: int) -> int:
    """How many connections the server has with that port."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    here, there = f":{attacked.port:04X}", f":{port:04X}"
    return sum(
        one.split()[1].endswith(here) and one.split()[2].endswith(there) for one in lines if one.split()[3] == "01"
    )
