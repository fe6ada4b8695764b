"""A query that is too long is refused; the last message of a chat is cut, and the receipt says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.candidate import Ranking
from secondlook.domain.query import Message, Query
from secondlook.errors import InvalidOptionError
from secondlook.services.query_limits import QueryLimits, told_of

FEW = QueryLimits(characters=20, terms=3)


@pytest.mark.parametrize("text", ["lamp oil", "a b c", "a, b; c!", "x" * 20, "油" * 20, "?" * 20, ""])
def test_what_fits_stays(text: str) -> None:
    query = Query(text, (Message("user", text),))
    assert FEW.fit(query) is query
    assert told_of(Ranking(query), query).receipt.query_truncated is False


@pytest.mark.parametrize(
    ("text", "cut", "told"),
    [
        ("a b c d", "a b c", "more than 3 terms"),
        ("a-b c, d e", "a-b c,", "more than 3 terms"),
        ("x" * 21, "x" * 20, "21 characters; the limit is 20"),
        ("油" * 1200, "油" * 20, "1,200 characters; the limit is 20"),
        ("word " * 200_000, "word word word", "1,000,000 characters"),
    ],
)
def test_what_does_not(text: str, cut: str, told: str) -> None:
    with pytest.raises(InvalidOptionError, match=told):
        FEW.fit(Query(text))
    turns = (Message("user", text),)
    found = FEW.fit(Query(text, turns))
    assert (found.text, found.messages, found.truncated) == (cut, turns, True)
    assert FEW.fit(found) is found
    assert told_of(Ranking(found), found).receipt.query_truncated is True


@given(st.text(max_size=60))
def test_what_was_cut_fits(text: str) -> None:
    found = FEW.fit(Query(text, (Message("user", text),)))
    assert FEW.fit(found) is found and text.startswith(found.text)
