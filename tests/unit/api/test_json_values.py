"""JSON of strangers is bounded before anything is made of it."""

import pytest

from secondlook.api.json_values import DEEPEST, check_size, parse_json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2.5, "x", null, true]}', {"a": [1, 2.5, "x", None, True]}),
        ('"caf\\u00e9 \\ud83d\\ude00"', "café 😀"),
        ('"a, b, [c], {d}, \\", e"', 'a, b, [c], {d}, ", e'),
        ("[" * DEEPEST + "]" * DEEPEST, None),
    ],
)
def test_values(text: str, value: object) -> None:
    found = parse_json(text)
    assert value is None or found == value
    assert parse_json(b"\xef\xbb\xbf" + text.encode()) == found


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[NaN]", "NaN"),
        ("[1e999]", "too large"),
        ('["\\ud83d"]', "surrogates"),
        ('{"\\udc00": 1}', "surrogates"),
        ("[" * 101 + "]" * 101, "levels"),
        ("[" * 5000, "levels"),
        ("1" * 5000, "4300"),
        ("[1,]", "line 1"),
    ],
)
def test_what_cannot_be_stored(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_json(text)


def test_values_are_counted_outside_of_texts() -> None:
    text = b'{"a": "' + b"x, [y], " * 100 + b'\\", [", "b": [1, {"c": [2]}]}'
    assert parse_json(text, most_values=8)["b"] == [1, {"c": [2]}]
    with pytest.raises(ValueError, match="more than 6 values"):
        parse_json(text, most_values=6)
    with pytest.raises(ValueError, match="more than 1,000 values"):
        check_size(b"[" + b"[]," * 2000 + b"]", 1000)


def test_escapes_are_counted() -> None:
    with pytest.raises(ValueError, match="escapes"):
        check_size(b"\\" * 4_000_001, 10)
