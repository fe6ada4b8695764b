"""Context around a candidate."""

from secondlook.domain.candidate import Ranking
from secondlook.domain.query import Query
from secondlook.stages.expand import expand_candidates
from tests.unit.stages.conftest import TEXTS, Bench, ids, make_ranking, run


def test_neighbours_join_the_text(bench: Bench) -> None:
    chunks = run(bench.engine.fetch_chunks("i", ["c2", "c0"]))
    ranking = make_ranking([0.9, 0.8])
    ranking = Ranking(Query("q"), tuple(
        type(one)(chunks[name], one.score, one.evidence)
        for one, name in zip(ranking.candidates, ("c2", "c0"), strict=True)
    ))  # fmt: skip
    found = run(expand_candidates(ranking, "i", 1, bench.engine))
    assert ids(found)[0] == "c2"
    assert all(text in found.candidates[0].chunk.text for text in TEXTS[1:4])
    assert [one.score for one in found.candidates] == [0.9, 0.8]
    assert found.trace[-1].stage == "expand"
