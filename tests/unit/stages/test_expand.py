"""Context around a candidate."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.candidate import Ranking
from secondlook.domain.chunk import Chunk
from secondlook.domain.query import Query
from secondlook.ingest.split import split_text
from secondlook.services.chunking import find_gaps
from secondlook.stages.expand import expand_candidates, join_chunks
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


@pytest.mark.parametrize(("gap", "text"), [(" ", "a b"), ("\n    ", "a\n    b"), ("", "ab"), (None, "a\nb")])
def test_what_stood_between_two_chunks_is_there_again(gap: str | None, text: str) -> None:
    """What an earlier release indexed has no gaps; there one byte is a line end."""
    first = Chunk("a", "i", "k", "a", 0, 0, 1)
    start = 2 if gap is None else 1 + len(gap)
    assert join_chunks(first, [first, Chunk("b", "i", "k", "b", 1, start, start + 1, gap=gap)]).text == text


PIECES = ("One sentence. ", "word ", "\n", "\n\n", "| a | b |\n", "- item\n", "    code()\n", "# Head\n\n", "  ", "é ")
DOCUMENTS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=60).map("".join)


@given(DOCUMENTS, st.integers(8, 30), st.sampled_from([0, 20]))
def test_neighbours_are_a_stretch_of_the_document(text: str, size: int, overlap: int) -> None:
    spans = split_text(text, size=size, overlap=overlap, count_tokens=lambda piece: len(piece.split()))
    chunks = [
        Chunk(f"c{at}", "i", "k", span.text, at, span.start, span.end, gap=gap)
        for at, (span, gap) in enumerate(zip(spans, find_gaps(text, spans), strict=True))
    ]
    for first in range(len(chunks)):
        whole = join_chunks(chunks[first], chunks[first : first + 4])
        assert whole.text == text.encode()[whole.start : whole.end].decode()


def test_a_chunk_deleted_meanwhile_stays_as_it_was() -> None:
    chunk = Chunk("c", "gone", "k", "lamp", start=3, end=7)
    assert join_chunks(chunk, ()) is chunk


@given(st.text(min_size=1, max_size=30), st.lists(st.integers(0, 30), max_size=6), st.integers(0, 3))
def test_pieces_of_a_text_join_to_that_text(text: str, cuts: list[int], shared: int) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [(max(0, start - shared), end) for start, end in pairwise(places)]
    chunks = [
        Chunk(f"c{at}", "i", "k", text[start:end], at, len(text[:start].encode()), len(text[:end].encode()))
        for at, (start, end) in enumerate(pieces)
    ]
    whole = join_chunks(chunks[0], chunks)
    assert (whole.text, whole.start, whole.end) == (text, 0, len(text.encode()))
    assert whole.id == "c0"
