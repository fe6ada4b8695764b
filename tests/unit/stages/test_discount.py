"""Echoes of the query lose score, everything else keeps it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.candidate import Ranking
from secondlook.stages.discount import discount_echoes
from tests.unit.stages.conftest import ids, make_ranking

QUESTION = "How do I trim the wick?"
ANSWER = "Cut it straight with scissors."


def with_texts(scores: list[float], texts: list[str]) -> Ranking:
    ranking = make_ranking(scores, query=QUESTION)
    return ranking.kept(
        replace(one, chunk=replace(one.chunk, text=text)) for one, text in zip(ranking.candidates, texts, strict=True)
    )


def test_an_echo_loses_its_share() -> None:
    found = discount_echoes(with_texts([0.9, 0.6], [QUESTION, ANSWER]), 0.8)
    assert ids(found) == ["c1", "c0"]
    answer, echo = found.candidates
    assert (answer.score, answer.evidence.echo_discount) == (0.6, None)
    assert (round(echo.score, 9), echo.evidence.echo_discount) == (0.18, 0.8)
    assert (found.trace[-1].stage, found.trace[-1].note) == ("discount", "1 passage repeated the query")


def test_a_negative_score_does_not_rise() -> None:
    found = discount_echoes(with_texts([-0.1, -0.15], [QUESTION, ANSWER]), 0.8)
    assert ids(found) == ["c1", "c0"]


def test_without_echoes_nothing_changes() -> None:
    ranking = with_texts([0.6, 0.6], [ANSWER, "Let it soak."])
    found = discount_echoes(ranking, 0.8)
    assert found.candidates == ranking.candidates
    assert found.trace[-1].note == ""


@given(
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from([QUESTION, ANSWER, "the wick"])), max_size=8), st.floats(0, 1)
)
def test_laws(rows: list[tuple[float, str]], most: float) -> None:
    ranking = with_texts([score for score, _ in rows], [text for _, text in rows])
    found = discount_echoes(ranking, most)
    assert sorted(ids(found)) == sorted(ids(ranking))
    before = {one.chunk.id: one.score for one in ranking.candidates}
    assert all(one.score <= before[one.chunk.id] for one in found.candidates)
