"""Passages that only repeat the query are told from those that answer it, and from names and titles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.chunk import Chunk
from secondlook.domain.echoes import Echoes, is_sentence

QUESTION = "How do I reset the admin password?"


def find(query: str, text: str, key: str = "post.md") -> float:
    return Echoes(query).find(Chunk("c", "i", key, text))


@pytest.mark.parametrize(
    "text",
    [
        QUESTION,
        QUESTION.upper(),
        f"{QUESTION}\n{QUESTION}",
        f"Re: {QUESTION}",
        f"Hi all, {QUESTION} Thanks",
        f"# Question\n\n{QUESTION}",
        "how do I reset the admin password",
    ],
)
def test_the_question_as_people_repeat_it(text: str) -> None:
    assert find(QUESTION, text) == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "Hold the button for ten seconds.",
        f"{QUESTION} Hold the button for ten seconds, then choose a new one.",
        "The admin password is reset with the button.",
        "How do I change the language?",
        "password",
        "",
        "…",
    ],
)
def test_what_answers_or_asks_something_else(text: str) -> None:
    assert find(QUESTION, text) == 0.0


def test_titles_are_what_was_searched_for() -> None:
    assert find(QUESTION, f"# {QUESTION}") == 0.0, "the heading of a document without text"
    assert find(QUESTION, QUESTION, "faq/how-do-i-reset-the-admin-password.txt") == 0.0, "named as it reads"
    assert find(QUESTION, f"# {QUESTION}\n\n{QUESTION}") == 1.0


@pytest.mark.parametrize("name", ["Blue mooring line 12 mm", "Release notes of version 2.3", "lamp oil"])
def test_a_name_is_an_echo_only_when_it_is_said_again_and_again(name: str) -> None:
    assert find(name, name) == 0.0
    assert find(name, f"{name}. {name}. {name}.") == (1.0 if len(name.split()) > 2 else 0.0)


def test_it_rises_with_the_share_of_the_query_s_words() -> None:
    found = [
        find("how is the lamp oil kept warm", f"how is the lamp oil kept warm {more}")
        for more in ("", "now", "now and then")
    ]
    assert found[0] == 1.0 and found == sorted(found, reverse=True) and found[-1] == 0.0


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("lamp oil", False),
        ("Blue mooring line 12 mm", False),
        ("lamp oil?", True),
        ("how warm", True),
        ("Wie warm", True),
        ("my lamp is broken", True),
        ("灯油怎么办", True),
        ("灯油等级", False),
        ("", False),
    ],
)
def test_sentences_and_names(query: str, sentence: bool) -> None:
    assert is_sentence(query) is sentence


@given(st.text(max_size=60), st.text(max_size=60))
def test_it_is_a_share_of_any_texts(query: str, text: str) -> None:
    assert 0.0 <= find(query, text) <= 1.0
