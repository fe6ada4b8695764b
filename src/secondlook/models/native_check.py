"""Whether the native encoder says what the weights say, against plain float32 arithmetic and the portable units."""

import math
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np

from secondlook.domain.model import UnitCheck
from secondlook.errors import BackendError
from secondlook.models.batching import Floats, Ids, Session
from secondlook.models.graph import EncoderConfig, read_config, read_weights
from secondlook.models.native_session import NativeSession, arithmetic_of, best_unit, list_units, product_rate

LEAST_COSINE = 0.97
"""Right int8 gives about 0.998 (docs/decisions/0009); a wrong instruction or layout, nearly 0."""
MOST_BYTES = 160_000_000
"""Weights above this are not checked: reading them again would take longer than half a second."""
MOST_TOKENS = 8
LEAST_MEAN = {"avx2-int7": 0.995, "vnni-int8": 0.999}
"""Mean cosine of token vectors to float32 arithmetic; measured .998 and .9995 on all-MiniLM-L6-v2."""
LEAST_PORTABLE = 0.9999
"""Mean cosine to the portable unit after one layer. Rounding in the last bits turns a level of a byte here and there,
and each layer multiplies these, until two units are as far apart as each is from the weights."""
LENGTHS = (1, 2, 7, 20, 65)
"""Tokens of the sequences that the units are compared on."""
QUERY_LENGTHS = (10, 20, 30)
"""Tokens of the short queries that are timed."""
QUERY_ROUNDS = 40
PRODUCT = (512, 384, 1536)
"""Rows, inputs, outputs of the timed product, which are those of a feed-forward layer of all-MiniLM-L6-v2."""
OPERATIONS = 2e10

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


def check_units(folder: Path) -> list[UnitCheck]:
    """Every unit that this processor supports on the weights in the folder, the fastest first; one thread.

    The portable units are what the others are compared with; they serve nobody, and are not timed.
    """
    weights, config = read_weights(folder), read_config(folder)
    drawn = np.random.default_rng(5)
    words = len(weights["embeddings.word_embeddings.weight"])
    ids = [drawn.integers(0, words, min(length, config.max_positions)).astype(np.int32) for length in LENGTHS]
    wanted = [run_plain(weights, config, one) for one in ids]
    checks = []
    for unit in list_units():
        session = NativeSession(folder, head=False, unit=unit)
        arithmetic = arithmetic_of(unit)
        portable = f"portable_{arithmetic.rpartition('-')[2]}"
        served = unit != portable
        cosines = _cosines(_run(session, ids), wanted)
        first, other = (_run(NativeSession(folder, head=False, unit=one, layers=1), ids) for one in (unit, portable))
        checks.append(
            UnitCheck(
                unit,
                arithmetic,
                serves=unit == best_unit(),
                lowest=float(cosines.min()),
                mean=float(cosines.mean()),
                least_mean=LEAST_MEAN[arithmetic],
                portable_mean=float(_cosines(first, other).mean()),
                least_portable=LEAST_PORTABLE,
                rate=time_product(unit) if served else 0.0,
                query_seconds=time_queries(session, config.max_positions) if served else {},
            )
        )
    return checks


def time_product(unit: str) -> float:
    """Operations a second of one thread in the integer product of a feed-forward layer of all-MiniLM-L6-v2."""
    return product_rate(*PRODUCT, max(1, int(OPERATIONS / 2 / math.prod(PRODUCT))), unit)


def time_queries(session: Session, max_positions: int) -> Mapping[int, float]:
    """Median processor time of encoding one short query alone in this thread, in seconds by its number of tokens."""
    found: dict[int, float] = {}
    for length in QUERY_LENGTHS:
        ids = np.arange(min(length, max_positions), dtype=np.int32) % 16
        seconds = []
        for _ in range(QUERY_ROUNDS):
            began = time.thread_time()
            _run(session, [ids])
            seconds.append(time.thread_time() - began)
        found[length] = statistics.median(seconds)
    return found


def _run(session: Session, ids: Sequence[Ids]) -> list[Floats]:
    return session.infer(ids, [np.zeros_like(one) for one in ids])


def _cosines(left: Sequence[Floats], right: Sequence[Floats]) -> Floats:
    """Of all token vectors."""
    a, b = np.concatenate(left), np.concatenate(right)
    return np.asarray((a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1), np.float32)


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
