"""Whatever one caller sends, and wherever to, ``/health`` waits for at most 50 ms of the server's processor time."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.attack.server import BASE, Attacked

pytestmark = [pytest.mark.server, pytest.mark.attack]

MOST = 0.05
"""Seconds."""
MIB = 1 << 20
HERE = {"account": "acc", "namespace": "default", "name": "handbook", "model": "@cf/baai/bge-reranker-base"}


def wrapped(inner: bytes) -> bytes:
    """An object of the keys that the routes read, so that validation reads on."""
    return b'{"query":"oil","messages":[{"role":"user","content":"oil"}],"x":' + inner + b"}"


BODIES: Mapping[str, bytes] = {
    "arrays": wrapped(b"[" + b"[]," * (MIB // 3 - 50) + b"[]]"),
    "many small arrays": wrapped(b"[" + b"[]," * 9_000 + b"[]]"),
    "deep": b"[" * MIB,
    "deep objects": b'{"a":' * (MIB // 5),
    "keys": b"{" + b",".join(b'"k%d":1' % number for number in range(80_000)) + b"}",
    "unknown keys": b"{" + b",".join(b'"querz%d":1' % number for number in range(9_000)) + b"}",
    "long key": b'{"' + b"q" * (MIB - 100) + b'":1}',
    "numbers": wrapped(b"[" + b"1.5," * (MIB // 4 - 50) + b"1]"),
    "a long number": wrapped(b"1" * (MIB - 200)),
    "escapes": wrapped(b'"' + b"\\n" * (MIB // 2 - 100) + b'"'),
    "surrogates": wrapped(b'"' + b"\\ud83d\\ude00" * (MIB // 12 - 100) + b'"'),
    "half a surrogate": wrapped(b'"' + b"\\ud83d\\n" * (MIB // 8 - 100) + b'"'),
    "quotes": wrapped(b'"' + b'\\"' * (MIB // 2 - 100) + b'"'),
    "strings": b"[" + b'"",' * (MIB // 3 - 50) + b'""]',
    "wrong messages": b'{"query":"oil","messages":[' + b"1," * 9_000 + b"1]}",
    "empty messages": b'{"messages":[' + b"{}," * 9_000 + b"{}]}",
    "a long message": b'{"messages":[{"role":"user","content":"' + b"oil " * (MIB // 4 - 100) + b'"}]}',
    "many messages": b'{"messages":['
    + b'{"role":"user","content":"oil"},' * 3_000
    + b'{"role":"user","content":"a"}]}',
    "a filter of many keys": b'{"query":"oil","filters":{' + b",".join(b'"k%d":1' % n for n in range(9_000)) + b"}}",
    "a filter of many values": json.dumps({"query": "oil", "filters": {"folder": {"$in": ["x"] * 9_000}}}).encode(),
    "documents": json.dumps({"query": "oil", "documents": [{"text": "", "a": 1}] * 6_000}).encode(),
    "too much": b'{"query":"' + b"x" * (9 * MIB) + b'"}',
    "no JSON": b"\xff" * MIB,
}


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    found = Attacked(tmp_path_factory.mktemp("attacked"), SECONDLOOK_MAX_NAMESPACES="1")
    yield found
    found.stop()


def routes(attacked: Attacked) -> list[tuple[str, str]]:
    """Method and path of every operation with a body, below ``/client/v4`` where it is there."""
    paths = attacked.client.get("/openapi.json").json()["paths"]
    found = []
    for path, operations in paths.items():
        twin = f"/client/v4{path}"
        for method in ("post", "put", "patch"):
            if method in operations and twin not in paths:
                here = path.format_map({**HERE, "label": attacked.label} | dict.fromkeys(_names(path), "none"))
                found.append((method.upper(), here))
    return found


def _names(path: str) -> list[str]:
    known = {*HERE, "label"}
    return [one.partition("}")[0] for one in path.split("{")[1:] if one.partition("}")[0] not in known]


def test_health_behind_every_body_on_every_route(attacked: Attacked) -> None:
    paths = routes(attacked)
    assert len(paths) > 30
    kinds = list(BODIES.items())
    json_type = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    slow: dict[str, float] = {}
    for place, (method, path) in enumerate(paths):
        searches = path.endswith(("/search", "/chat/completions", "/ai-search", "/mcp", "rerank", "/why"))
        chosen = kinds[place % 3 :: 3] if searches else kinds[place % 6 :: 6]
        for name, body in chosen:

            def attack(method: str = method, path: str = path, name: str = name, body: bytes = body) -> None:
                status = attacked.client.request(method, path, content=body, headers=json_type).status_code
                assert status < 500 or status == 503, (path, name, status)

            if (worst := attacked.worst(attack, MOST)) > MOST:
                slow[f"{name} at {path}"] = round(worst, 3)
    assert not slow, str(slow)


def test_health_behind_uploads(attacked: Attacked) -> None:
    forms: dict[str, dict[str, Any]] = {
        "metadata of many values": {"files": {"file": ("a.md", b"x")}, "data": {"metadata": "[" + "[]," * 3 * MIB}},
        "metadata of many keys": {
            "files": {"file": ("a.md", b"x")},
            "data": {"metadata": json.dumps({f"k{number}": 1 for number in range(100_000)})},
        },
        "a long name": {"files": {"file": ("a" * MIB + ".md", b"x")}},
        "no form": {"content": b"-" * 8 * MIB, "headers": {"content-type": "multipart/form-data; boundary=x"}},
        "many line ends": {
            "content": b"--x\r\n" * MIB,
            "headers": {"content-type": "multipart/form-data; boundary=x"},
        },
        "a long header": {
            "content": b"--x\r\nContent-Disposition: form-data; filename*=" + b"=?" * MIB,
            "headers": {"content-type": "multipart/form-data; boundary=x"},
        },
    }
    slow = {}
    for name, form in forms.items():

        def attack(name: str = name, form: dict[str, Any] = form) -> None:
            status = attacked.client.post(f"{BASE}/handbook/items", **form).status_code
            assert 400 <= status < 500, (name, status)

        if (worst := attacked.worst(attack, MOST)) > MOST:
            slow[name] = round(worst, 3)
    assert not slow, str(slow)


def test_a_body_beyond_the_limit_is_refused_and_images_are_not_counted(attacked: Attacked) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * (5 * MIB)}}
    turns = [
        {"role": "user", "content": [image]},
        {"role": "assistant", "content": "a picture"},
        {"role": "user", "content": "lamp oil"},
    ]
    found = attacked.client.post(f"{BASE}/handbook/search", json={"messages": turns})
    assert [one["item"]["key"] for one in found.json()["result"]["chunks"]] == ["oil.md"]
    image["image_url"] = {"url": "A" * 20_971_521}
    refused = attacked.client.post(f"{BASE}/handbook/search", json={"messages": turns})
    assert (refused.status_code, "20,971,520" in refused.text) == (400, True)
    long = {"query": "lamp oil", "note": "x" * MIB}
    refused = attacked.client.post(f"{BASE}/handbook/search", json=long)
    assert (refused.status_code, "1,048,576" in refused.text) == (400, True)
    turns[1] = {"role": "assistant", "content": "x" * MIB}
    image["image_url"] = {"url": "A" * MIB}
    assert attacked.client.post(f"{BASE}/handbook/search", json={"messages": turns}).status_code == 400
    public = attacked.client.post(f"/public/{attacked.label}/search", json={"messages": [turns[0], turns[2]]})
    assert public.status_code == 400
