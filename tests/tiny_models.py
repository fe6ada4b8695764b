"""Tiny BERT and XLM-RoBERTa models with random weights, and what they compute in plain numpy."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

Floats = NDArray[np.float32]
HIDDEN, HEADS, LAYERS, WIDE, POSITIONS = 64, 2, 2, 128, 64
WORDS = (
    "the oil lamp freezes warm it before lighting fog horn blasts every ninety seconds station battery signal".split()
)


@dataclass(frozen=True)
class TinyModel:
    """A model folder and its weights."""

    folder: Path
    kind: str
    weights: dict[str, Floats]

    @property
    def offset(self) -> int:
        """First position id."""
        return 0 if self.kind == "bert" else 2


def make_model(
    folder: Path,
    kind: str = "bert",
    *,
    head: bool = True,
    seed: int = 3,
    spread: float = 0.2,
    hidden: int = HIDDEN,
    positions: int = POSITIONS,
    changes: Mapping[str, Floats] | None = None,
) -> TinyModel:
    """Write config.json, tokenizer.json and model.safetensors of a random encoder; ``changes`` replace some tensors."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder, kind)
    config = {
        "model_type": kind,
        "num_hidden_layers": LAYERS,
        "hidden_size": hidden,
        "num_attention_heads": HEADS,
        "intermediate_size": WIDE,
        "layer_norm_eps": 1e-5,
        "max_position_embeddings": positions,
        "type_vocab_size": 2 if kind == "bert" else 1,
        "pad_token_id": 0 if kind == "bert" else 1,
        "hidden_act": "gelu",
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    model = TinyModel(folder, kind, random_weights(kind, head, seed, spread, hidden, positions) | dict(changes or {}))
    prefix = "bert." if kind == "bert" else "roberta."
    named = {name if name.startswith("classifier") else prefix + name: value for name, value in model.weights.items()}
    save_file(named, folder / "model.safetensors")
    return model


def write_tokenizer(folder: Path, kind: str) -> None:
    """A tokenizer of whole words with the special tokens of its kind."""
    first, last = ("[CLS]", "[SEP]") if kind == "bert" else ("<s>", "</s>")
    specials = ["[PAD]", first, last, "[UNK]"] if kind == "bert" else [first, "<pad>", last, "[UNK]"]
    words = {word: at for at, word in enumerate(specials + WORDS)}
    tokenizer = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    pair = f"{first} $A {last} $B:1 {last}:1" if kind == "bert" else f"{first} $A {last} {last} $B {last}"
    tokenizer.post_processor = TemplateProcessing(
        single=f"{first} $A {last}", pair=pair, special_tokens=[(one, words[one]) for one in (first, last)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))


def random_weights(
    kind: str, head: bool, seed: int, spread: float, hidden: int, positions: int = POSITIONS
) -> dict[str, Floats]:
    """Every tensor of the encoder, named without the architecture's prefix."""
    chance = np.random.default_rng(seed)

    def draw(*shape: int) -> Floats:
        return (chance.standard_normal(shape) * spread).astype(np.float32)

    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (4 + len(WORDS), hidden),
        "embeddings.position_embeddings.weight": (positions, hidden),
        "embeddings.token_type_embeddings.weight": (2 if kind == "bert" else 1, hidden),
    }
    sizes = {
        "attention.self.query": (hidden, hidden),
        "attention.self.key": (hidden, hidden),
        "attention.self.value": (hidden, hidden),
        "attention.output.dense": (hidden, hidden),
        "intermediate.dense": (WIDE, hidden),
        "output.dense": (hidden, WIDE),
    }
    for layer in range(LAYERS):
        for name, (rows, columns) in sizes.items():
            shapes[f"encoder.layer.{layer}.{name}.weight"] = (rows, columns)
            shapes[f"encoder.layer.{layer}.{name}.bias"] = (rows,)
    if head:
        dense, out = ("pooler.dense", "classifier") if kind == "bert" else ("classifier.dense", "classifier.out_proj")
        shapes |= {f"{dense}.weight": (hidden, hidden), f"{dense}.bias": (hidden,)}
        shapes |= {f"{out}.weight": (1, hidden), f"{out}.bias": (1,)}
    made = {name: draw(*shape) for name, shape in shapes.items()}
    norms = ["embeddings.LayerNorm"] + [
        f"encoder.layer.{layer}.{place}.LayerNorm"
        for layer in range(LAYERS)
        for place in ("attention.output", "output")
    ]
    for name in norms:
        made[f"{name}.weight"] = 1 + draw(hidden)
        made[f"{name}.bias"] = draw(hidden)
    return made


def run_reference(model: TinyModel, token_ids: list[int], types: list[int]) -> Floats:
    """Hidden states [tokens, hidden] of one sequence, step by step as the papers have it."""
    weights = model.weights
    places = np.arange(len(token_ids)) + model.offset
    hidden = (
        weights["embeddings.word_embeddings.weight"][token_ids]
        + weights["embeddings.position_embeddings.weight"][places]
        + weights["embeddings.token_type_embeddings.weight"][types]
    )
    hidden = _norm(model, hidden, "embeddings.LayerNorm")
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}."
        mixed = _dense(model, _attend(model, hidden, at), at + "attention.output.dense")
        hidden = _norm(model, mixed + hidden, at + "attention.output.LayerNorm")
        wide = _dense(model, hidden, at + "intermediate.dense")
        active = wide * 0.5 * (1 + np.vectorize(math.erf)(wide / math.sqrt(2)))
        hidden = _norm(model, _dense(model, active, at + "output.dense") + hidden, at + "output.LayerNorm")
    return hidden.astype(np.float32)


def run_head(model: TinyModel, hidden: Floats) -> float:
    """The logit from the first token's hidden state."""
    dense, out = ("pooler.dense", "classifier") if model.kind == "bert" else ("classifier.dense", "classifier.out_proj")
    return float(_dense(model, np.tanh(_dense(model, hidden[0], dense)), out)[0])


def _attend(model: TinyModel, hidden: Floats, at: str) -> Floats:
    query, key, value = (
        _dense(model, hidden, f"{at}attention.self.{name}").reshape(len(hidden), HEADS, -1).transpose(1, 0, 2)
        for name in ("query", "key", "value")
    )
    logits = query @ key.transpose(0, 2, 1) / math.sqrt(hidden.shape[1] // HEADS)
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return (shares @ value).transpose(1, 0, 2).reshape(hidden.shape)


def _dense(model: TinyModel, hidden: Floats, name: str) -> Floats:
    return hidden @ model.weights[f"{name}.weight"].T + model.weights[f"{name}.bias"]


def _norm(model: TinyModel, hidden: Floats, name: str) -> Floats:
    centred = hidden - hidden.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    return scaled * model.weights[f"{name}.weight"] + model.weights[f"{name}.bias"]
