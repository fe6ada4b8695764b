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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(
            ("what must I do", other)
            for other in [
                "What must  I do?", "what must i DO", "“What, must I do!”", "ｗｈａｔ must I do", "¿what must I do…",
                "what\tmust I do ? !", "'what' \"must\" «I» `do`", "what\u00a0must I do.", "what mu\u00adst I do",
            ]
        ),
        ("install a C++ compiler", "Install a ‘C++’ compiler?"),
        ("at −15 degrees", "at -15 degrees!"),
        ("I don’t know", "I don't know"),
        ("冬天灯油冻结怎么办", "冬天灯油冻结怎么办？"),
        ("冬天，灯油", "冬天灯油"),
    ],
)  # fmt: skip
def test_case_quotes_spaces_and_widths_do_not_count(one: str, other: str) -> None:
    assert fingerprint(other, "s").buckets == fingerprint(one, "s").buckets


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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("install a C++ compiler", "install a C# compiler"),
        ("install a C compiler", "install a C++ compiler"),
        ("at -15 degrees", "at 15 degrees"),
        ("what is 5 + 3", "what is 5 * 3"),
        ("what is 5 + 3", "what is 5 3"),
        ("a > b", "a < b"),
        ("what does .NET cost", "what does NET cost"),
        ("update to 1.10", "update to 110"),
        ("update to 1.10", "update to 1 10"),
        ("a discount of 10 %", "a discount of 10 $"),
        ("what does @property do", "what does #property do"),
        ("open /etc/hosts", "open etc hosts"),
        ("the rating ★★", "the rating ★★★"),
        ("what does 👍 mean", "what does 👎 mean"),
        ("what does f(x) return", "what does f[x] return"),
        ("在-15度", "在15度"),
    ],
)
def test_signs_keep_questions_apart(one: str, other: str) -> None:
    assert not meet(fingerprint(one, "s"), fingerprint(other, "s"))


@pytest.mark.parametrize(("one", "other"), [("राम की किताब", "राम का किताब"), ("ما معنى عِلم", "ما معنى عَلَم")])
def test_marks_are_parts_of_words(one: str, other: str) -> None:
    assert alike(one, other) < LEAST["exact"]


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
