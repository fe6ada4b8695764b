"""Boosts lift by value or presence, and scores stay in range."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.candidate import Ranking
from secondlook.domain.chunk import MetadataValue
from secondlook.domain.options import Boost, Boosting, Direction
from secondlook.stages.boost import boost_candidates
from tests.unit.stages.conftest import ids, make_ranking


def with_field(scores: list[float], values: list[MetadataValue | None]) -> Ranking:
    ranking = make_ranking(scores)
    return ranking.kept(
        replace(one, chunk=replace(one.chunk, metadata={} if value is None else {"n": value}))
        for one, value in zip(ranking.candidates, values, strict=True)
    )


@pytest.mark.parametrize(
    ("direction", "order"),
    [
        ("asc", ["c0", "c1", "c2", "c3"]),
        ("desc", ["c2", "c1", "c0", "c3"]),
        ("exists", ["c0", "c1", "c2", "c3"]),
        ("not_exists", ["c3", "c0", "c1", "c2"]),
    ],
)
def test_directions(direction: Direction, order: list[str]) -> None:
    ranking = with_field([0.5] * 4, [1, 2, 3, None])
    assert ids(boost_candidates(ranking, Boosting((Boost("n", direction),)))) == order


def test_a_field_that_tells_nothing_apart_lifts_nothing() -> None:
    for values in ([2, 2], [None, None], ["x", "y"]):
        found = boost_candidates(with_field([0.5, 0.4], list(values)), Boosting((Boost("n"),)))
        assert [one.evidence.boost for one in found.candidates] == [0.0, 0.0]


@given(st.lists(st.tuples(st.floats(0, 1), st.none() | st.integers(-5, 5)), max_size=8), st.floats(0, 1))
def test_laws(rows: list[tuple[float, int | None]], weight: float) -> None:
    ranking = with_field([score for score, _ in rows], [value for _, value in rows])
    found = boost_candidates(ranking, Boosting((Boost("n"), Boost("n", "exists")), weight))
    assert sorted(ids(found)) == sorted(ids(ranking))
    assert all(0 <= one.score <= 1 + 1e-9 for one in found.candidates)
