"""The AI Search generation: what a request means, and what a chunk looks like."""

from dataclasses import replace

import pytest

from secondlook.api.ai_search.wire import (
    BoostBody,
    ChatBody,
    SearchBody,
    chunk_of,
    result_of,
    scores_of,
    to_ask,
    to_boosts,
)
from secondlook.api.body import validate
from secondlook.domain.candidate import Candidate, Evidence
from secondlook.domain.filters import AllOf, Comparison
from secondlook.domain.instance import Instance, InstanceSettings, MetadataField
from secondlook.domain.options import DEFAULT_MIN_RELEVANCE, Boost
from secondlook.errors import InvalidOptionError
from secondlook.services.searching import Ask
from tests.unit.api.conftest import CANDIDATE, CHUNK, EVERYTHING, RANKING

FIELDS = (MetadataField("severity", "number"), MetadataField("language", "text"))
INSTANCE = Instance("u1", "acc", "default", "docs", InstanceSettings(fields=FIELDS), 1, 1)
WINTER = AllOf((Comparison("folder", "eq", "winter/"),))


def ask(**raw: object) -> Ask:
    return to_ask(validate(SearchBody, raw), INSTANCE, EVERYTHING)


def test_a_bare_query_overrides_nothing_but_rewriting() -> None:
    assert ask(query="oil") == Ask(rewriting=False, min_relevance=DEFAULT_MIN_RELEVANCE, partial=True, cached=None)


def test_everything_said() -> None:
    options = {
        "retrieval": {
            "retrieval_type": "vector",
            "match_threshold": 0,
            "max_num_results": 7,
            "filters": {"folder": "winter/"},
            "context_expansion": 2,
            "fusion_method": "max",
            "keyword_match_mode": "or",
            "boost_by": [{"field": "timestamp"}],
            "return_on_failure": False,
        },
        "query_rewrite": {"enabled": True, "model": "w", "rewrite_prompt": "p"},
        "reranking": {"enabled": True, "model": "m", "match_threshold": 0, "budget_ms": 250},
        "cache": {"enabled": True, "cache_threshold": "flexible_friend"},
        "custom_metadata": {"team": "search"},
    }
    assert ask(messages=[{"role": "user", "content": "oil"}], ai_search_options=options) == Ask(
        retrieval_type="vector",
        match_mode="or",
        fusion_method="max",
        min_score=0.0,
        top_k=7,
        where=WINTER,
        boosts=(Boost("timestamp", "asc"),),
        rerank=True,
        reranker="m",
        min_relevance=0.0,
        min_probability=0.0,
        budget=0.25,
        raise_on_failure=True,
        rewriting=True,
        rewriting_model="w",
        rewriting_prompt="p",
        expand_by=2,
        partial=False,
        cached=True,
        likeness="broad",
        labels=(("team", "search"),),
    )


def test_what_wrangler_sends_at_the_top_stands_behind_the_options() -> None:
    top = {"filters": {"folder": "winter/"}, "max_num_results": 3, "score_threshold": 0.5, "reranking": True}
    found = ask(query="oil", **top)
    assert (found.where, found.top_k, found.min_score, found.rerank) == (WINTER, 3, 0.5, True)
    inner = {
        "retrieval": {"filters": {}, "max_num_results": 4, "match_threshold": 0.1},
        "reranking": {"enabled": False},
    }
    found = ask(query="oil", ai_search_options=inner, **top)
    assert (found.where, found.top_k, found.min_score, found.rerank) == (None, 4, 0.1, False)


def test_messages_leave_rewriting_to_the_instance() -> None:
    assert ask(messages=[{"role": "user", "content": "oil"}]).rewriting is None


def boosts(*pairs: tuple[str, str | None]) -> tuple[Boost, ...]:
    return to_boosts([validate(BoostBody, {"field": name, "direction": way}) for name, way in pairs], INSTANCE)


def test_boosts_have_the_direction_of_their_type() -> None:
    assert boosts(("timestamp", None), ("Severity", None), ("language", None)) == (
        Boost("timestamp", "asc"),
        Boost("severity", "asc"),
        Boost("language", "exists"),
    )
    assert boosts(("severity", "desc"), ("language", "not_exists")) == (
        Boost("severity", "desc"),
        Boost("language", "not_exists"),
    )


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ([("colour", None)], "'colour' is not one of timestamp, severity, language"),
        ([("severity", None), ("SEVERITY", "desc")], "is listed twice"),
        ([("language", "asc")], "asc needs a number or datetime; language is text"),
    ],
)
def test_boosts_that_are_refused(pairs: list[tuple[str, str | None]], words: str) -> None:
    with pytest.raises(InvalidOptionError, match=words):
        boosts(*pairs)


def test_keys_of_a_chat_that_belong_to_the_model() -> None:
    body = validate(ChatBody, {"messages": [], "temperature": 0.5, "max_tokens": 9, "stream": True, "top_p": None})
    assert body.forwarded() == (("max_tokens", 9), ("temperature", 0.5))


def test_a_chunk() -> None:
    shown = chunk_of(CANDIDATE)
    assert shown == {
        "id": "c1",
        "type": "text",
        "score": 0.876543,
        "text": "Warm it.",
        "item": {
            "key": "winter/oil.md",
            "timestamp": 1782864000123,
            "metadata": {"colour": "red", "filename": "oil.md", "folder": "winter/"},
        },
        "scoring_details": scores_of(CANDIDATE),
    }
    assert chunk_of(CANDIDATE, bare=True) == {**shown, "text": ""}


def test_only_scores_that_were_given_are_shown() -> None:
    assert scores_of(CANDIDATE) == {
        "vector_score": 0.123457,
        "vector_rank": 2,
        "fusion_method": "rrf",
        "reranking_score": 0.9,
        "retrieval_score": 0.5,
        "retrieval_rank": 3,
    }
    assert scores_of(replace(CANDIDATE, evidence=Evidence(keyword_score=0.0, keyword_rank=1))) == {
        "keyword_score": 0.0,
        "keyword_rank": 1,
    }
    assert scores_of(Candidate(CHUNK, 0.5)) == {}


def test_a_result() -> None:
    result = result_of(RANKING, SearchBody())
    assert (result["query_kind"], result["search_query"]) == ("text", "oil?")
    assert result["chunks"] == [chunk_of(CANDIDATE)]
    assert "trace" not in result
    assert result_of(RANKING, SearchBody(explain=True))["trace"]
    bare = validate(SearchBody, {"ai_search_options": {"retrieval": {"metadata_only": True}}})
    assert result_of(RANKING, bare)["chunks"] == [chunk_of(CANDIDATE, bare=True)]
