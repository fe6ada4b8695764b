"""Whether the native encoder says what the weights say: a short text against plain float32 arithmetic."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np

from secondlook.errors import BackendError
from secondlook.models.batching import Floats, Ids, Session
from secondlook.models.graph import EncoderConfig, read_config, read_weights

LEAST_COSINE = 0.97
"""Right int8 gives about 0.998 (docs/decisions/0009); a wrong instruction or layout, nearly 0."""
MOST_BYTES = 160_000_000
"""Weights above this are not checked: reading them again would take longer than half a second."""
MOST_TOKENS = 8

_erf = np.vectorize(math.erf, otypes=[np.float32])


def check_session(session: Session, folder: Path, token_ids: Sequence[int] | Ids) -> None:
    """Nothing, when the vectors agree or the weights are too large to check.

    Raises:
        BackendError: the cosine over all token vectors is below 0.97.
    """
    if (folder / "model.safetensors").stat().st_size > MOST_BYTES:
        return
    ids = np.array(token_ids[:MOST_TOKENS], np.int32)
    [found] = session.infer([ids], [np.zeros_like(ids)])
    wanted = run_plain(read_weights(folder), read_config(folder), ids)
    norms = float(np.linalg.norm(found)) * float(np.linalg.norm(wanted))
    cosine = float(np.sum(found * wanted)) / norms if norms else 0.0
    if not cosine >= LEAST_COSINE:
        raise BackendError(f"{session.name} disagrees with the weights: cosine {cosine:.4f}, at least {LEAST_COSINE}")


def run_plain(weights: Mapping[str, Floats], config: EncoderConfig, ids: Ids) -> Floats:
    """The token vectors [tokens, hidden] of one sequence in float32, all of token type 0."""
    places = np.arange(len(ids)) + config.position_offset
    hidden = (
        weights["embeddings.word_embeddings.weight"][ids]
        + weights["embeddings.position_embeddings.weight"][places]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    hidden = _norm(weights, config, hidden, "embeddings.LayerNorm")
    for layer in range(config.layers):
        at = f"encoder.layer.{layer}."
        mixed = _dense(weights, _attend(weights, config, hidden, at), at + "attention.output.dense")
        hidden = _norm(weights, config, mixed + hidden, at + "attention.output.LayerNorm")
        wide = _dense(weights, hidden, at + "intermediate.dense")
        active = wide * 0.5 * (1 + _erf(wide / math.sqrt(2)))
        hidden = _norm(weights, config, _dense(weights, active, at + "output.dense") + hidden, at + "output.LayerNorm")
    return hidden


def _attend(weights: Mapping[str, Floats], config: EncoderConfig, hidden: Floats, at: str) -> Floats:
    tokens, width = hidden.shape
    parts = [_dense(weights, hidden, f"{at}attention.self.{one}") for one in ("query", "key", "value")]
    query, key, value = (one.reshape(tokens, config.heads, -1).transpose(1, 0, 2) for one in parts)
    logits = query @ key.transpose(0, 2, 1) / math.sqrt(width // config.heads)
    shares = np.exp(logits - logits.max(axis=2, keepdims=True))
    shares /= shares.sum(axis=2, keepdims=True)
    return cast(Floats, (shares @ value).transpose(1, 0, 2).reshape(tokens, width))


def _dense(weights: Mapping[str, Floats], hidden: Floats, name: str) -> Floats:
    return cast(Floats, hidden @ weights[f"{name}.weight"].T + weights[f"{name}.bias"])


def _norm(weights: Mapping[str, Floats], config: EncoderConfig, hidden: Floats, name: str) -> Floats:
    centred = hidden - hidden.mean(axis=1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + config.epsilon)
    return cast(Floats, scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"])
