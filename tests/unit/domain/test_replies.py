"""What a model was asked for is found in what it wrote around it."""

import pytest

from secondlook.domain.replies import plain_reply, without_thoughts


@pytest.mark.parametrize(
    "said",
    [
        "lamp oil",
        "  lamp\n oil ",
        "<think>They ask about the lamp.</think> lamp oil",
        "<think>\n</think>\n\nlamp oil",
        "<thinking>one</thinking><reasoning>two</reasoning>lamp oil",
        'They ask about "lamps".</think>lamp oil',
        "lamp oil <think>is that it?",
        "```\nlamp oil\n```",
        "```text\nlamp oil\n```\n",
        "```lamp oil```",
        "Here is the query:\n```\nlamp oil\n```\nI hope that helps.",
        "Here is the rewritten query:\n\nlamp oil",
        "Search query: lamp oil",
        "**Rewritten query:** lamp oil",
        "Query： lamp oil",
        "“lamp oil”",
        "‘lamp oil’",
        "«lamp oil»",
        "„lamp oil“",
        "`lamp oil`",
        "**lamp oil**",
        "1. “lamp oil”",
        "- lamp oil",
        'Query: "lamp oil"',
        '{"query": "lamp oil"}',
        '<think>x</think>```json\n{"search_query": "lamp oil"}\n```',
    ],
)
def test_only_what_was_asked_for_is_left(said: str) -> None:
    assert plain_reply(said) == "lamp oil"


@pytest.mark.parametrize(
    "said",
    [
        "what does “oil” mean",
        '"lamp" and "oil"',
        "error: no oil",
        "C++ -15 #7",
        "{oil: 1}",
        "what is *args in Python",
        "a < b > c",
        "what's oil?",
    ],
)
def test_what_belongs_to_it_stays(said: str) -> None:
    assert plain_reply(said) == said


@pytest.mark.parametrize("said", ["", "<think>hm", "<think>hm</think>", "``````", '""'])
def test_nothing_is_nothing(said: str) -> None:
    assert plain_reply(said) == ""


def test_without_thoughts() -> None:
    assert without_thoughts("<think>a 3?</think>\nGrade: 2\n") == "Grade: 2"
