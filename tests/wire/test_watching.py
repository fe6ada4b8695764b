"""What a search leaves in the metrics and in the spans of OpenTelemetry."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from secondlook.errors import OverloadedError
from secondlook.models.batching import Scheduler
from secondlook.models.breaker import CircuitBreaker
from secondlook.models.cross_encoder import CrossEncoder
from secondlook.models.encoder import Encoder
from secondlook.models.fakes import FakeReranker
from secondlook.models.pair_cache import PairCache, remember
from secondlook.models.remote_config import open_remote
from secondlook.models.remote_reranker import Endpoint, RemoteReranker
from tests.rerank_server import serve_reranker
from tests.tiny_models import make_model
from tests.wire.conftest import BGE, BROKEN, MISSING, NEW, Wire

TINY = "tiny"
FAR = "far"
QUERY = "frozen lamp oil of Zebediah"


@pytest.fixture
def watched(filled: Wire, tmp_path: Path) -> Iterator[Wire]:
    """An API whose reranker is a small cross-encoder behind the cache of pairs."""
    scheduler = Scheduler(1)
    encoder = Encoder(make_model(tmp_path / "tiny").folder, head=True, scheduler=scheduler)
    filled.rerankers[TINY] = remember(CrossEncoder(encoder, max_tokens=60), PairCache(10))
    yield filled
    scheduler.close()


def search(wire: Wire, model: str = TINY) -> dict[str, Any]:
    """The receipt of a search that is reranked."""
    options = {"reranking": {"enabled": True, "model": model, "match_threshold": 0}}
    answer = wire.post(f"{NEW}/handbook/search", {"query": QUERY, "ai_search_options": options})
    receipt: dict[str, Any] = answer.json()["result"]["reranking"]
    return receipt


def by_name(spans: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    """Our finished spans, without those of the web framework; of several with one name, the last."""
    ours = "secondlook."
    return {one.name.removeprefix(ours): one for one in spans.get_finished_spans() if one.name.startswith(ours)}


def told(span: ReadableSpan) -> dict[str, object]:
    """The attributes of a span."""
    return {name.removeprefix("secondlook."): value for name, value in (span.attributes or {}).items()}


def test_each_stage_and_each_part_of_the_rerank_is_a_span(watched: Wire, spans: InMemorySpanExporter) -> None:
    assert search(watched)["status"] == "ran"
    found = by_name(spans)
    assert set(found) == {
        "search", "retrieve", "fuse", "discount", "filter", "rerank", "rerank.model", "tokenise", "queue_wait", "infer",
    }  # fmt: skip
    names = {one.context.span_id: name for name, one in found.items() if one.context}
    parents = {name: names.get(one.parent.span_id, "") if one.parent else "" for name, one in found.items()}
    assert parents == {
        "search": "",
        **dict.fromkeys(("retrieve", "fuse", "discount", "filter", "rerank"), "search"),
        "rerank.model": "rerank",
        **dict.fromkeys(("tokenise", "queue_wait", "infer"), "rerank.model"),
    }
    times = {name: (one.start_time or 0, one.end_time or 0) for name, one in found.items()}
    assert times["queue_wait"][1] == times["infer"][0] < times["infer"][1]
    rerank = told(found["rerank"])
    assert (rerank["status"], rerank["candidates"], rerank["scored"], rerank["cached"]) == ("ran", 3, 3, 0)
    assert str(told(found["rerank.model"])["model"]).startswith("tiny@")
    assert (told(found["infer"])["sequences"], told(found["queue_wait"])["priority"]) == (3, "passage")
    assert "Zebediah" not in str([told(one) for one in spans.get_finished_spans()]), "texts of users are not exported"


def test_pairs_that_are_known_need_no_queue(watched: Wire, spans: InMemorySpanExporter) -> None:
    search(watched)
    spans.clear()
    assert search(watched)["cached"] == 3
    found = by_name(spans)
    assert told(found["rerank"])["cached"] == 3
    assert not {"tokenise", "queue_wait", "infer"} & set(found)


def test_a_remote_reranker_that_fails_is_seen(filled: Wire, spans: InMemorySpanExporter) -> None:
    with serve_reranker() as server:
        filled.rerankers[FAR] = open_remote(Endpoint(FAR, "cohere", f"{server.url}/refuses", "m", timeout=30))
        search(filled, FAR)
    found = by_name(spans)
    assert told(found["request"]) == {"reranker": FAR, "provider": "cohere", "status": 500}
    rerank = told(found["rerank"])
    assert rerank["status"] == "fell_back" and "answered 500" in str(rerank["reason"])
    assert found["rerank"].status.is_ok, "a fallback is no error of the search"


def samples(wire: Wire) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample of ``/metrics`` by name and labels."""
    families = text_string_to_metric_families(wire.get("/metrics").text)
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for each in families for one in each.samples}


def test_the_metrics_of_a_search(watched: Wire) -> None:
    with serve_reranker() as server:
        watched.rerankers[FAR] = open_remote(Endpoint(FAR, "cohere", f"{server.url}/nan", "m", timeout=30))
        before = samples(watched)
        for model in (TINY, TINY, FAR):
            search(watched, model)
        after = samples(watched)

    def more(name: str, **labels: str) -> float:
        key = f"secondlook_{name}", tuple(sorted(labels.items()))
        return after[key] - before.get(key, 0.0)

    assert more("queue_wait_seconds_count", priority="passage") == 1
    assert more("tokenise_seconds_count") >= 1
    assert more("infer_seconds_count") == more("run_padding_share_count") >= 1
    assert more("run_sequences_sum") == 3
    assert more("run_tokens_sum") > 3
    assert more("run_padding_share_sum") == 0
    assert more("cache_reads_total", cache="pairs", result="miss") == 3
    assert more("cache_reads_total", cache="pairs", result="hit") == 3
    assert more("reranks_total", status="ran", reason="") == 2
    assert more("reranks_total", status="fell_back", reason="answer") == 1
    assert more("stage_seconds_count", stage="rerank") == more("stage_seconds_count", stage="retrieve") == 3


def more_reranks(wire: Wire, before: dict[Any, float]) -> dict[tuple[str, str], float]:
    """How many more reranks there were, by status and reason."""
    name = "secondlook_reranks_total"
    found = {key: value - before.get(key, 0.0) for key, value in samples(wire).items() if key[0] == name}
    return {(dict(key[1])["status"], dict(key[1])["reason"]): value for key, value in found.items() if value}


def far(url: str, timeout: float = 30) -> RemoteReranker:
    return RemoteReranker(Endpoint(FAR, "cohere", url, "m", timeout=timeout))


def test_why_each_search_was_not_reranked_is_counted_in_a_word(watched: Wire) -> None:
    shut = CircuitBreaker("the reranker far", failures=1)
    with pytest.raises(ValueError, match="down"), shut.watch():
        raise ValueError("down")
    with serve_reranker() as server:
        failing = {
            "answer": far(f"{server.url}/twice"),
            "breaker": RemoteReranker(Endpoint(FAR, "cohere", server.url, "m"), breaker=shut),
            "connection": far(f"{server.url}/cut"),
            "failed": watched.rerankers[BROKEN],
            "memory": FakeReranker(error=MemoryError()),
            "overloaded": FakeReranker(error=OverloadedError("9 tokens wait")),
            "status": far(f"{server.url}/refuses"),
            "timeout": far(f"{server.url}/hangs", 0.2),
        }
        for cause, reranker in failing.items():
            watched.rerankers[FAR] = reranker
            before = samples(watched)
            search(watched, FAR)
            body = {"model": FAR, "query": QUERY, "documents": ["oil", "fog"]}
            assert watched.post("/v2/rerank", body).is_error
            assert more_reranks(watched, before) == {("fell_back", cause): 1, ("refused", cause): 1}


def test_other_reasons_are_counted_in_a_word_too(watched: Wire) -> None:
    def ask(query: str = QUERY, **reranking: Any) -> dict[tuple[str, str], float]:
        before = samples(watched)
        watched.post(f"{NEW}/handbook/search", {"query": query, "ai_search_options": {"reranking": reranking}})
        return more_reranks(watched, before)

    assert ask(enabled=False) == {("skipped", "off"): 1}
    assert ask(enabled=True, model=BGE) == {("ran", ""): 1}
    assert ask(enabled=True, model=MISSING) == {("substituted", "missing"): 1}
    assert ask("oil " * 50, enabled=True, model=TINY) == {("fell_back", "query"): 1}
    assert ask(enabled=True, model=BROKEN, on_failure="error") == {("refused", "failed"): 1}
    watched.make("empty")
    before = samples(watched)
    watched.post(f"{NEW}/empty/search", {"query": QUERY, "ai_search_options": {"reranking": {"enabled": True}}})
    assert more_reranks(watched, before) == {("skipped", "nothing"): 1}
