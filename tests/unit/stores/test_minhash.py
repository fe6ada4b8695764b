"""Texts in like words share buckets; numbers and negations keep them apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.answer import LEAST
from secondlook.stores.minhash import BANDS, Fingerprint, fingerprint, likeness

LONG = "what must the keeper of the lamp do in winter when the oil in the reservoir freezes before it is lit"


def alike(one: str, other: str) -> float:
    return likeness(fingerprint(one, "s").shingles, fingerprint(other, "s").shingles)


def meet(one: Fingerprint, other: Fingerprint) -> bool:
    return not set(one.buckets).isdisjoint(other.buckets)


@given(st.text(max_size=60), st.text(max_size=60))
def test_likeness_is_a_similarity(one: str, other: str) -> None:
    assert alike(one, one) == 1
    assert 0 <= alike(one, other) == alike(other, one) <= 1
    assert len(fingerprint(one, "s").buckets) == BANDS


@pytest.mark.parametrize("other", ["What must  I do?", "what must i DO", "“What, must I do!”", "ｗｈａｔ must I do"])
def test_case_marks_and_widths_do_not_count(other: str) -> None:
    assert fingerprint(other, "s").buckets == fingerprint("what must I do", "s").buckets


@pytest.mark.parametrize(
    ("one", "other", "least", "most"),
    [
        ("dog bites man", "man bites dog", 0.4, 0.8),
        (LONG, LONG.replace("lit", "lighted"), LEAST["strong"], LEAST["exact"]),
        ("how do I warm the oil", "how do I warm that oil", LEAST["loose"], LEAST["broad"]),
        ("冬天灯油冻结怎么办", "冬天灯油冻结了怎么办", LEAST["broad"], 1),
        ("fog horn", "lamp oil", 0, 0),
    ],
)
def test_how_alike(one: str, other: str, least: float, most: float) -> None:
    assert least <= alike(one, other) <= most


@pytest.mark.parametrize("words", [(LONG, LONG.replace("must", "should")), ("a b c d e f g h", "a b c d e f g i")])
def test_what_is_alike_meets(words: tuple[str, str]) -> None:
    one, other = (fingerprint(text, "s") for text in words)
    assert meet(one, other)
    assert not meet(one, fingerprint(words[0], "another scope"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"{LONG} 1001", f"{LONG} 1002"),
        (LONG, LONG.replace("must", "must not")),
        (f"why can't {LONG}", f"why can {LONG}"),
        (f"{LONG} mit", f"{LONG} ohne"),
    ],
)
def test_numbers_and_negations_keep_questions_apart(one: str, other: str) -> None:
    assert not meet(fingerprint(one, "s"), fingerprint(other, "s"))


@pytest.mark.parametrize(("share", "least", "most"), [(0.6, 57, 60), (0.2, 0, 30)])
def test_the_share_of_pairs_that_meet_follows_the_formula(share: float, least: int, most: int) -> None:
    words = [f"{one}{two}{three}x" for one in "abcdefgh" for two in "abcdefgh" for three in "abcdefgh"]
    kept = round(40 * 2 * share / (1 + share))
    met = 0
    for round_ in range(60):
        np.random.default_rng(round_).shuffle(words)
        other = words[:kept] + words[40 : 80 - kept]
        met += meet(fingerprint(" ".join(words[:40]), "s"), fingerprint(" ".join(other), "s"))
    assert least <= met <= most


def test_a_text_without_words_is_itself() -> None:
    assert alike("???", "???") == 1
    assert alike("???", "!!!") == 0
    assert alike("", "") == 1
