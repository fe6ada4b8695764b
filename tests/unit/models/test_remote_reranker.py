"""Each dialect asks and reads as its server wants it; what cannot be used is an error."""

import asyncio
import re
from dataclasses import replace

import pytest

from secondlook.errors import RerankerBusyError, RerankerError
from secondlook.models.breaker import CircuitBreaker
from secondlook.models.pair_cache import PairCache, remember
from secondlook.models.remote_reranker import DIALECTS, Endpoint, RemoteReranker, align, join_url, read_results
from secondlook.models.scores import sigmoid
from secondlook.ports import Passage, Scores
from secondlook.telemetry import tenant
from tests.rerank_server import RerankServer

TEXTS = ["fog horn", "oil lamp", "lamp"]
SHARES = [0.0, 1.0, 0.5]


@pytest.fixture
def endpoint(server: RerankServer) -> Endpoint:
    server.asked.clear()
    return Endpoint("mine", "cohere", server.url + "/ok/v2", "rerank-v3.5", key="secret", timeout=20)


def ask(endpoint: Endpoint, texts: list[str]) -> Scores:
    async def work() -> Scores:
        reranker = RemoteReranker(endpoint)
        try:
            return await reranker.score("oil lamp", [Passage(text) for text in texts])
        finally:
            await reranker.close()

    return asyncio.run(work())


@pytest.mark.parametrize(
    ("provider", "path", "sent"),
    [
        ("cohere", "/rerank", {"documents": TEXTS, "top_n": 3, "model": "m"}),
        ("jina", "/rerank", {"documents": TEXTS, "top_n": 3, "model": "m", "return_documents": False}),
        (
            "voyage",
            "/rerank",
            {"documents": TEXTS, "top_k": 3, "model": "m", "return_documents": False, "truncation": True},
        ),
        ("tei", "/rerank", {"texts": TEXTS, "truncate": True, "raw_scores": True}),
        ("workers-ai", "/ai/run/m", {"contexts": [{"text": text} for text in TEXTS], "top_k": 3}),
    ],
)
def test_dialects(endpoint: Endpoint, server: RerankServer, provider: str, path: str, sent: dict[str, object]) -> None:
    found = ask(replace(endpoint, provider=provider, url=server.url + "/ok", model="m"), TEXTS)
    logits = DIALECTS[provider].score_kind == "logit"
    assert found.values == pytest.approx([sigmoid(8 * one - 4) if logits else one for one in SHARES])
    assert server.asked == [("/ok" + path, {"query": "oil lamp", **sent}, "Bearer secret")]


def test_many_passages_are_split_and_put_together_again(endpoint: Endpoint, server: RerankServer) -> None:
    texts = [TEXTS[at % 3] for at in range(75)]
    found = ask(replace(endpoint, provider="tei"), texts)
    assert sorted(len(body["texts"]) for _, body, _ in server.asked) == [11, 32, 32]
    assert found.values == pytest.approx([sigmoid(8 * SHARES[at % 3] - 4) for at in range(75)])
    server.asked.clear()
    ask(replace(endpoint, batch=2), TEXTS)
    assert sorted(body["top_n"] for _, body, _ in server.asked) == [1, 2]


def test_the_configured_kind_wins(endpoint: Endpoint, server: RerankServer) -> None:
    found = ask(replace(endpoint, provider="tei", score_kind="probability"), TEXTS)
    assert server.asked[0][1]["raw_scores"] is False
    assert found.values == pytest.approx(SHARES)
    assert ask(replace(endpoint, score_kind="cosine"), TEXTS).values == pytest.approx([0.5, 1, 0.75])


def test_without_passages_nothing_is_asked(endpoint: Endpoint, server: RerankServer) -> None:
    assert ask(endpoint, []) == Scores(())
    assert server.asked == []


@pytest.mark.parametrize("texts", [["", "oil lamp"], ["lamp", " \n", "oil lamp", ""], ["", " "]])
def test_a_text_without_words_spoils_no_batch(endpoint: Endpoint, server: RerankServer, texts: list[str]) -> None:
    found = ask(endpoint, texts)
    assert found.values == pytest.approx([len(text.split()) / 2 for text in texts])
    assert all(all(text.strip() for text in body["documents"]) for _, body, _ in server.asked)


@pytest.mark.parametrize("provider", ["cohere", "tei", "workers-ai"])
def test_a_server_that_takes_no_more_says_when_to_come_again(
    endpoint: Endpoint, server: RerankServer, provider: str
) -> None:
    with pytest.raises(RerankerBusyError, match="mine takes no more requests now: slow down") as caught:
        ask(replace(endpoint, provider=provider, url=server.url + "/busy"), TEXTS)
    assert caught.value.retry_after == 7


def test_nothing_listens(endpoint: Endpoint) -> None:
    with pytest.raises(RerankerError, match="could not use mine"):
        ask(replace(endpoint, url="http://127.0.0.1:9"), TEXTS)


def test_the_whole_rerank_has_one_time_limit(endpoint: Endpoint, server: RerankServer) -> None:
    with pytest.raises(RerankerError, match="did not answer within 200 ms"):
        ask(replace(endpoint, url=server.url + "/hangs", timeout=0.2, batch=1), TEXTS)


def test_an_open_breaker_asks_nothing(endpoint: Endpoint, server: RerankServer) -> None:
    async def work() -> None:
        breaker = CircuitBreaker("the reranker mine", failures=2, pause=60)
        reranker = RemoteReranker(replace(endpoint, url=server.url + "/refuses"), breaker=breaker)
        for message in ("answered 500: overloaded", "answered 500", r"paused.*answered 500"):
            with pytest.raises(RerankerError, match=message):
                await reranker.score("oil", [Passage("lamp")])
        await reranker.close()

    asyncio.run(work())
    assert len(server.asked) == 2


def test_the_key_is_in_no_text(endpoint: Endpoint) -> None:
    reranker = RemoteReranker(endpoint)
    assert "secret" not in f"{endpoint!r} {reranker.identity}"
    assert re.fullmatch(r"cohere:rerank-v3\.5@[0-9a-f]{8}/remote", reranker.identity)
    asyncio.run(reranker.close())


def test_name_and_address_belong_to_the_identity(endpoint: Endpoint) -> None:
    """Two servers that say they run the same model may run others."""
    others = [
        replace(endpoint, name="other"),
        replace(endpoint, url="http://127.0.0.1:9"),
        replace(endpoint, score_kind="rank"),
    ]
    assert len({one.identity for one in (endpoint, *others)}) == 4
    assert replace(endpoint, key="another", timeout=1, batch=3).identity == endpoint.identity


def test_what_one_server_scored_is_not_taken_for_another_s(endpoint: Endpoint, server: RerankServer) -> None:
    pairs = PairCache(100)
    passages = [Passage("lamp"), Passage("fog")]

    async def work() -> list[tuple[int, int]]:
        seen = []
        tenant.set("acc")
        for name in ("mine", "theirs", "mine"):
            reranker = RemoteReranker(replace(endpoint, name=name, url=server.url + "/ok"))
            scores = await remember(reranker, pairs).score("oil", passages)
            seen.append((scores.cached, len(server.asked)))
            await reranker.close()
        return seen

    assert asyncio.run(work()) == [(0, 1), (0, 2), (2, 2)]


def test_addresses() -> None:
    assert join_url("http://a/v2/", "/rerank") == "http://a/v2/rerank"
    assert join_url("http://a/v2/rerank", "/rerank") == "http://a/v2/rerank"


@pytest.mark.parametrize("answer", [None, 3, {}, {"results": {"index": 1}}, {"error": "no"}, "results"])
def test_answers_without_a_list(answer: object) -> None:
    with pytest.raises(RerankerError, match="no list of results"):
        read_results(answer, DIALECTS["cohere"])


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([], "0 scores for 2"),
        ([{"index": 0, "relevance_score": 1}], "1 score for 2"),
        ([{"index": 0, "relevance_score": 1}, {"index": 0, "relevance_score": 1}], "two scores for passage 0"),
        ([{"index": 0, "relevance_score": 1}, {"index": 2, "relevance_score": 1}], "passage 2, which is not"),
        ([{"index": 0, "relevance_score": 1}, {"index": True, "relevance_score": 1}], "passage True"),
        ([{"index": 0, "relevance_score": 1}, {"relevance_score": 1}], "passage None"),
        ([{"index": 0, "relevance_score": 1}, {"index": 1, "relevance_score": "0.4"}], "'0.4', which is not a number"),
        ([{"index": 0, "relevance_score": 1}, {"index": 1}], "None, which is not a number"),
        ([{"index": 0, "relevance_score": 1}, 0.4], "passage None"),
        ([{"index": 0, "relevance_score": 1}, {"index": 1, "relevance_score": 10**400}], "passage 1 is too large"),
    ],
)
def test_results_that_do_not_fit(results: list[object], message: str) -> None:
    with pytest.raises(RerankerError, match=message):
        align(results, DIALECTS["cohere"], 2)
