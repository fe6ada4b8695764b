"""What an account owns: defaults as the contract has them, and metadata outside the hash."""

from dataclasses import fields, replace

from secondlook.domain.instance import Instance, InstanceSettings, Item, MetadataField, Namespace, Token
from secondlook.domain.options import MAX_TOP_K


def test_defaults_are_those_of_the_contract() -> None:
    plain = InstanceSettings()
    assert (plain.chunked, plain.chunk_size, plain.chunk_overlap) == (True, 256, 10)
    assert (plain.top_k, plain.min_score) == (10, 0.4)
    assert (plain.vector_index, plain.keyword_index, plain.tokenizer) == (True, True, "porter")
    assert (plain.match_mode, plain.fusion_method, plain.fusion_weight) == (None, None, 0.5)
    assert not plain.reranking and not plain.rewriting and not plain.paused
    assert plain.top_k <= MAX_TOP_K
    assert [plain.match_mode_of(one) for one in ("hybrid", "keyword", "vector")] == ["or", "and", "or"]
    assert plain.match_mode_of("hybrid", "and") == "and"
    assert InstanceSettings(match_mode="or").match_mode_of("keyword", "and") == "or"


def test_the_fusion_is_the_chosen_one_the_servers_or_convex() -> None:
    plain = InstanceSettings()
    assert (plain.fusion_of(), plain.fusion_of("rrf")) == ("convex", "rrf")
    assert InstanceSettings(fusion_method="max").fusion_of("rrf") == "max"


def test_what_somebody_chooses_is_no_earlier_default_any_more() -> None:
    old = InstanceSettings(match_mode="and", match_mode_inherited=True, fusion_method="rrf", fusion_inherited=True)
    assert old.choosing(top_k=3) == replace(old, top_k=3)
    chosen = old.choosing(fusion_method="rrf")
    assert (chosen.fusion_inherited, chosen.match_mode_inherited) == (False, True)
    assert not old.choosing(match_mode="or").match_mode_inherited


def test_settings_are_a_value() -> None:
    one = InstanceSettings(fields=(MetadataField("colour", "text"),))
    two = InstanceSettings(fields=(MetadataField("colour", "text"),))
    assert one == two
    assert len({one, two}) == 1
    assert len({Instance("u", "a", "default", "n", each, 1, 1) for each in (one, two)}) == 1


def test_a_trial_begins_with_what_is_tried() -> None:
    fixed = InstanceSettings()
    begun = replace(fixed, reranking_mode="interleave").after(fixed, 5)
    assert begun.tried_since == 5
    assert replace(begun, top_k=3).after(begun, 6).tried_since == 5, "another setting leaves it as it is"
    assert replace(begun, reranking_weight=0.5).after(begun, 7).tried_since == 7
    ended = replace(begun, reranking_mode="fixed").after(begun, 8)
    assert ended.tried_since == 5, "what it came to is still told"


def test_an_items_metadata_stays_out_of_its_hash() -> None:
    red, blue = (Item("i", "u", "k", "queued", "md5", 1, metadata={"colour": one}) for one in ("red", "blue"))
    assert hash(red) == hash(blue)
    assert red != blue
    assert (red.version, red.chunks_count, red.error) == (1, None, "")


def test_no_two_words_for_a_time() -> None:
    for kind in (Instance, Namespace, Item, Token):
        assert "created_at" in {one.name for one in fields(kind)}
    assert not Token("t", "mine", 1).revoked
