"""The native encoder is held against plain arithmetic before it serves."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from secondlook.errors import BackendError
from secondlook.models import native_check
from secondlook.models.batching import Floats, Ids
from secondlook.models.encoder import Encoder
from secondlook.models.graph import read_config, read_weights
from secondlook.models.native_check import check_session, check_units, run_plain
from secondlook.models.native_session import NativeSession, best_unit, list_units
from tests.tiny_models import make_model, run_reference

IDS = [1, 5, 6, 7, 2]


class Mirror:
    """A session that gives the right vectors, or others."""

    name = "mirror"
    tokens_a_run = 1
    pads = False

    def __init__(self, folder: Path, *, wrong: bool = False) -> None:
        self.folder, self.wrong, self.asked = folder, wrong, 0

    def infer(self, ids: Sequence[Ids], types: Sequence[Ids]) -> list[Floats]:
        self.asked += 1
        found = [run_plain(read_weights(self.folder), read_config(self.folder), one) for one in ids]
        return [one[::-1] * np.float32(-1) for one in found] if self.wrong else found


@pytest.mark.parametrize("kind", ["bert", "xlm-roberta"])
def test_plain_arithmetic_is_what_the_papers_have(tmp_path: Path, kind: str) -> None:
    model = make_model(tmp_path, kind, head=False)
    found = run_plain(read_weights(tmp_path), read_config(tmp_path), np.array(IDS, np.int32))
    assert found == pytest.approx(run_reference(model, IDS, [0] * len(IDS)), abs=1e-4)


def test_one_that_disagrees_is_told(tmp_path: Path) -> None:
    make_model(tmp_path, head=False)
    check_session(Mirror(tmp_path), tmp_path, IDS)
    with pytest.raises(BackendError, match=r"mirror disagrees with the weights: cosine -?\d"):
        check_session(Mirror(tmp_path, wrong=True), tmp_path, IDS)


def test_large_weights_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_model(tmp_path, head=False)
    monkeypatch.setattr(native_check, "MOST_BYTES", 10)
    session = Mirror(tmp_path, wrong=True)
    check_session(session, tmp_path, IDS)
    assert session.asked == 0


@pytest.mark.skipif(not best_unit(), reason="the native encoder is not built here")
def test_onnx_runtime_takes_the_place_of_one_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make_model(tmp_path, head=False)
    right = NativeSession.infer

    def infer(self: NativeSession, ids: Sequence[Ids], types: Sequence[Ids]) -> list[Floats]:
        return [-one for one in right(self, ids, types)]

    assert "native" in Encoder(tmp_path, threads=1).identity
    monkeypatch.setattr(NativeSession, "infer", infer)
    with caplog.at_level(logging.WARNING):
        assert "onnxruntime" in Encoder(tmp_path, threads=1).identity
    assert "disagrees with the weights" in caplog.text
    with pytest.raises(BackendError):
        Encoder(tmp_path, threads=1, runtime="native")


@pytest.mark.skipif(not list_units(), reason="the native encoder is not built here")
def test_every_unit_of_this_processor_is_compared_and_timed(tmp_path: Path) -> None:
    make_model(tmp_path, head=False, spread=0.1)
    found = check_units(tmp_path)
    assert [one.name for one in found] == list_units()
    assert [one.name for one in found if one.serves] == ([best_unit()] if best_unit() else [])
    for one in found:
        assert one.portable_mean > 0.9999 and one.mean > 0.99
        if not one.name.startswith("portable"):
            assert one.rate > 1e9 and list(one.query_seconds) == [10, 20, 30]
            assert all(0 < seconds < 1 for seconds in one.query_seconds.values())


@pytest.mark.skipif(not list_units(), reason="the native encoder is not built here")
def test_a_unit_that_computes_something_else_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_model(tmp_path, head=False, spread=0.1)
    right = NativeSession.infer

    def infer(self: NativeSession, ids: Sequence[Ids], types: Sequence[Ids]) -> list[Floats]:
        found = right(self, ids, types)
        return [one[:, ::-1] for one in found] if self.unit == "portable_int8" else found

    monkeypatch.setattr(NativeSession, "infer", infer)
    by_name = {one.name: one for one in check_units(tmp_path)}
    assert not by_name["portable_int8"].agrees
    assert by_name["portable_int7"].portable_mean > 0.9999
