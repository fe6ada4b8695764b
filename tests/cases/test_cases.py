"""Each table of cases against its stage: to add a case is to add data."""

import asyncio
import tomllib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from secondlook.domain.candidate import Candidate, Ranking
from secondlook.domain.chunk import Chunk, IndexedChunk
from secondlook.domain.options import (
    ECHO_DISCOUNT,
    Boost,
    Boosting,
    Filtering,
    Fusion,
    Generation,
    Plan,
    Reranking,
    RerankStage,
    Retrieval,
    Rewriting,
)
from secondlook.domain.query import Message, Query
from secondlook.engines.embedded import EmbeddedEngine
from secondlook.models.fakes import FakeGenerator, FakeReranker
from secondlook.ports import Delta, Hit, Hits, IndexShape, Prompt
from secondlook.stages.boost import boost_candidates
from secondlook.stages.discount import discount_echoes
from secondlook.stages.expand import expand_candidates
from secondlook.stages.explain import find_sentences
from secondlook.stages.filter import filter_candidates
from secondlook.stages.fuse import fuse_rankings
from secondlook.stages.generate import generate_answer
from secondlook.stages.rerank import rerank_candidates
from secondlook.stages.retrieve import Found, retrieve_candidates
from secondlook.stages.rewrite import rewrite_query
from tests.unit.stages.conftest import Bench, ids, make_ranking

TABLES = Path(__file__).parent
STAGES = TABLES.parents[1] / "src" / "secondlook" / "stages"
Given = Mapping[str, Any]


def fuse(given: Given, options: Given, folder: Path) -> list[str]:
    lists = {
        name: Hits(tuple(Hit(*hit) for hit in given[name])) if name in given else None for name in ("vector", "keyword")
    }
    names = [hit.chunk_id for hits in lists.values() if hits for hit in hits.hits]
    chunks = {name: Chunk(name, name, name, name) for name in names}
    found = Found(lists["vector"], lists["keyword"], given.get("cosines", {}), {}, chunks, 0.0)
    return ids(fuse_rankings(Ranking(Query("q")), found, Fusion(**options)))


def filter_(given: Given, options: Given, folder: Path) -> list[str]:
    scores = [None if one == "none" else one for one in given["vector_scores"]]
    ranking = make_ranking([0.5] * len(scores), vector_scores=scores)
    keywords = given.get("keywords", ["none"] * len(scores))
    ranking = ranking.kept(
        one if word == "none" else replace(one, evidence=replace(one.evidence, **keyword_evidence(word)))
        for one, word in zip(ranking.candidates, keywords, strict=True)
    )
    asked = {name: None if value == "none" else value for name, value in options.items()}
    return ids(filter_candidates(ranking, Filtering(**asked)))


def keyword_evidence(word: str | float) -> Given:
    """What keywords say of a hit that holds every term, or reaches this share of the attainable BM25."""
    share = 0.1 if isinstance(word, str) else word
    return {"keyword_rank": 1, "keyword_share": share, "keyword_complete": word == "all"}


def boost(given: Given, options: Given, folder: Path) -> list[str]:
    ranking = make_ranking(given["scores"])
    ranking = ranking.kept(
        replace(one, chunk=replace(one.chunk, metadata={} if value == "none" else {"n": value}))
        for one, value in zip(ranking.candidates, given["values"], strict=True)
    )
    boosts = tuple(Boost(field, direction) for field, direction in options["boosts"])
    return ids(boost_candidates(ranking, Boosting(boosts, options.get("weight", 0.1))))


def discount(given: Given, options: Given, folder: Path) -> list[str]:
    ranking = make_ranking(given["scores"], query=given["query"])
    ranking = ranking.kept(
        replace(one, chunk=replace(one.chunk, text=text))
        for one, text in zip(ranking.candidates, given["texts"], strict=True)
    )
    return ids(discount_echoes(ranking, ECHO_DISCOUNT))


def rerank(given: Given, options: Given, folder: Path) -> list[str]:
    ranking = make_ranking([0.5] * len(given["relevance"]))
    table = {f"text {at}": score for at, score in enumerate(given["relevance"])}
    ranking = ranking.kept(
        replace(one, chunk=replace(one.chunk, text=text)) for one, text in zip(ranking.candidates, table, strict=True)
    )
    stages = tuple(RerankStage(**one) for one in options.get("stages", ()))
    plan = Plan("i", reranking=Reranking(**{"min_relevance": None, **options, "stages": stages}))
    reranker = FakeReranker(scorer=lambda query, passage: table[passage.text])
    return ids(asyncio.run(rerank_candidates(ranking, plan, Bench(folder).tools(reranker))))


def explain(given: Given, options: Given, folder: Path) -> list[str]:
    made = make_ranking([0.5] * len(given["texts"]), query=given["query"])
    ranking = made.kept(
        replace(one, chunk=replace(one.chunk, text=text))
        for one, text in zip(made.candidates, given["texts"], strict=True)
    )
    plan, tools = Plan("i", reranking=Reranking(min_relevance=None)), Bench(folder).tools()

    async def work() -> Ranking:
        return await find_sentences(await rerank_candidates(ranking, plan, tools), plan, tools)

    found = {one.chunk.id: one.evidence.sentence for one in asyncio.run(work()).candidates}
    return [found[name] for name in sorted(found)]


def retrieve(given: Given, options: Given, folder: Path) -> list[str]:
    found = asyncio.run(
        retrieve_candidates(Query(given["query"]), Plan("i", Retrieval(**options)), Bench(folder).tools())
    )
    assert found.keyword is not None
    assert set(found.chunks) == {hit.chunk_id for hit in found.keyword.hits}
    return [hit.chunk_id for hit in found.keyword.hits]


def expand(given: Given, options: Given, folder: Path) -> list[str]:
    chunks = [
        Chunk(f"c{at}", "i", "k", text, position=at, start=start, end=start + len(text.encode()))
        for at, (start, text) in enumerate(given["chunks"])
    ]
    engine = EmbeddedEngine(folder)

    async def work() -> Ranking:
        await engine.create_index("i", IndexShape(0, "porter"))
        await engine.put_item("i", "i", [IndexedChunk(chunk) for chunk in chunks])
        ranking = Ranking(Query("q"), (Candidate(chunks[given["at"]], 0.5),))
        return await expand_candidates(ranking, "i", options["expand_by"], engine)

    found = asyncio.run(work())
    engine.close()
    return [one.chunk.text for one in found.candidates]


def rewrite(given: Given, options: Given, folder: Path) -> list[str]:
    says = "lamp oil " * 100 if given["says"] == "REPEAT" else given["says"]
    found = asyncio.run(
        rewrite_query(Ranking(Query("and in winter?")), Rewriting(**options), FakeGenerator(answer=says))
    )
    return [found.query.text]


def generate(given: Given, options: Given, folder: Path) -> list[str]:
    seen: list[Message] = []

    class Recorder(FakeGenerator):
        async def stream(self, prompt: Prompt) -> AsyncIterator[Delta]:
            seen.extend(prompt.messages)
            yield Delta("x", "stop")

    async def work() -> None:
        query = Query("oil?", tuple(Message(role, content) for role, content in given["turns"]))
        async for _ in generate_answer(make_ranking([0.5]), query, Generation(**options), Recorder()):
            pass

    asyncio.run(work())
    return [f"{turn.role}: {turn.content}" for turn in seen]


RUN: Mapping[str, Callable[[Given, Given, Path], list[str]]] = {
    "boost": boost,
    "discount": discount,
    "expand": expand,
    "explain": explain,
    "filter": filter_,
    "fuse": fuse,
    "generate": generate,
    "rerank": rerank,
    "retrieve": retrieve,
    "rewrite": rewrite,
}


def every_case() -> list[Any]:
    return [
        pytest.param(path.stem, case, id=f"{path.stem}: {case['name']}")
        for path in sorted(TABLES.glob("*.toml"))
        for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]
    ]


@pytest.mark.parametrize(("stage", "case"), every_case())
def test_case(stage: str, case: Mapping[str, Any], tmp_path: Path) -> None:
    assert RUN[stage](case["input"], case.get("options", {}), tmp_path) == case["expected"]


def test_every_stage_has_its_table() -> None:
    stages = {path.stem for path in STAGES.glob("*.py")} - {"__init__"}
    assert stages == {path.stem for path in TABLES.glob("*.toml")} == set(RUN)
