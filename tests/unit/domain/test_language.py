"""The language of a query is named when the text gives clear signs, and not guessed otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.language import NAMES, UNKNOWN, WORDS, detect_language

QUERIES = {
    "en": "what to do when the lamp oil freezes",
    "de": "was tun, wenn das Lampenöl in der Nacht gefriert",
    "fr": "comment réchauffer le réservoir d'huile",
    "es": "qué hacer cuando se congela el aceite",
    "it": "cosa fare quando l'olio si congela",
    "pt": "o que fazer quando o óleo congela",
    "nl": "wat te doen als de olie bevriest",
    "pl": "co zrobić kiedy olej jest zimny",
    "ru": "что делать если масло замёрзло",
    "uk": "що робити якщо олія замерзла",
    "ar": "ماذا أفعل في الشتاء",
    "hi": "तेल जमने पर क्या करें",
    "el": "τι να κάνω τον χειμώνα",
    "ja": "灯油が凍結したらどうする",
    "ko": "등유가 얼면 어떻게 하나요",
    "zh": "灯油冻结了怎么办",
}


@pytest.mark.parametrize(("code", "text"), QUERIES.items())
def test_a_clear_query(code: str, text: str) -> None:
    assert detect_language(text) == code
    assert detect_language(text.upper()) == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "42",
        "lamp oil",
        "error E-42",
        "die hard battery",
        "Ölstand",
        "東京",
        "бурово масло",
        "จุดเทียน",
        "چراغ در",
        "Bonjour",
    ],
)
def test_an_unclear_query_is_unknown(text: str) -> None:
    assert detect_language(text) == UNKNOWN


@given(st.text(max_size=40))
def test_whatever_is_asked_the_answer_is_a_name_or_unknown(text: str) -> None:
    assert detect_language(text) in {UNKNOWN, *NAMES}


def test_every_query_of_the_table_has_a_name() -> None:
    assert set(QUERIES) == set(NAMES) >= set(WORDS)
