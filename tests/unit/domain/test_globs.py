"""Globs mean what path filters say, and none of them takes long."""

import time

import pytest

from secondlook.domain.globs import MOST_ALTERNATIVES, check_glob, matches_glob, skip_reason

MATCHING = (
    ("*.md", "a.md"), ("**/*.md", "a.md"), ("**/*.md", "x/y/a.md"), ("docs/**", "docs/a/b"), ("docs/**", "docs"),
    ("**", "anything/at/all"), ("**/blog/**", "https://x.example/blog/2026/a"), ("a?c", "abc"), ("[a-c]x", "bx"),
    ("[!a]x", "bx"), ("[^a]x", "bx"), ("*.{md,txt}", "a.txt"), ("{a,b{1,2}}/x", "b2/x"), ("a/**/b/**/c", "a/b/x/c"),
    ("*", ".hidden"), ("a+b(c).md", "a+b(c).md"), ("*.@(md|txt)", "a.txt"), ("a?(.min).js", "a.js"),
    ("a?(.min).js", "a.min.js"), ("@(a|b)/?(x|y)z", "b/yz"), ("@(docs|{a,b})/x", "b/x"), ("@(a)", "a"),
)  # fmt: skip
OTHER = (
    ("*.md", "x/a.md"), ("*.md", "a.MD"), ("docs/*", "docs/a/b"), ("docs/**", "docsx/a"), ("**/blog/**", "myblog/a"),
    ("a?c", "a/c"), ("[!a]x", "ax"), ("*.{md,txt}", "a.html"), ("a/**/b", "a/b/c"), ("", "a"), ("a", "a/b"),
    ("*", "https://x.example/"), ("*.@(md|txt)", "a.html"), ("a?(.min).js", "a.max.js"), ("@(a|b)", "ab"),
)  # fmt: skip


@pytest.mark.parametrize(("pattern", "key"), MATCHING)
def test_matches(pattern: str, key: str) -> None:
    assert matches_glob(key, pattern)


@pytest.mark.parametrize(("pattern", "key"), OTHER)
def test_does_not_match(pattern: str, key: str) -> None:
    assert not matches_glob(key, pattern)


def test_exclusion_is_looked_at_first() -> None:
    assert skip_reason("a/x.md", ["**/*.md"], ["a/**"]) == "Skipped by rule: a/**"
    assert skip_reason("b/x.txt", ["**/*.md"], ["a/**"]) == "Skipped by Include Rules"
    assert skip_reason("b/x.md", ["**/*.md"], ["a/**"]) == ""
    assert skip_reason("b/x.md", [], []) == ""


@pytest.mark.parametrize(
    ("pattern", "key"),
    [
        ("**/a/" * 50 + "b", "a/" * 1000 + "c"),
        ("*a" * 100 + "b", "a" * 2000),
        ("{a,b}" * 100, "ab" * 100),
        ("@(a|b)" * 100, "ab" * 100),
        ("?(a|?(b|?(c)))" * 100, "abd" * 100),
        ("**/" * 300 + "x", "y/" * 1000),
    ],
)
def test_no_pattern_takes_long(pattern: str, key: str) -> None:
    begun = time.process_time()
    assert not matches_glob(key, pattern)
    assert time.process_time() - begun < 1.0


def test_what_is_longer_or_deeper_than_anyone_needs() -> None:
    check_glob("@(" * 16 + "a" + ")" * 16)
    for pattern in ("@(" * 17 + "a" + ")" * 17, "a" * 1025):
        with pytest.raises(ValueError, match="at most 1,024 characters and 16 brackets"):
            check_glob(pattern)
    deep = "@(" * 2000 + "a" + ")" * 2000
    assert not matches_glob("a", deep), "one that was kept before is no reason to fail"


def test_braces_do_not_multiply_without_end() -> None:
    assert matches_glob("a" * 6, "{a,b}" * 6)
    assert MOST_ALTERNATIVES >= 2**6
