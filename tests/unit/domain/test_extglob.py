"""Groups in globs match what micromatch matches, and none of them takes long."""

import json
import time
from pathlib import Path

import pytest

from secondlook.domain.extglob import depth_of, is_extended, read_segment
from secondlook.domain.globs import matches_glob

TOLD = json.loads((Path(__file__).parent / "micromatch.json").read_text(encoding="utf-8"))
"""What ``micromatch.isMatch(key, pattern, {dot: true})`` of that version says of each key."""


@pytest.mark.parametrize("pattern", TOLD["matching"])
def test_matches_what_micromatch_matches(pattern: str) -> None:
    assert [key for key in TOLD["keys"] if matches_glob(key, pattern)] == TOLD["matching"][pattern]


@pytest.mark.parametrize(
    ("segment", "text", "matches"),
    [
        ("*(a|+(b))c", "abbac", True),
        ("*([!a])b", "cdb", True),
        ("*([!a])b", "cab", False),
        ("!(?)", "a", False),
        ("!(?)", "ab", True),  # at the end of a pattern the whole is denied
        ("+(", "+(", True),
        ("a+(b", "a+(b", True),
        ("!()x", "x", False),
        ("a@(b)", "ab", True),
        ("@(a[)]b)", "a)b", True),
        ("[+](", "+(", True),
    ],
)
def test_segments(segment: str, text: str, matches: bool) -> None:
    assert read_segment(segment, last=True).match(text) is matches


def test_depth() -> None:
    assert [depth_of(one) for one in ("", "a", "@(a)", "@(a|!(b))x+(c)", ")))((")] == [0, 0, 1, 2, 2]


def test_what_is_extended() -> None:
    assert all(is_extended(one) for one in ("!(a)", "x*(a", "a?(b)c"))
    assert not any(is_extended(one) for one in ("a(b)", "*", "!a", "(a)+"))


@pytest.mark.parametrize(
    ("pattern", "key"),
    [
        ("+(a|aa|aaa)" * 8 + "b", "a" * 400),
        ("*(*(*(a)))" + "b", "a" * 1000),
        ("!(!(!(a*)))" * 3 + "b", "a" * 200),
        ("+(+(+(a)))" * 10 + "b", "a" * 300),
        ("!(*a*)" * 20 + "b", "ab" * 100 + "a"),
        ("!(*!(*!(*!(*!(*!(*x|*)|*)|*)|*)|*)|*)", "a" * 1000),
        ("!(!(!(!(!(!(a*b)*c)*d)*e)*f)*g)h", "a" * 1000),
    ],
)
def test_no_group_takes_long(pattern: str, key: str) -> None:
    begun = time.process_time()
    assert not matches_glob(key, pattern)
    assert time.process_time() - begun < 2.0
