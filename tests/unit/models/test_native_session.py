"""The native encoder computes what the model computes, the same alone and in company."""

import resource
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from secondlook.errors import BackendError
from secondlook.models.encoder import Encoder
from secondlook.models.native_session import (
    NativeSession,
    arithmetic_of,
    list_units,
    load_library,
    product_rate,
)
from secondlook.models.onnx_session import OnnxSession
from secondlook.models.weights import ALL_MINILM, find_model
from tests.tiny_models import TinyModel, make_model, run_head, run_reference

pytestmark = pytest.mark.skipif(load_library() is None, reason="the native encoder was not built: no C++ compiler")

Ids = NDArray[np.int32]


@pytest.fixture(scope="module", params=["bert", "xlm-roberta"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    return make_model(tmp_path_factory.mktemp("native"), request.param, spread=0.1)


@pytest.fixture(params=list_units())
def unit(request: pytest.FixtureRequest) -> str:
    """Every unit that this processor supports, the portable ones included."""
    return str(request.param)


def draw(lengths: list[int], seed: int = 0) -> list[Ids]:
    chance = np.random.default_rng(seed)
    return [chance.integers(0, 18, length).astype(np.int32) for length in lengths]


def zeros(ids: list[Ids]) -> list[Ids]:
    return [np.zeros_like(one) for one in ids]


def cosine(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    product = (left * right).sum(axis=-1)
    return np.asarray(product / np.linalg.norm(left, axis=-1) / np.linalg.norm(right, axis=-1), np.float32)


def test_token_vectors_are_those_of_the_reference(model: TinyModel, unit: str) -> None:
    ids = draw([1, 2, 3, 5, 8, 13, 30, 31, 32, 33, 60])
    found = NativeSession(model.folder, head=False, unit=unit).infer(ids, zeros(ids))
    for own, vectors in zip(ids, found, strict=True):
        expected = run_reference(model, own.tolist(), [0] * len(own))
        assert vectors.shape == expected.shape
        assert cosine(vectors, expected).min() > 0.99


def test_logits_are_those_of_the_reference(model: TinyModel, unit: str) -> None:
    ids = draw([4, 9, 17, 40])
    found = NativeSession(model.folder, head=True, unit=unit).infer(ids, zeros(ids))
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


def test_units_of_one_arithmetic_agree(model: TinyModel, unit: str) -> None:
    """The arithmetic on levels is exact, so that only the rounding of floats differs, and a level here and there."""
    ids = draw([7, 21, 50])
    portable = f"portable_{arithmetic_of(unit).rpartition('-')[2]}"
    left, right = (NativeSession(model.folder, head=False, unit=one).infer(ids, zeros(ids)) for one in (unit, portable))
    cosines = np.concatenate([cosine(a, b) for a, b in zip(left, right, strict=True)])
    assert cosines.mean() > 0.9999
    assert cosines.min() > 0.998


def test_eight_bits_are_nearer_to_the_weights_than_seven(model: TinyModel) -> None:
    ids = draw([7, 21, 50])
    errors = []
    for one in ("portable_int8", "portable_int7"):
        found = NativeSession(model.folder, head=False, unit=one).infer(ids, zeros(ids))
        wanted = [run_reference(model, own.tolist(), [0] * len(own)) for own in ids]
        errors.append(np.mean([1 - cosine(a, b).mean() for a, b in zip(found, wanted, strict=True)]))
    assert errors[0] < errors[1] / 2


@pytest.mark.parametrize("length", [3, 300, 341, 512])
def test_equal_tokens_do_not_overflow(tmp_path: Path, unit: str, length: int) -> None:
    """Attention is uniform and all values are equal, so that their products add up to the most that can occur."""
    flat = np.zeros((512, 64), np.float32)
    model = make_model(tmp_path, positions=512, changes={"embeddings.position_embeddings.weight": flat})
    ids = [np.full(length, 5, np.int32)]
    [found] = NativeSession(tmp_path, head=False, unit=unit).infer(ids, zeros(ids))
    [one] = run_reference(model, [5], [0])
    assert cosine(found, np.broadcast_to(one, found.shape)).min() > 0.99


def test_the_name_has_family_and_bits_of_the_arithmetic(model: TinyModel) -> None:
    names = {one: NativeSession(model.folder, head=False, unit=one).name for one in list_units()}
    assert names["portable_int8"] == "native-vnni-int8"
    assert names["portable_int7"] == "native-avx2-int7"
    expected = {"avx2": "native-avx2-int7", "avxvnni": "native-vnni-int8", "avx512": "native-vnni-int8"}
    assert names == names | {one: name for one, name in expected.items() if one in names}


def test_a_large_run_leaves_no_memory_behind(tmp_path: Path) -> None:
    """A thread keeps at most 16 MiB of what it works in; a run that needs more gives all of it back."""
    model = make_model(tmp_path, hidden=768, positions=512)
    session = NativeSession(model.folder, head=False)
    ids = [np.full(512, 5, np.int32)] * 14
    session.infer(ids[:1], zeros(ids[:1]))
    before = resident_bytes()
    session.infer(ids, zeros(ids))
    assert resident_bytes() - before < 40_000_000 < 3 * len(ids) * 512 * 768 * 4


def resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


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
        NativeSession(model.folder, head=False, unit="sve")


def test_what_no_table_holds_is_refused(model: TinyModel) -> None:
    session = NativeSession(model.folder, head=False)
    for ids in (np.array([1, 500], np.int32), np.array([-1], np.int32)):
        with pytest.raises(BackendError, match="token id"):
            session.infer([ids], [np.zeros_like(ids)])
    for length in (70, 0):
        with pytest.raises(BackendError, match=f"{length} tokens; the model reads 1 to 6"):
            session.infer([np.ones(length, np.int32)], [np.zeros(length, np.int32)])


def test_the_product_alone_is_timed_where_it_can_run() -> None:
    for one in list_units():
        assert product_rate(8, 64, 64, 10, one) > 1e6
    assert product_rate(8, 64, 64, 10, "neon") == 0
    assert arithmetic_of("neon") == ""
