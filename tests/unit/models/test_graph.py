"""The graph computes what the architecture says."""

import json
from pathlib import Path

import numpy as np
import pytest
from onnxruntime import InferenceSession
from safetensors.numpy import load_file, save_file

from secondlook.errors import SetupError
from secondlook.models.graph import Precision, build_encoder, read_config
from tests.tiny_models import make_model, run_head, run_reference

TOKENS = [1, 4, 9, 17, 5, 2]


def run(folder: Path, rows: list[list[int]], *, head: bool, precision: Precision) -> np.ndarray:
    session = InferenceSession(build_encoder(folder, head=head, precision=precision))
    ids = np.array(rows, np.int64)
    found: np.ndarray = session.run(None, {"input_ids": ids, "token_type_ids": np.zeros_like(ids)})[0]
    return found


@pytest.mark.parametrize("kind", ["bert", "xlm-roberta"])
@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-4), ("int8", 0.25)])
def test_hidden_states_and_logit(tmp_path: Path, kind: str, precision: Precision, tolerance: float) -> None:
    model = make_model(tmp_path, kind)
    expected = run_reference(model, TOKENS, [0] * len(TOKENS))
    found = run(tmp_path, [TOKENS, TOKENS], head=False, precision=precision)
    assert found.shape == (2, len(TOKENS), 64)
    assert np.abs(found - expected).max() < tolerance
    logits = run(tmp_path, [TOKENS], head=True, precision=precision)
    assert logits.shape == (1, 1)
    assert abs(float(logits[0, 0]) - run_head(model, expected)) < tolerance


def test_batch_rows_do_not_mix(tmp_path: Path) -> None:
    make_model(tmp_path)
    other = [1, 8, 8, 8, 8, 2]
    together = run(tmp_path, [TOKENS, other], head=False, precision="fp32")
    alone = run(tmp_path, [other], head=False, precision="fp32")
    assert np.allclose(together[1], alone[0], atol=1e-5)
    assert np.abs(together[0] - together[1]).max() > 0.1


@pytest.mark.parametrize(
    ("change", "word"),
    [({"model_type": "gpt2"}, "gpt2"), ({"hidden_act": "relu"}, "relu"), ({"num_hidden_layers": None}, "config.json")],
)
def test_configs_that_cannot_be_run(tmp_path: Path, change: dict[str, object], word: str) -> None:
    make_model(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(SetupError, match=word):
        read_config(tmp_path)


def test_a_missing_config(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"config\.json"):
        read_config(tmp_path)


def test_a_missing_tensor_is_named(tmp_path: Path) -> None:
    make_model(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    del tensors["bert.encoder.layer.1.output.dense.weight"]
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(SetupError, match=r"encoder\.layer\.1\.output\.dense\.weight"):
        build_encoder(tmp_path, head=False, precision="fp32")


def test_weights_that_are_no_safetensors(tmp_path: Path) -> None:
    make_model(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\x80\x04pickle")
    with pytest.raises(SetupError, match="could not read"):
        build_encoder(tmp_path, head=False, precision="fp32")
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(SetupError, match="only safetensors"):
        build_encoder(tmp_path, head=False, precision="fp32")
