"""The inference graph of a BERT or XLM-RoBERTa encoder, straight from its config and safetensors weights."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from secondlook.errors import SetupError

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

Precision = Literal["fp32", "int8"]
Array = NDArray[np.float32]

GRAPH_VERSION = 1
"""Counts up whenever the same weights would give another graph."""

WEIGHT_LEVELS = 63
"""Largest weight magnitude in int8: 7 bits, since CPUs without VNNI saturate when two u8*s8 products are added."""

MICROSOFT = "com.microsoft"


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """The shape of an encoder.

    Attributes:
        position_offset: first position id; XLM-RoBERTa counts from its padding id + 1.
    """

    kind: Literal["bert", "xlm-roberta"]
    layers: int
    hidden: int
    heads: int
    epsilon: float
    max_positions: int
    position_offset: int
    token_types: int


def read_config(folder: Path) -> EncoderConfig:
    """The encoder's shape; raises ``SetupError`` if the file is absent, broken or of another architecture."""
    path = folder / "config.json"
    try:
        raw = json.loads(path.read_text())
        kind = raw["model_type"]
        if kind not in ("bert", "roberta", "xlm-roberta"):
            raise SetupError(f"{path}: model_type is {kind!r}; supported: bert, roberta and xlm-roberta")
        if raw.get("hidden_act", "gelu") != "gelu":
            raise SetupError(f"{path}: hidden_act is {raw['hidden_act']!r}; only gelu is supported")
        offset = 0 if kind == "bert" else int(raw["pad_token_id"]) + 1
        return EncoderConfig(
            kind="bert" if kind == "bert" else "xlm-roberta",
            layers=int(raw["num_hidden_layers"]),
            hidden=int(raw["hidden_size"]),
            heads=int(raw["num_attention_heads"]),
            epsilon=float(raw["layer_norm_eps"]),
            max_positions=int(raw["max_position_embeddings"]) - offset,
            position_offset=offset,
            token_types=int(raw.get("type_vocab_size", 1)),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SetupError(f"could not use {path} ({error}): give a folder with a complete config.json") from error


def build_encoder(folder: Path, *, head: bool, precision: Precision) -> bytes:
    """A serialised ONNX model.

    Inputs ``input_ids`` and ``token_type_ids``, int64 [batch, tokens]; all sequences of a
    batch have the same length, so there is no mask and no padding. Output
    ``last_hidden_state`` [batch, tokens, hidden], or ``logits`` [batch, labels] with ``head``.

    ``int8``: weights symmetric per output channel, activations dynamic per matrix.
    """
    config = read_config(folder)
    weights = read_weights(folder)
    return _Builder(config, weights, precision).build(head=head)


def read_weights(folder: Path) -> Mapping[str, Array]:
    """All tensors as float32, names without the architecture's prefix; only safetensors are read."""
    path = folder / "model.safetensors"
    if not path.is_file():
        raise SetupError(f"{path} does not exist: only safetensors weights are loaded, never pickles")
    try:
        from safetensors.numpy import load_file

        tensors = load_file(path)
    except Exception as error:
        raise SetupError(f"could not read {path} ({error}): copy or download it again") from error
    prefixes = ("bert.", "roberta.")
    named = {}
    for name, tensor in tensors.items():
        short = next((name[len(one) :] for one in prefixes if name.startswith(one)), name)
        named[short.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")] = (
            np.ascontiguousarray(tensor, dtype=np.float32) if tensor.dtype.kind == "f" else tensor
        )
    return named


class _Builder:
    """Collects nodes and initialisers; each method returns the name of its output."""

    def __init__(self, config: EncoderConfig, weights: Mapping[str, Array], precision: Precision) -> None:
        self.config = config
        self.weights = weights
        self.precision = precision
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, TensorProto] = {}

    def build(self, *, head: bool) -> bytes:
        from onnx import TensorProto, helper

        hidden = self._embed()
        for layer in range(self.config.layers):
            hidden = self._layer(hidden, f"encoder.layer.{layer}.")
        output = self._head(hidden) if head else hidden
        name = "logits" if head else "last_hidden_state"
        self._node("Identity", [output], name)
        shape: list[str | int | None] = ["batch", "labels"] if head else ["batch", "tokens", self.config.hidden]
        graph = helper.make_graph(
            self.nodes,
            "encoder",
            [
                helper.make_tensor_value_info(one, TensorProto.INT64, ["batch", "tokens"])
                for one in ("input_ids", "token_type_ids")
            ],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)],
            list(self.constants.values()),
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)]
        return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())

    def _weight(self, name: str) -> Array:
        try:
            return self.weights[name]
        except KeyError as error:
            raise SetupError(
                f"model.safetensors has no tensor {name!r}: the weights do not match config.json"
            ) from error

    def _constant(self, name: str, value: NDArray[np.generic]) -> str:
        from onnx import numpy_helper

        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(value, name)
        return name

    def _parameter(self, name: str) -> str:
        return self._constant(name, self._weight(name))

    def _node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def _embed(self) -> str:
        at = "embeddings."
        first = self.config.position_offset
        positions = self._weight(at + "position_embeddings.weight")[first:]
        words = self._node("Gather", [self._parameter(at + "word_embeddings.weight"), "input_ids"], "words")
        types = self._node("Gather", [self._parameter(at + "token_type_embeddings.weight"), "token_type_ids"], "types")
        shape = self._node("Shape", ["input_ids"], "length", start=1, end=2)
        zero = self._constant("zero", np.array([0], np.int64))
        table = self._constant("positions", np.ascontiguousarray(positions))
        axis = self._constant("axis0", np.array([0], np.int64))
        place = self._node("Slice", [table, zero, shape, axis], "places")
        total = self._node("Add", [self._node("Add", [words, types], "words_types"), place], "embedded")
        gamma, beta = self._parameter(at + "LayerNorm.weight"), self._parameter(at + "LayerNorm.bias")
        return self._node("LayerNormalization", [total, gamma, beta], "embeddings", epsilon=self.config.epsilon)

    def _layer(self, hidden: str, at: str) -> str:
        parts = [at + f"attention.self.{one}." for one in ("query", "key", "value")]
        weight = np.concatenate([self._weight(one + "weight") for one in parts])
        bias = np.concatenate([self._weight(one + "bias") for one in parts])
        joint = self._linear(hidden, at + "qkv", weight, bias)
        names = [at + one for one in ("q", "k", "v")]
        sizes = self._constant("thirds", np.array([self.config.hidden] * 3, np.int64))
        from onnx import helper

        self.nodes.append(helper.make_node("Split", [joint, sizes], names, name=at + "split", axis=2))
        heads = self.config.heads
        context = self._node("MultiHeadAttention", names, at + "context", domain=MICROSOFT, num_heads=heads)
        attended = self._linear(context, at + "attention.output.dense")
        hidden = self._skip_norm(attended, hidden, at + "attention.output.LayerNorm")
        wide = self._linear(hidden, at + "intermediate.dense", bias=np.zeros(0, np.float32))
        active = self._node(
            "BiasGelu", [wide, self._parameter(at + "intermediate.dense.bias")], at + "gelu", domain=MICROSOFT
        )
        narrow = self._linear(active, at + "output.dense")
        return self._skip_norm(narrow, hidden, at + "output.LayerNorm")

    def _skip_norm(self, hidden: str, skip: str, at: str) -> str:
        inputs = [hidden, skip, self._parameter(at + ".weight"), self._parameter(at + ".bias")]
        epsilon = self.config.epsilon
        return self._node("SkipLayerNormalization", inputs, at + ".out", domain=MICROSOFT, epsilon=epsilon)

    def _linear(self, hidden: str, at: str, weight: Array | None = None, bias: Array | None = None) -> str:
        """``hidden @ weight.T + bias``; an empty bias adds none (it is fused elsewhere)."""
        weight = self._weight(at + ".weight") if weight is None else weight
        bias = self._weight(at + ".bias") if bias is None else bias
        addend = self._constant(at + ".b", bias) if bias.size else ""
        if self.precision == "fp32":
            product = self._node("MatMul", [hidden, self._constant(at + ".w", np.ascontiguousarray(weight.T))], at)
            return self._node("Add", [product, addend], at + ".sum") if addend else product
        scale = np.maximum(np.abs(weight).max(axis=1), 1e-12) / WEIGHT_LEVELS
        levels = np.clip(np.rint(weight / scale[:, None]), -WEIGHT_LEVELS, WEIGHT_LEVELS).astype(np.int8)
        inputs = [
            hidden,
            self._constant(at + ".w", np.ascontiguousarray(levels.T)),
            self._constant(at + ".s", scale.astype(np.float32)),
            self._constant(at + ".z", np.zeros(len(scale), np.int8)),
            addend,
        ]
        return self._node("DynamicQuantizeMatMul", inputs[: 5 if addend else 4], at, domain=MICROSOFT)

    def _head(self, hidden: str) -> str:
        axis = self._constant("first", np.array(0, np.int64))
        first = self._node("Gather", [hidden, axis], "cls", axis=1)
        bert = self.config.kind == "bert"
        dense, out = ("pooler.dense", "classifier") if bert else ("classifier.dense", "classifier.out_proj")
        pooled = self._node("Tanh", [self._gemm(first, dense)], "pooled")
        return self._gemm(pooled, out)

    def _gemm(self, hidden: str, at: str) -> str:
        return self._node(
            "Gemm", [hidden, self._parameter(at + ".weight"), self._parameter(at + ".bias")], at, transB=1
        )
