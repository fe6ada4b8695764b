"""The other runtime: one sequence a run, its graph kept."""

from pathlib import Path

import numpy as np
import pytest

from secondlook.errors import BackendError
from secondlook.models.onnx_session import OnnxSession
from tests.tiny_models import make_model


def test_each_sequence_is_run_alone_and_the_graph_is_kept(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model").folder
    ids = [np.array([1, 5, 2], np.int32), np.array([1, 6, 7, 8, 2], np.int32)]
    types = [np.zeros_like(one) for one in ids]
    for _ in range(2):
        session = OnnxSession(folder, head=False, precision="int8", digest="d" * 64, cache=tmp_path / "graphs")
        short, long = session.infer(ids, types)
        assert (short.shape, long.shape) == ((3, 64), (5, 64))
        assert np.array_equal(short, session.infer(ids[:1], types[:1])[0])
    assert [path.name for path in (tmp_path / "graphs").iterdir()] == [f"{'d' * 24}-int8-body-v1.onnx"]


def test_a_failed_run_says_so(tmp_path: Path) -> None:
    folder = make_model(tmp_path).folder
    session = OnnxSession(folder, head=False, precision="fp32", digest="d", cache=None)
    with pytest.raises(BackendError, match="inference on onnxruntime-fp32 failed"):
        session.infer([np.array([10_000], np.int32)], [np.zeros(1, np.int32)])
