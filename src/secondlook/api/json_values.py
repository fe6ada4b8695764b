"""JSON that strangers send: how many values it may have, how deep it may be, and what of it can be stored."""

import json
import math
import re
from typing import Any

DEEPEST = 100
"""Levels of a JSON value; deeper ones could be read but not written again."""
MOST_VALUES = 10_000
"""Values of a body, those in others counted too: each costs time in every check after parsing."""
MOST_ESCAPES = 4_000_000
"""Escapes of a body: twice what 8 MiB of a script beyond ASCII take."""
STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def parse_json(text: str | bytes, most_values: int = MOST_VALUES) -> Any:
    """The value, which can be stored and written again.

    Raises:
        ValueError: it is no JSON, holds NaN, Infinity or a number beyond a float, half a
            surrogate pair, more than ``DEEPEST`` levels, or more than ``most_values`` values.
    """
    content = text.encode() if isinstance(text, str) else text.removeprefix(b"\xef\xbb\xbf")
    check_size(content, most_values)
    try:
        raw = json.loads(content.decode(), parse_constant=_refuse, parse_float=_finite)
    except RecursionError as error:
        raise ValueError(f"it has more than {DEEPEST} levels") from error
    broken = SURROGATE.search(content) is not None
    if broken or content.count(b"[") + content.count(b"{") > DEEPEST:
        _check_values(raw, texts=broken)
    return raw


def check_size(content: bytes, most_values: int) -> None:
    """Raises ``ValueError`` for more values or escapes than allowed, before anything is made of them."""
    if content.count(b"\\") > MOST_ESCAPES:
        raise ValueError(f"it has more than {MOST_ESCAPES:,} escapes")
    count = _separators(content)  # at least as many as values: those within strings are counted too
    if count >= most_values:
        count = 0
        end = 0
        for found in STRING.finditer(content):
            count += _separators(content[end : found.start()])
            end = found.end()
            if count >= most_values:
                break
        count += _separators(content[end:]) if count < most_values else 0
    if count >= most_values:
        raise ValueError(f"it has more than {most_values:,} values")


def _separators(content: bytes) -> int:
    """A value is the whole, the first of an array or object, or comes after a comma."""
    return content.count(b",") + content.count(b"[") + content.count(b"{")


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:40]} is too large a number")
    return number


def _check_values(raw: object, *, texts: bool) -> None:
    level = [raw]
    for _ in range(DEEPEST):
        inner: list[object] = []
        for one in level:
            if isinstance(one, dict):
                inner.extend(one.values())
                inner.extend(one if texts else ())
            elif isinstance(one, list):
                inner.extend(one)
            elif texts and isinstance(one, str):
                one.encode()  # half a surrogate pair is no text: nothing could store it
        if not inner:
            return
        level = inner
    raise ValueError(f"it has more than {DEEPEST} levels")
