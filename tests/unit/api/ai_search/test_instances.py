"""Instances on the wire: names, partial changes, and settings that come back as they were sent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.api.ai_search.instances import (
    PLAIN,
    check_name,
    earlier_of,
    fusion_of,
    instance_of,
    merge_settings,
)
from secondlook.domain.instance import Instance, InstanceSettings, ItemCounts, MetadataField
from secondlook.domain.jobs import SyncState
from secondlook.domain.options import Boost
from secondlook.errors import InvalidOptionError
from secondlook.services.instances import Activity

FULL: dict[str, Any] = {
    "ai_search_model": "g",
    "rewrite_model": "w",
    "rewrite_query": True,
    "reranking": True,
    "reranking_model": "m",
    "index_method": {"vector": True, "keyword": False},
    "fusion_method": "max",
    "indexing_options": {"keyword_tokenizer": "trigram", "keyword_language": "cjk", "use_ocr": True},
    "retrieval_options": {
        "keyword_match_mode": "or",
        "boost_by": [{"field": "severity", "direction": "desc"}],
        "boost_after_reranking": True,
    },
    "chunk": False,
    "chunk_size": 300,
    "chunk_overlap": 0,
    "max_num_results": 7,
    "score_threshold": 0.0,
    "custom_metadata": [{"field_name": "Severity", "data_type": "number"}],
    "system_prompt_ai_search": "be brief",
    "system_prompt_rewrite_query": "rewrite",
    "paused": True,
    "cache": False,
    "cache_ttl": 600,
}


def shown(settings: InstanceSettings) -> dict[str, Any]:
    return dict(
        instance_of(
            Instance("u1", "acc", "team", "docs", settings, 1000, 2500),
            Activity("active", 2500, ItemCounts()),
            SyncState(),
        )
    )


@pytest.mark.parametrize("name", ["a", "my-docs", "a_b", "0-1-2", "_", "a" * 64])
def test_names_that_are_taken(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", [None, "", "-a", "a-", "a--b", "Docs", "a b", "a/b", "é", "a" * 65, "a\n"])
def test_names_that_are_refused(name: str | None) -> None:
    with pytest.raises(InvalidOptionError, match="my-docs"):
        check_name(name)


def test_what_is_sent_is_set() -> None:
    found = merge_settings(InstanceSettings(), FULL)
    assert (found.generation_model, found.rewriting_model, found.rewriting) == ("g", "w", True)
    assert (found.reranking, found.reranking_model, found.fusion_method) == (True, "m", "max")
    assert (found.vector_index, found.keyword_index, found.tokenizer, found.analyser) == (True, False, "trigram", "cjk")
    assert (found.chunked, found.chunk_size, found.chunk_overlap) == (False, 300, 0)
    assert (found.top_k, found.min_score, found.match_mode) == (7, 0.0, "or")
    assert found.fields == (MetadataField("severity", "number"),)
    assert found.boosts == (Boost("severity", "desc"),)
    assert (found.answer_prompt, found.rewriting_prompt, found.paused) == ("be brief", "rewrite", True)


def test_what_is_sent_comes_back() -> None:
    found = shown(merge_settings(InstanceSettings(), FULL))
    expected = {**FULL, "custom_metadata": [{"field_name": "severity", "data_type": "number"}]}
    assert {name: found[name] for name in FULL} == expected
    assert (found["id"], found["namespace"], found["vectorize_name"]) == ("docs", "team", "u1")
    assert (found["created_at"], found["modified_at"]) == ("1970-01-01T00:00:01.000Z", "1970-01-01T00:00:02.500Z")
    assert found["hybrid_search_enabled"] is False


@given(st.sets(st.sampled_from(sorted(FULL))))
def test_what_is_not_sent_stays(names: set[str]) -> None:
    before = merge_settings(InstanceSettings(), FULL)
    assert merge_settings(before, {name: FULL[name] for name in names}) == before
    nulls = {name: None for name in names if name != "reranking_model"}
    assert merge_settings(before, nulls) == before


def test_the_default_reranker_is_set_again_by_null_or_nothing() -> None:
    before = merge_settings(InstanceSettings(), FULL)
    for model in (None, ""):
        assert merge_settings(before, {"reranking_model": model}).reranking_model == ""
    assert shown(InstanceSettings())["reranking_model"] is None


def test_no_language_is_set_again_by_nothing() -> None:
    before = merge_settings(InstanceSettings(), FULL)
    after = merge_settings(before, {"indexing_options": {"keyword_language": ""}})
    assert (after.analyser, after.tokenizer) == (None, "trigram")
    assert shown(after)["indexing_options"]["keyword_language"] is None


def test_the_old_switch_of_hybrid_search() -> None:
    off = merge_settings(InstanceSettings(), {"hybrid_search_enabled": False})
    assert (off.vector_index, off.keyword_index) == (True, False)
    both = {"hybrid_search_enabled": False, "index_method": {"keyword": True}}
    assert merge_settings(InstanceSettings(), both).keyword_index is True


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"custom_metadata": [{"field_name": "Folder", "data_type": "text"}]}, "'folder' is reserved"),
        ({"custom_metadata": [{"field_name": name, "data_type": "text"} for name in ("a", "A")]}, "'a' is reserved or"),
        ({"custom_metadata": [{"field_name": "a", "data_type": "list"}]}, "custom_metadata.0.data_type"),
        ({"retrieval_options": {"boost_by": [{"field": "severity"}]}}, "boost_by"),
        ({"indexing_options": {"keyword_language": "klingon"}}, "keyword_language.*'german'.*received 'klingon'"),
        ({"chunk_overlap": 31}, "chunk_overlap"),
        ({"score_threshold": 1.5}, "score_threshold"),
        ({"cache_ttl": 601}, "cache_ttl"),
        ({"reranking": "yes"}, "reranking"),
    ],
)
def test_what_is_refused(raw: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidOptionError, match=words):
        merge_settings(InstanceSettings(), raw)


def test_each_plain_name_is_a_setting() -> None:
    assert set(PLAIN.values()) <= set(InstanceSettings.__dataclass_fields__)


def test_the_words_of_fusion_and_of_defaults_of_an_earlier_release() -> None:
    hybrid = {"hybrid_search_enabled": True, "fusion_weight": 0.3}
    default = {"keyword_match_mode_origin": "default", "fusion_method_origin": "default"}
    earlier = {"keyword_match_mode_origin": "earlier_default", "fusion_method_origin": "earlier_default"}
    assert fusion_of({**hybrid, "fusion_method": "convex"}) == "convex, weight of the cosine 0.3"
    assert fusion_of({**hybrid, "fusion_method": "rrf"}) == "rrf"
    assert fusion_of({"hybrid_search_enabled": False}) == earlier_of({"hybrid_search_enabled": False}) == ""
    assert earlier_of({**hybrid, **default}) == ""
    told = "of an earlier release: keyword_match_mode and, fusion_method rrf (new instances: or, convex)"
    assert earlier_of({**hybrid, **earlier}) == told
    only = "of an earlier release: fusion_method rrf (new instances: convex)"
    assert earlier_of({**hybrid, **earlier, "keyword_match_mode_origin": "chosen"}) == only


def test_a_default_that_is_sent_back_stays_one() -> None:
    plain = InstanceSettings()
    read = {"fusion_method": "convex", "fusion_method_origin": "default"}
    assert merge_settings(plain, read).fusion_method is None
    assert merge_settings(plain, {**read, "fusion_method": "max"}).fusion_method == "max"
    old = InstanceSettings(fusion_method="rrf", fusion_inherited=True, match_mode="and", match_mode_inherited=True)
    again = merge_settings(old, {"fusion_method": "rrf", "fusion_method_origin": "earlier_default"})
    assert again.fusion_inherited and again.match_mode_inherited
    chosen = merge_settings(old, {"fusion_method": "rrf"})
    assert (chosen.fusion_inherited, chosen.match_mode_inherited) == (False, True)
