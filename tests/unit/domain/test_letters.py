"""Ligatures are spelled out, and what nobody sees is gone."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.letters import ODD, as_typed


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("speciﬁcation", "specification"),
        ("oﬃce ﬂoor aﬀair eﬄuent", "office floor affair effluent"),
        ("ﬆone, ﬅop", "stone, stop"),
        ("ĳs, Ĳ, Ǆ, ǉ", "ijs, IJ, DŽ, lj"),
        ("ſaddle", "saddle"),
        ("ﬓ", "մն"),
        ("ﻼ ﺍﻟ", "لا ال"),
        ("speci\u00adfi\u00adcation", "specification"),
        ("sp\u200be\u2060c\ufeffi\u200cf\u200di\u200ecation\u202c", "specification"),
    ],
)
def test_spelled_out(text: str, typed: str) -> None:
    assert as_typed(text) == typed


@pytest.mark.parametrize(
    "text",
    [
        "x² ½ ① ｗｉｄｅ ™ Ω",
        "می\u200cخواهم",
        "क्\u200dष",
        "👩\u200d💻",
        "ภาษา\u200bไทย",
        "Ä e\u0301 naïve",
        "ﷺ",
        "plain",
    ],
)
def test_what_says_more_than_its_letters_stays(text: str) -> None:
    assert as_typed(text) == text


@given(st.text())
def test_nothing_odd_is_left_and_the_rest_is_kept(text: str) -> None:
    once = as_typed(text)
    assert as_typed(once) == once
    assert [one for one in ODD.findall(once) if unicodedata.category(one) != "Cf"] == []
    if not ODD.search(text):
        assert once == text
