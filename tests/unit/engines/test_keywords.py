"""Words become a query that holds no operator."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.engines.keywords import (
    K1,
    LEAST_IDF,
    attain_bm25,
    find_phrases,
    holds_short,
    make_match,
    quote_term,
    split_terms,
)
from secondlook.ports import IndexShape


@pytest.mark.parametrize(
    ("asked", "terms"),
    [
        ("what's the reservoir temperature", ["reservoir", "temperature"]),
        ("What’s the reservoir's temperature?", ["reservoir", "temperature"]),
        ("why don't they've oil", ["oil"]),
        ("why won`t the lamp light", ["lamp", "light"]),
        ("we're out of oil, aren't we", ["out", "oil"]),
        ("who'd they'll I'm you've shouldn't", ["who", "they", "i", "you"]),
        ("l'huile de la lampe", ["huile", "de", "la", "lampe"]),
        ("dell'olio jusqu'à", ["olio"]),
        ("O'Brien's lamp", ["brien", "lamp"]),
        ("five o'clock", ["five", "clock"]),
        ("a 5'10 ladder", ["5", "10", "ladder"]),
    ],
)
def test_what_an_apostrophe_ties_to_a_word_is_not_asked_for(asked: str, terms: list[str]) -> None:
    assert split_terms(asked, "porter") == terms


@pytest.mark.parametrize("text", ["x" * 100_000, "x'" * 50_000, "a-" * 50_000, "(" * 100_000 + "a"])
def test_long_words_are_split_in_linear_time(text: str) -> None:
    """In quadratic time each would take minutes, and the test would end by its time limit."""
    assert all(split_terms(text, one) for one in ("porter", "trigram"))


@pytest.mark.parametrize(
    ("asked", "terms"),
    [
        ("E-17", ["e-17"]),
        ("oil E-17?", ["oil", "e-17"]),
        ("(C++), C# and .NET 8", ["c++", "c#", ".net", "8"]),
        ("v1.10 of the AI", ["v1.10", "ai"]),
        ("oil/lamp snake_case", ["oil", "lamp", "snake", "case"]),
        ("what's AB-1234", ["ab-1234"]),
        ("+49 30 1234", ["+49", "30", "1234"]),
        ("“5 %” of it - now", ["5", "now"]),
        ("100% @mail #7", ["100%", "@mail", "#7"]),
        ("%", ["%"]),
        ("it's", ["it"]),
        ("?!", []),
    ],
)
def test_codes_and_short_terms_of_a_trigram_index(asked: str, terms: list[str]) -> None:
    assert split_terms(asked, "trigram") == terms


@pytest.mark.parametrize(
    ("term", "holding", "other"),
    [
        ("ai", [" ai", "ai ", "(ai", "ai."], ["rai", "ain", "xyz", "aai"]),
        ("c", [" c ", "(c)", "-c-"], ["c++", "abc", " co", "oc "][1:]),
        ("c#", ["c# ", " c#", "xc#"], ["c++"]),
        ("油", ["油ab", "a油b"], ["abc"]),
    ],
)
def test_trigrams_that_hold_a_short_term(term: str, holding: list[str], other: list[str]) -> None:
    assert [one for one in holding if not holds_short(one, term)] == []
    assert [one for one in other if holds_short(one, term)] == []
    phrases = find_phrases(term, IndexShape(0, "trigram"), lambda asked: holding if asked == term else ())
    assert phrases == ["(" + " OR ".join(quote_term(one) for one in holding) + ")"]


def test_terms() -> None:
    assert split_terms("How do I reset the Gateway's reset_button?", "porter") == ["reset", "gateway", "button"]
    assert split_terms("to be or not to be", "porter") == ["to", "be", "or", "not"]
    assert split_terms("is it on", "trigram") == ["is", "it", "on"]
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
