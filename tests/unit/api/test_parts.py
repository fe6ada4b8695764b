"""Images and files of messages are bounded one by one; everything else keeps its own bound."""

import json
from typing import Any

import pytest

from secondlook.api.parts import KEPT, find_long, parse_parts

LONG = "A" * 5000


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def body(*parts: dict[str, Any], **more: object) -> bytes:
    return json.dumps({"messages": [{"role": "user", "content": list(parts)}], **more}).encode()


def test_the_content_of_images_and_files_is_left_out_and_not_counted() -> None:
    file = {"type": "file", "file": {"filename": "a.txt", "file_data": LONG}}
    found = parse_parts(body(image(LONG), file, {"type": "text", "text": "hi"}), 1000)
    shown = found["messages"][0]["content"]
    assert shown[0]["image_url"]["url"] == shown[1]["file"]["file_data"] == "A" * KEPT + "…"
    assert shown[2]["text"] == "hi"


def test_other_long_texts_come_back_whole_and_count() -> None:
    text = 'caf\u00e9 "quoted" \\ ' * 100
    sent = body(image(LONG), {"type": "text", "text": text}, **{text: text})
    assert parse_parts(sent, 12_000)[text] == text
    assert parse_parts(sent, 12_000)["messages"][0]["content"][1]["text"] == text
    with pytest.raises(ValueError, match="besides images and files"):
        parse_parts(sent, 6000)
    with pytest.raises(ValueError, match="besides images and files"):
        parse_parts(json.dumps({"image_url": {"url": LONG}}).encode(), 1000)


def test_a_part_that_is_too_large() -> None:
    with pytest.raises(ValueError, match=r"image_url\.url has 20,971,521 characters; the limit is 20,971,520"):
        parse_parts(body(image("A" * 20_971_521)), 1000)
    slashes = body(image("/" * 20_971_520)).replace(b"/", b"\\/")
    assert parse_parts(slashes, 1000)["messages"][0]["content"][0]["type"] == "image_url"


@pytest.mark.parametrize("end", [b'"', b'\\"' + b"B" * 2000 + b'"', b"\\" * 3000 + b'"', b""])
def test_ends_of_strings(end: bytes) -> None:
    content = b'["' + b"A" * 2000 + end + b"]"
    spans = list(find_long(content))
    assert spans == ([(1, len(content) - 1)] if end else [])


def test_too_many_quotation_marks() -> None:
    with pytest.raises(ValueError, match="quotation marks"):
        list(find_long(b'"' + b'\\"' * 300_000))
