"""The native encoder computes what the model computes, the same alone and in company."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from secondlook.errors import BackendError
from secondlook.models.encoder import Encoder
from secondlook.models.native_session import NativeSession, best_instructions, load_library, product_rate
from secondlook.models.onnx_session import OnnxSession
from secondlook.models.weights import ALL_MINILM, find_model
from tests.tiny_models import TinyModel, make_model, run_head, run_reference

pytestmark = pytest.mark.skipif(load_library() is None, reason="the native encoder was not built: no C++ compiler")

Ids = NDArray[np.int32]


@pytest.fixture(scope="module", params=["bert", "xlm-roberta"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    return make_model(tmp_path_factory.mktemp("native"), request.param, spread=0.1)


def draw(lengths: list[int], seed: int = 0) -> list[Ids]:
    chance = np.random.default_rng(seed)
    return [chance.integers(0, 18, length).astype(np.int32) for length in lengths]


def zeros(ids: list[Ids]) -> list[Ids]:
    return [np.zeros_like(one) for one in ids]


def cosine(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    product = (left * right).sum(axis=-1)
    return np.asarray(product / np.linalg.norm(left, axis=-1) / np.linalg.norm(right, axis=-1), np.float32)


def test_token_vectors_are_those_of_the_reference(model: TinyModel) -> None:
    ids = draw([1, 2, 3, 5, 8, 13, 30, 31, 32, 33, 60])
    found = NativeSession(model.folder, head=False).infer(ids, zeros(ids))
    for own, vectors in zip(ids, found, strict=True):
        expected = run_reference(model, own.tolist(), [0] * len(own))
        assert vectors.shape == expected.shape
        assert cosine(vectors, expected).min() > 0.99


def test_logits_are_those_of_the_reference(model: TinyModel) -> None:
    ids = draw([4, 9, 17, 40])
    found = NativeSession(model.folder, head=True).infer(ids, zeros(ids))
    for own, logits in zip(ids, found, strict=True):
        expected = run_head(model, run_reference(model, own.tolist(), [0] * len(own)))
        assert logits.shape == (1,)
        assert logits[0] == pytest.approx(float(np.ravel(expected)[0]), abs=0.15)


def test_wide_layers_have_a_scale_for_each_group_of_inputs(tmp_path: Path) -> None:
    model = make_model(tmp_path, spread=0.1, hidden=384)  # two groups
    ids = draw([1, 6, 33])
    found = NativeSession(model.folder, head=False).infer(ids, zeros(ids))
    for own, vectors in zip(ids, found, strict=True):
        assert cosine(vectors, run_reference(model, own.tolist(), [0] * len(own))).min() > 0.995
    logits = NativeSession(model.folder, head=True).infer(ids, zeros(ids))
    for own, logit in zip(ids, logits, strict=True):
        expected = run_head(model, run_reference(model, own.tolist(), [0] * len(own)))
        assert logit[0] == pytest.approx(float(np.ravel(expected)[0]), abs=0.15)


@settings(max_examples=25, deadline=None)
@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=12), seed=st.integers(0, 1000))
def test_company_changes_nothing(small: NativeSession, lengths: list[int], seed: int) -> None:
    ids = draw(lengths, seed)
    together = small.infer(ids, zeros(ids))
    for own, vectors in zip(ids, together, strict=True):
        [alone] = small.infer([own], zeros([own]))
        assert np.array_equal(vectors, alone)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> NativeSession:
    return NativeSession(make_model(tmp_path_factory.mktemp("small")).folder, head=False)


def test_every_instruction_set_of_this_processor_agrees(model: TinyModel) -> None:
    """The arithmetic on levels is exact, so that only the rounding of floats may differ."""
    ids = draw([7, 21, 50])
    best, plain = (
        NativeSession(model.folder, head=False, instructions=one).infer(ids, zeros(ids))
        for one in (best_instructions(), "avx2")
    )
    assert all(cosine(left, right).min() > 0.9999 for left, right in zip(best, plain, strict=True))


def test_with_real_weights_it_is_nearer_to_full_precision_than_the_other_runtime(tmp_path: Path) -> None:
    """Real activations have outliers, which spoil the scale of a whole run but not of other tokens."""
    folder = find_model(ALL_MINILM, tmp_path)
    assert folder, "the default model is installed with the package"
    ids = [np.array([101, *one, 102], np.int32) for one in (range(2000, 2040), range(5000, 5090), range(9000, 9020))]
    exact = OnnxSession(folder, head=False, precision="fp32", digest="x", cache=None).infer(ids, zeros(ids))
    other = OnnxSession(folder, head=False, precision="int8", digest="x", cache=None).infer(ids, zeros(ids))
    native = NativeSession(folder, head=False).infer(ids, zeros(ids))
    far, near = (np.mean([1 - cosine(a, b).mean() for a, b in zip(exact, one, strict=True)]) for one in (other, native))
    assert near < far / 2 < 0.05


def test_a_model_that_does_not_fit_its_tiles_is_left_to_the_other_runtime(tmp_path: Path) -> None:
    folder = make_model(tmp_path, hidden=48).folder
    with pytest.raises(BackendError, match="cannot run"):
        NativeSession(folder, head=False)
    encoder = Encoder(folder, threads=1)
    assert "onnxruntime-int8" in encoder.identity
    encoder.close()
    with pytest.raises(BackendError):
        Encoder(folder, runtime="native")


def test_an_instruction_set_that_is_not_here(model: TinyModel) -> None:
    with pytest.raises(BackendError, match="does not support sve"):
        NativeSession(model.folder, head=False, instructions="sve")


def test_what_no_table_holds_is_refused(model: TinyModel) -> None:
    session = NativeSession(model.folder, head=False)
    for ids in (np.array([1, 500], np.int32), np.array([-1], np.int32)):
        with pytest.raises(BackendError, match="token id"):
            session.infer([ids], [np.zeros_like(ids)])
    with pytest.raises(BackendError, match="70 tokens"):
        session.infer([np.ones(70, np.int32)], [np.zeros(70, np.int32)])


def test_the_product_alone_is_timed_where_it_can_run() -> None:
    assert product_rate(8, 64, 64, 10) > 1e6
    assert product_rate(8, 64, 64, 10, "neon") == 0
