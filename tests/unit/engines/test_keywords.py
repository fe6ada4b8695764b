"""Words become a query that holds no operator."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.engines.keywords import K1, LEAST_IDF, attain_bm25, find_phrases, make_match, quote_term, split_terms
from secondlook.ports import IndexShape


def test_terms() -> None:
    assert split_terms("How do I reset the Gateway's reset_button?", "porter") == ["reset", "gateway's", "button"]
    assert split_terms("to be or not to be", "porter") == ["to", "be", "or", "not"]
    assert split_terms("is it on", "trigram") == []
    assert split_terms("", "porter") == []


def test_phrases_are_those_of_the_index() -> None:
    assert find_phrases("the lamps", IndexShape(4, None)) == []
    assert find_phrases("the lamps", IndexShape(0, "porter")) == ['"lamps"']
    assert find_phrases("die Lampen", IndexShape(0, "porter", "german")) == ['"lamp"']
    assert find_phrases("油 東京都", IndexShape(0, "porter", "cjk")) == ['"油"*', '"東京"', '"京都"']
    assert find_phrases("油 東京都", IndexShape(0, "trigram", "cjk")) == ['"油"*', '"東京都"']


def test_match() -> None:
    assert make_match(['"a"', '"b"*'], "and") == '"a" AND "b"*'
    assert make_match(['"a"', '"b"*'], "or") == '"a" OR "b"*'


@given(st.text(max_size=30))
def test_a_quoted_term_is_one_string(text: str) -> None:
    quoted = quote_term(text)
    assert quoted[0] == quoted[-1] == '"'
    assert quoted[1:-1].replace('""', "") == text.replace('"', "")


def test_attainable_bm25_is_every_phrase_at_saturation() -> None:
    rare = math.log(9.5 / 1.5) * (K1 + 1)
    assert attain_bm25(10, [1]) == pytest.approx(rare)
    assert attain_bm25(10, [1, 1, 8]) == pytest.approx(2 * rare + LEAST_IDF * (K1 + 1))
