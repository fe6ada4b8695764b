"""Hostile bodies, parameters and paths on every operation of the OpenAPI document: none breaks the server."""

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.attack.places import DOCUMENT, fill, operations
from tests.wire.conftest import NEW, Wire

pytestmark = pytest.mark.attack

STEP = int(os.environ.get("SECONDLOOK_TEST_MATRIX", "40"))
"""Of the attacks on an operation one in so many is made, another one at each operation; 1 makes all of them."""
DEEPEST = 4
"""Levels of fields of a body that are attacked one by one."""


def nested(levels: int, inner: object) -> object:
    for _ in range(levels):
        inner = [inner]
    return inner


TEXTS: Mapping[str, str] = {
    "a NUL": "a\0b",
    "only a NUL": "\0",
    "control characters": "\x07\x1b[31m\u202e\u2028\ufffe\r\nX: y",
    "emoji": "\U0001f600" * 500,
    "combining characters": "e" + "\u0301" * 2_000,
    "nothing": "",
    "spaces": " \t\u3000",
    "a long text": "x" * 100_000,
    "many words": "a b " * 20_000,
    "a path": "../../etc/passwd",
    "a NUL in a path": "/a\0b",
    "a NUL in an address": "https://a\0b.example/\0",
    "a long path": "/" + "a/" * 3_000,
    "a pattern": "(a+)+$[%_*",
    "quotes": "'\"`;--",
    "operators": '"a" AND NOT* NEAR(b) : ^ {c}',
    "a large number": "9" * 400,
    "an address": "http://[::1",
    "a wrong domain": "xn--\u00e4.\u200b.-a-..",
    "a time": "9999999-99-99T99:99:99Z",
    "a format": "%s %n {0} ${x}",
}
VALUES: Mapping[str, object] = {
    **TEXTS,
    "zero": 0,
    "minus one": -1,
    "2**63": 2**63,
    "400 digits": 10**400,
    "a huge float": 1.7e308,
    "a tiny float": 5e-324,
    "true": True,
    "no values": [],
    "a list in lists": nested(90, "a"),
    "101 levels": nested(101, "a"),
    "a list of everything": [1, "a", None, True, {}, [], "\0"],
    "5000 texts": ["a"] * 5_000,
    "5000 objects": [{}] * 5_000,
    "no fields": {},
    "odd keys": {"": 1, "\0": 2, "__proto__": 3, "$ne": {"$in": {}}},
    "an object in objects": {"a": {"b": {"c": {"d": [None]}}}},
}
RAW: Mapping[str, bytes] = {
    "nothing": b"",
    "half an object": b'{"query":',
    "null": b"null",
    "a list": b"[{}]",
    "a text": b'"query"',
    "NaN": b'{"query":NaN}',
    "half a surrogate": b'{"query":"\\ud800"}',
    "no UTF-8": b'{"query":"\xff\xfe"}',
    "UTF-16": '{"query":"oil"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"query":"oil"}',
    "the same key twice": b'{"query":"oil","query":["oil"]}',
    "100,000 arrays": b"[" * 100_000,
    "100,000 objects": b'{"a":' * 100_000,
    "5000 digits": b'{"query":' + b"1" * 5_000 + b"}",
    "an exponent": b'{"top_k":1e999999999}',
    "a form": b"--x\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\nb\r\n--x--\r\n",
}
IN_PATH = ("%00", "a%00b", "%ff%fe", "%ED%A0%80", "..%2f..%2fetc", "%2e%2e", "x" * 5_000, "9" * 400, "%0d%0aX:y", "-1")


@dataclass(frozen=True, slots=True)
class Attack:
    """One request, and what is hostile in it."""

    what: str
    method: str
    path: str
    body: bytes | None = None


def fields(schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[str | int, ...]]:
    """The way to each field of a value: keys, and 0 for the first of a list."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if depth == DEEPEST:
        return
    for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from fields(one, schemas, depth)
    if "items" in schema:
        yield (0,)
        yield from ((0, *rest) for rest in fields(schema["items"], schemas, depth + 1))
    for name, inner in schema.get("properties", {}).items():
        yield (name,)
        yield from ((name, *rest) for rest in fields(inner, schemas, depth + 1))


def placed(base: Any, way: Sequence[str | int], value: object) -> Any:
    """The value with this one at the end of the way."""
    if not way:
        return value
    first, *rest = way
    if first == 0:
        old = base[0] if isinstance(base, list) and base else None
        return [placed(old, rest, value)]
    old = base if isinstance(base, dict) else {}
    return {**old, first: placed(old.get(first), rest, value)}


def on_body(method: str, path: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[Attack]:
    """Whole bodies that are wrong, and bodies of which one field is."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return
    for name, body in RAW.items():
        yield Attack(name, method, path, body)
    example = deepcopy(content.get("example", {}))
    for way in dict.fromkeys(fields(content["schema"], schemas)):
        for name, value in VALUES.items():
            body = json.dumps(placed(example, way, value)).encode()
            yield Attack(f"{name} at {'.'.join(map(str, way))}", method, path, body)


def on_query(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[Attack]:
    """Parameters that are wrong."""
    names = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
    for name in names:
        for what, text in TEXTS.items():
            yield Attack(f"{what} as {name}", method, f"{path}?{name}={quote(text[:5_000])}")
        for number in ("-1", "0", str(2**31), str(2**63), "1e9", "NaN", "true", "%ff", "%00"):
            yield Attack(f"{number} as {name}", method, f"{path}?{name}={number}")
        yield Attack(f"{name} twice", method, f"{path}?{name}=1&{name}=a&{name}[]=b")


def on_path(method: str, template: str, here: Mapping[str, str]) -> Iterator[Attack]:
    """Parts of the path that are wrong."""
    for name in here:
        if f"{{{name}}}" in template:
            for text in IN_PATH:
                yield Attack(f"{text[:20]} as {name}", method, template.format_map({**here, name: text}), b"{}")


def attacks(document: Mapping[str, Any], here: Mapping[str, str]) -> Iterator[Attack]:
    """Those on every operation; what is deleted is not there, so that the others find what they attack."""
    schemas = document["components"]["schemas"]
    for number, (method, template, operation) in enumerate(operations(document)):
        gone = {**here, **{name: "gone" for name in here if method == "DELETE" and name != "account"}}
        path = template.format_map(gone)
        made = [*on_path(method, template, gone), *on_query(method, path, operation)]
        yield from islice((*made, *on_body(method, path, operation, schemas)), number % STEP, None, STEP)


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    found = Wire(tmp_path)
    yield found
    found.close()


def test_no_operation_breaks(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    document = wire.get(DOCUMENT).json()
    here = fill(wire)
    broken: dict[str, str] = {}
    made = 0
    for attack in attacks(document, here):
        made += 1
        answer = wire.ask(attack.method, attack.path, content=attack.body, headers={"content-type": "application/json"})
        if why := _wrong(answer, caplog):
            broken[f"{attack.method} {attack.path[:150]}: {attack.what}"] = why
        caplog.clear()
    assert made > 15_000 / STEP
    assert not broken, "\n".join(f"{attack}\n    {why}" for attack, why in broken.items())
    assert wire.post(f"{NEW}/handbook/search", {"query": "fog horn"}).status_code == 200


def _wrong(answer: httpx.Response, caplog: pytest.LogCaptureFixture) -> str:
    """What the server should not have done; empty if nothing."""
    if trace := [one for one in caplog.records if one.exc_info and one.levelno >= logging.ERROR]:
        return f"a traceback: {trace[0].exc_info}"
    return f"{answer.status_code}: {answer.text[:300]}" if answer.status_code >= 500 else ""
