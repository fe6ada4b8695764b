"""An exported graph scores like the weights it was made from, and nothing else is taken for one."""

import asyncio
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from secondlook.errors import BackendError, QueryTooLongError, SetupError
from secondlook.models.encoder import Encoder
from secondlook.models.graph import build_encoder
from secondlook.models.onnx_cross_encoder import OnnxCrossEncoder
from secondlook.models.registry import open_scorer, takes_graph
from secondlook.models.weights import add_model
from tests.tiny_models import make_model

TEXTS = ["fog horn", "the oil lamp freezes " * 40, "", "warm it"]


def export(folder: Path, *, mask: bool = True, seed: int = 3) -> Path:
    """A model folder with its graph beside the weights, with the inputs that exporters give it."""
    make_model(folder, seed=seed)
    model = onnx.load_from_string(build_encoder(folder, head=True, precision="fp32"))
    if mask:
        model.graph.input.append(
            helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["batch", "tokens"])
        )
    onnx.save(model, folder / "model.onnx")
    return folder


def write_graph(folder: Path, inputs: tuple[str, ...], labels: int) -> Path:
    """A graph that gives ``labels`` zeros."""
    make_model(folder)
    given = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in inputs]
    zeros = numpy_helper.from_array(np.zeros((1, labels), np.float32), "zeros")
    node = helper.make_node("Identity", ["zeros"], ["logits"])
    out = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, labels])
    graph = helper.make_graph([node], "g", given, [out], [zeros])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "model.onnx"
    )
    return folder


@pytest.mark.parametrize("mask", [True, False])
def test_it_scores_like_its_weights(tmp_path: Path, mask: bool) -> None:
    folder = export(tmp_path, mask=mask)
    graph, weights = OnnxCrossEncoder(folder, threads=2), Encoder(folder, head=True, precision="fp32", threads=1)
    found = asyncio.run(graph.score_pairs("oil lamp", TEXTS, max_tokens=60))
    wanted = asyncio.run(weights.score_pairs("oil lamp", TEXTS, max_tokens=60))
    assert [one for one, _ in found] == pytest.approx([one for one, _ in wanted], abs=1e-4)
    assert [cut for _, cut in found] == [cut for _, cut in wanted] == [False, True, False, False]
    assert graph.identity.startswith(f"{folder.name}@") and graph.identity.endswith("onnxruntime-graph")
    assert asyncio.run(graph.score_pairs("oil", [])) == []
    graph.close()
    weights.close()


def test_a_query_without_room(tmp_path: Path) -> None:
    graph = OnnxCrossEncoder(export(tmp_path), threads=1)
    with pytest.raises(QueryTooLongError, match="reads 10 of query and passage"):
        asyncio.run(graph.score_pairs("lamp " * 20, ["oil"], max_tokens=10))
    graph.close()


def test_a_graph_that_takes_something_else(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="pixel_values"):
        OnnxCrossEncoder(write_graph(tmp_path, ("input_ids", "pixel_values"), 1))


def test_a_graph_with_several_labels(tmp_path: Path) -> None:
    graph = OnnxCrossEncoder(write_graph(tmp_path, ("input_ids",), 3), threads=1)
    with pytest.raises(BackendError, match="3 numbers"):
        asyncio.run(graph.score_pairs("oil", ["lamp"]))
    graph.close()


def test_broken_files(tmp_path: Path) -> None:
    folder = export(tmp_path)
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(SetupError, match=r"tokenizer\.json"):
        OnnxCrossEncoder(folder)
    (folder / "model.onnx").write_bytes(b"broken")
    with pytest.raises(SetupError, match=r"could not run .*model\.onnx"):
        OnnxCrossEncoder(folder)


def test_the_graph_serves_where_the_weights_cannot(tmp_path: Path) -> None:
    folder = export(tmp_path / "mine")
    assert not takes_graph(folder)
    (folder / "config.json").write_text('{"model_type": "deberta-v2"}', encoding="utf-8")
    assert takes_graph(folder)
    added = add_model("mine", folder, tmp_path / "cache", graph=True)
    assert sorted(one.name for one in added.iterdir()) == ["config.json", "model.onnx", "tokenizer.json"]
    scorer = open_scorer(added, name="mine", threads=1)
    assert "onnxruntime-graph" in scorer.identity
    scorer.close()
