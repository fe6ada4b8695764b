"""Texts and queries become terms that meet, whatever the language."""

import re
import unicodedata
from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from secondlook.domain.analysers import Term, analyse, find_terms
from secondlook.domain.instance import Analyser

ALL: tuple[Analyser, ...] = get_args(Analyser)
ANALYSERS = st.sampled_from(ALL)
SIZES = st.sampled_from([2, 3])
WORDS = "Häuser l'huile don't İstanbul ランプの油 灯油结冰怎么办 서울에서 लड़कियों Ёлка qu'il ß _a_ ①½ ﾗﾝﾌﾟ".split()
TEXTS = st.text(max_size=30) | st.lists(st.sampled_from(WORDS)).map(" ".join)


def asked(text: str, analyser: Analyser, size: int = 2) -> list[str]:
    """The query's terms; a prefix ends with a star."""
    return [term.text + "*" * term.prefix for term in find_terms(text, analyser, size)]


@pytest.mark.parametrize("analyser", ALL)
def test_every_language_is_there(analyser: Analyser) -> None:
    assert analyse("Lamp 油 12", analyser, 2).split()[1:] == ["油", "12"]


@pytest.mark.parametrize(
    ("analyser", "one", "other"),
    [
        ("german", "Die Häuser", "die HAEUSER"),
        ("german", "Straße", "strasse"),
        ("german", "Schlüssel", "Schlusseln"),
        ("french", "l'huile gelée", "l’huiles gelées"),
        ("french", "Élèves", "eleve"),
        ("spanish", "corazones", "corazon"),
        ("italian", "dell'olio", "dell olio"),
        ("russian", "Ёлки и лампы", "елка и лампа"),
        ("turkish", "ISPARTA kitaplarımız", "ısparta kitap"),
        ("hindi", "लड़कियों", "लड़की"),
        ("greek", "Λάμπες", "λαμπα"),
        ("english", "the Gateway's lamps", "the gateway lamp"),
        ("cjk", "ﾗﾝﾌﾟ", "ランプ"),
        ("cjk", "Ｌａｍｐｓ", "lamp"),
        ("simple", "co\u00adoperation Ünder", "cooperation under"),
    ],
)
def test_forms_of_a_word_are_one_term(analyser: Analyser, one: str, other: str) -> None:
    assert analyse(one, analyser, 2) == analyse(other, analyser, 2) != ""


def test_words_of_other_languages_stay_as_they_are() -> None:
    assert analyse("лампы lamps", "german", 2) == "лампы lamps"
    assert analyse("Lampen lamps", "simple", 2) == "lampen lamps"
    assert analyse("лампы lamps", "russian", 2) == "ламп lamps"


def test_runs_become_stretches_that_begin_at_every_letter() -> None:
    assert analyse("東京都 Lamps", "cjk", 2) == "東京 京都 都 lamp"
    assert analyse("東京都", "cjk", 3) == "東京都 京都 都"
    assert analyse("B級品", "german", 2) == "b 級品 品"


def test_a_query_asks_for_whole_stretches_and_for_short_runs_as_prefixes() -> None:
    assert asked("東京都", "cjk") == ["東京", "京都"]
    assert asked("都", "cjk") == ["都*"]
    assert asked("東京", "cjk", 3) == ["東京*"]
    assert asked("東京都", "cjk", 3) == ["東京都"]


@pytest.mark.parametrize(
    ("analyser", "query", "terms"),
    [
        ("german", "Wie wechsle ich die Batterie?", ["wechsl", "batteri"]),
        ("german", "für über", ["fur", "uber"]),
        ("french", "Qu'est-ce que l'huile de la lampe ?", ["huil", "lamp"]),
        ("russian", "Как заменить масло в лампе?", ["замен", "масл", "ламп"]),
        ("english", "How do I reset the reset_button?", ["reset", "button"]),
        ("simple", "to be or not to be", ["to", "be", "or", "not"]),
        ("cjk", "ランプの油を替える", ["ラン", "ンプ", "油*", "替え", "える"]),
        ("cjk", "冬天灯油结冰怎么办", ["冬天", "天灯", "灯油", "油结", "结冰"]),
        ("cjk", "怎么办", ["怎么", "么办"]),
        ("cjk", "how do lamps work ですか", ["lamp", "work"]),
        ("cjk", "서울에서 기름", ["서울", "울에", "기름"]),
        ("german", "?!", []),
    ],
)
def test_function_words_are_left_out_unless_there_are_no_others(
    analyser: Analyser, query: str, terms: list[str]
) -> None:
    assert asked(query, analyser) == terms


@pytest.mark.parametrize(("query", "terms"), [("5'9", ["5", "9"]), ("'90s", ["90s"]), ("l'90", ["90"])])
def test_digits_at_an_apostrophe_are_asked_for(query: str, terms: list[str]) -> None:
    assert asked(query, "german") == terms
    assert set(terms) <= set(analyse(query, "german", 2).split())


def test_what_is_too_long_is_no_word() -> None:
    assert analyse("Lampen" * 20, "german", 2) == "lampen" * 20


def held(term: Term, terms: list[str]) -> bool:
    return any(one.startswith(term.text) if term.prefix else one == term.text for one in terms)


@example("0A'0", "english", 2)
@example("A'00'0", "english", 2)
@example("0\xadA'0", "english", 2)
@example("_'A", "french", 2)
@example("A'İ", "turkish", 2)
@example("¸A'0", "german", 2)
@example("¨´A", "arabic", 2)
@example("¸'⼀", "arabic", 2)
@given(TEXTS, ANALYSERS, SIZES)
def test_a_text_holds_what_it_asks_for(text: str, analyser: Analyser, size: int) -> None:
    terms = analyse(text, analyser, size).split(" ")
    assert [term for term in find_terms(text, analyser, size) if not held(term, terms)] == []


@given(st.text("東京都灯油ランプの한국", min_size=1, max_size=12), st.data(), SIZES)
def test_a_run_holds_every_part_of_itself(run: str, data: st.DataObject, size: int) -> None:
    start = data.draw(st.integers(0, len(run) - 1))
    part = run[start : data.draw(st.integers(start + 1, len(run)))]
    found = find_terms(part, "cjk", size)
    assert found
    assert all(held(term, analyse(run, "cjk", size).split(" ")) for term in found)


@given(TEXTS, ANALYSERS, SIZES)
def test_terms_hold_nothing_that_parts_words(text: str, analyser: Analyser, size: int) -> None:
    terms = analyse(text, analyser, size)
    assert not re.search(r"[\0-\x1f!-/:-@\[-`{-\x7f]", terms)
    assert "  " not in terms and terms == terms.strip()


@given(TEXTS, ANALYSERS)
def test_ways_to_write_an_accent_are_one(text: str, analyser: Analyser) -> None:
    composed, apart = unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)
    assert analyse(composed, analyser, 2) == analyse(apart, analyser, 2)
