"""A query is rewritten, or stays as it was."""

from collections.abc import AsyncIterator

from secondlook.domain.candidate import Ranking
from secondlook.domain.options import Rewriting
from secondlook.domain.query import Message, Query
from secondlook.errors import GeneratorError
from secondlook.models.extractive import ExtractiveGenerator
from secondlook.models.fakes import FakeGenerator
from secondlook.ports import Delta, Prompt
from secondlook.stages.rewrite import rewrite_query
from tests.unit.stages.conftest import run

QUERY = Query("and in winter?", (Message("user", "lamp oil"), Message("user", "and in winter?")))


def test_the_rewritten_query_is_searched() -> None:
    found = run(rewrite_query(Ranking(QUERY), Rewriting(), FakeGenerator(answer="lamp oil in winter")))
    assert found.query.text.strip() == "lamp oil in winter"
    assert found.trace[-1].stage == "rewrite"


def test_a_failure_leaves_the_query() -> None:
    for generator in (FakeGenerator(error=GeneratorError("down")), FakeGenerator(answer=" ")):
        found = run(rewrite_query(Ranking(QUERY), Rewriting(), generator))
        assert found.query.text == QUERY.text


def test_without_a_language_model_the_query_stays() -> None:
    found = run(rewrite_query(Ranking(QUERY), Rewriting(), ExtractiveGenerator()))
    assert found.query.text == QUERY.text
    assert "fell back" in found.trace[-1].note


def test_the_first_message_stays_as_it_is() -> None:
    broken = FakeGenerator(error=GeneratorError("asked all the same"))
    query = Query("lamp oil", (Message("system", "be brief"), Message("user", "lamp oil")))
    found = run(rewrite_query(Ranking(query), Rewriting(), broken))
    assert found.query == query
    assert "first message" in found.trace[-1].note


def test_the_system_prompt_is_for_the_answer() -> None:
    class Listening(FakeGenerator):
        heard: tuple[Message, ...] = ()

        async def stream(self, prompt: Prompt) -> AsyncIterator[Delta]:
            self.heard = prompt.messages
            yield Delta("lamp oil in winter")

    generator = Listening()
    query = Query(QUERY.text, (Message("system", "be a pirate"), *QUERY.messages))
    assert run(rewrite_query(Ranking(query), Rewriting(prompt="p"), generator)).query.text == "lamp oil in winter"
    assert generator.heard == (Message("system", "p"), *QUERY.messages)
