"""A query is rewritten, or stays as it was."""

from secondlook.domain.candidate import Ranking
from secondlook.domain.options import Rewriting
from secondlook.domain.query import Message, Query
from secondlook.errors import GeneratorError
from secondlook.models.extractive import ExtractiveGenerator
from secondlook.models.fakes import FakeGenerator
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
