"""Counts with their nouns."""

from secondlook.domain.wording import plural


def test_the_noun_agrees_with_the_count() -> None:
    assert [plural(count, "page") for count in (0, 1, 2, 1200)] == ["0 pages", "1 page", "2 pages", "1,200 pages"]


def test_an_irregular_plural_is_given() -> None:
    assert [plural(count, "query", "queries") for count in (1, 3)] == ["1 query", "3 queries"]
