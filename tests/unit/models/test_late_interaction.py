"""Late interaction: what is stored gives what the text gives, and a pair scores the same in any company."""

import asyncio
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secondlook.domain.candidate import Evidence
from secondlook.models.encoder import Encoder
from secondlook.models.late_interaction import (
    HEADER,
    QUERY_LEVELS,
    LateInteraction,
    encode_windows,
    features,
    load_recipe,
    max_similarities,
    pack_levels,
    quantise,
    unpack_levels,
)
from secondlook.ports import Passage, Scores
from secondlook.provision import load_encoder
from secondlook.settings import Settings

TEXTS = [
    "When the lamp oil freezes, warm the reservoir before lighting.",
    "Two blasts of the fog horn every ninety seconds.",
    "Invoices are due within thirty days of delivery.",
]
MARK = bytes((2, 8, 1, 1))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encoder]:
    made = load_encoder(Settings(data_dir=tmp_path_factory.mktemp("data"), offline=True))
    yield made
    made.close()


@pytest.fixture(scope="module")
def late(encoder: Encoder) -> LateInteraction:
    return LateInteraction(encoder)


def stored(encoder: Encoder, late: LateInteraction, text: str) -> bytes:
    windows, cut = asyncio.run(encode_windows(encoder, text))
    return late.pack(windows, cut=cut)


def run(late: LateInteraction, query: str, passages: list[Passage]) -> Scores:
    return asyncio.run(late.score(query, passages))


def test_a_query_that_is_cut_is_told(late: LateInteraction) -> None:
    long = "what must be done when the lamp oil freezes " * 20
    assert run(late, long, [Passage(TEXTS[0])]).query_truncated
    assert not run(late, long[:300], [Passage(TEXTS[0])]).query_truncated


def test_the_relevant_passage_scores_highest(late: LateInteraction) -> None:
    found = run(late, "what to do about frozen lamp oil", [Passage(text) for text in TEXTS]).values
    assert found[0] == max(found)
    assert found[0] > 2 * max(found[1:])


def test_stored_vectors_give_the_score_of_the_text(encoder: Encoder, late: LateInteraction) -> None:
    query = "when does the horn sound"
    plain = run(late, query, [Passage(text) for text in TEXTS])
    kept = run(late, query, [Passage("not read", stored(encoder, late, text)) for text in TEXTS])
    assert plain.values == pytest.approx(kept.values, abs=1e-6)


def test_a_pair_scores_the_same_in_any_company(encoder: Encoder, late: LateInteraction) -> None:
    passages = [Passage(text, stored(encoder, late, text), Evidence(cosine=0.5)) for text in TEXTS]
    together = run(late, "oil", passages).values
    assert tuple(run(late, "oil", [one]).values[0] for one in passages) == together
    assert run(late, "oil", passages[::-1]).values[::-1] == together
    assert run(late, "oil", passages * 7).values == together * 7


def test_no_order_of_additions_changes_a_similarity() -> None:
    """The claim behind ``QUERY_LEVELS``: float32 products are exact, as those of whole numbers of any size."""
    chance = np.random.default_rng(3)
    query, passage = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in chance.normal(size=(2, 40, 64)))
    steps = np.rint(query.astype(np.float32) * np.float32(QUERY_LEVELS))
    levels = quantise(passage.astype(np.float32))
    assert np.array_equal(steps @ levels.astype(np.float32).T, steps.astype(np.int64) @ levels.astype(np.int64).T)


def test_evidence_counts(late: LateInteraction) -> None:
    known = Evidence(cosine=0.9, vector_rank=1, keyword_score=9.0, keyword_share=0.9, keyword_rank=1)
    bare, backed = run(late, "fog", [Passage(TEXTS[1]), Passage(TEXTS[1], None, known)]).values
    assert backed > bare


def test_what_was_stored_under_another_recipe_is_not_used(encoder: Encoder, late: LateInteraction) -> None:
    strange = b"\x01" + stored(encoder, late, TEXTS[2])[1:]
    found = run(late, "frozen oil", [Passage(TEXTS[0], strange), Passage(TEXTS[0])]).values
    assert found[0] == pytest.approx(found[1], abs=1e-6)


def test_cut_passages_are_counted(encoder: Encoder, late: LateInteraction) -> None:
    long = "oil lamp " * 1200
    assert run(late, "oil", [Passage(long), Passage("x", stored(encoder, late, long)), Passage("oil")]).truncated == 2


def test_the_first_tokens_alone(encoder: Encoder, late: LateInteraction) -> None:
    short = late.shortened(64)
    passages = ["Warm the lamp oil.", "The keeper writes a letter. " * 30 + "Warm the lamp oil before lighting."]
    query = "how warm must lamp oil be"
    for shown in ([Passage(one) for one in passages], [Passage(one, stored(encoder, late, one)) for one in passages]):
        whole, cut = run(late, query, shown), run(short, query, shown)
        assert cut.values[0] == whole.values[0] and (whole.truncated, cut.truncated) == (0, 1)
        assert cut.values[1] < whole.values[1], "what answers lies at the end"
    assert short.identity == f"{late.identity}/64"


def test_empty_texts_and_no_passages(late: LateInteraction) -> None:
    assert run(late, "oil", []) == Scores(())
    assert all(0 <= value <= 1 for value in run(late, "", [Passage(""), Passage("oil")]).values)


def test_max_similarity_by_hand() -> None:
    query = np.eye(3, 8, dtype=np.float32)
    passage = np.array([[1, 0, 0, 0, 0, 0, 0, 0], [0, 0.6, 0, 0.8, 0, 0, 0, 0]], np.float32)
    weights = np.array([0.5, 0.3, 0.2], np.float32)
    [found, empty] = max_similarities(query, weights, [quantise(passage), quantise(passage[:0])])
    level = round(0.6 * 127) / 127
    assert found[:2] == pytest.approx([0.5 + 0.3 * level, 0.5 + 0.3 * level**4], abs=1e-6)
    assert not empty.any()


@settings(max_examples=30)
@given(st.integers(0, 20), st.booleans(), st.integers(0, 1000))
def test_unpack_gives_what_was_packed(tokens: int, cut: bool, seed: int) -> None:
    levels = np.random.default_rng(seed).integers(-127, 128, (tokens, 8)).astype(np.int8)
    packed = pack_levels(levels, MARK, cut=cut)
    assert len(packed) == HEADER + 8 * tokens
    found = unpack_levels(packed, MARK)
    assert found is not None
    assert np.array_equal(found[0], levels)
    assert found[1] is cut
    assert unpack_levels(packed + b"x", MARK) is None
    assert unpack_levels(packed, bytes((2, 8, 1, 2))) is None


USUAL = np.array([[0.1, 0.5], [-0.2, 0.6]], np.float32)
"""A cosine of 0.1 and half of MaxSim, a share of 0.6 of MaxSim less 0.2."""


def seen(similarity: float, **evidence: Any) -> list[float]:
    return features([Evidence(**evidence)], np.array([similarity], np.float32), USUAL)[0].tolist()


def test_the_evidence_is_the_convex_score_and_the_cosine() -> None:
    assert seen(0.8, cosine=0.6, keyword_share=0.4, fusion_method="rrf") == pytest.approx([0.5, 0.6])
    assert seen(0.8, cosine=0.6, fusion_method="convex") == pytest.approx([0.3, 0.6]), "the keyword list does not reach"
    assert seen(0.8, cosine=-0.5, keyword_share=1.0, fusion_method="max") == pytest.approx([0.5, 0.0])


def test_what_was_not_measured_is_as_usual_for_the_similarity() -> None:
    assert seen(0.8, cosine=0.6) == pytest.approx([(0.6 + 0.28) / 2, 0.6]), "vectors alone"
    assert seen(0.8, keyword_share=0.4) == pytest.approx([(0.5 + 0.4) / 2, 0.5]), "keywords alone"
    assert seen(0.8) == pytest.approx([(0.5 + 0.28) / 2, 0.5]), "no first stage"
    assert seen(0.0) == pytest.approx([0.05, 0.1]), "no less than 0"


def test_ranks_do_not_count(late: LateInteraction) -> None:
    def score(**ranks: int) -> tuple[float, ...]:
        known = Evidence(cosine=0.5, keyword_share=0.3, fusion_method="convex", **ranks)
        return run(late, "fog horn", [Passage(TEXTS[1], None, known)]).values

    assert score() == score(vector_rank=1, keyword_rank=1) == score(vector_rank=40, keyword_rank=90)


def test_the_recipe_weighs_convex_evidence() -> None:
    recipe = load_recipe()
    assert recipe.version.startswith("3.")
    assert recipe.coefficients.tolist() == pytest.approx([5.3, 2, 8, 1])
    assert recipe.usual.shape == (2, 2) and recipe.scale > 0 > recipe.intercept


def test_the_shipped_recipe_fits_the_encoder(encoder: Encoder, late: LateInteraction) -> None:
    recipe = load_recipe()
    assert recipe.projection.shape[0] == encoder.config.hidden == len(recipe.weigher)
    assert len(recipe.rarity) == 30522
    assert recipe.version in late.identity
