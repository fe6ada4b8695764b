"""Queries are known again whatever their case and spaces, and texts whatever their id."""

from secondlook.domain.candidate import Evidence
from secondlook.domain.chunk import Chunk
from secondlook.domain.queries import LONGEST_QUERY, FoundChunk, content_hash, normalised


def test_queries_that_differ_in_case_spaces_and_forms_are_one() -> None:
    assert normalised("  Lamp \n OIL ") == normalised("lamp oil") == "lamp oil"
    assert normalised("Straße ﬁne") == "strasse fine"
    assert normalised("lamp oils") != normalised("lamp oil")
    assert len(normalised("a" * 100_000)) == LONGEST_QUERY


def test_a_text_is_known_by_its_words() -> None:
    one, other = (Chunk(name, "item", "a.md", "Warm the oil.", start=3, end=16) for name in ("one", "other"))
    evidence = Evidence(retrieval_rank=4, retrieval_score=0.5, relevance=0.9)
    found = FoundChunk.of(one, 1, 0.9, evidence)
    assert found.hash == FoundChunk.of(other).hash == content_hash("Warm the oil.")
    assert found.hash != content_hash("Warm the oil")
    assert (found.start, found.end, found.rank, found.retrieval_rank, found.relevance) == (3, 16, 1, 4, 0.9)
