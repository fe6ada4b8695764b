"""An encoder in our own C++: several sequences at once without padding, each token on its own scale."""

import ctypes
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from secondlook.errors import BackendError, MemoryRanOutError
from secondlook.models.graph import EncoderConfig, read_config, read_weights

Floats = NDArray[np.float32]
Ids = NDArray[np.int32]

LIBRARY = Path(__file__).parent / "native" / "libsecondlook.so"
MOST_CHANNELS = 32
"""Output channels of the widest tile; every layer's width must be a multiple."""

_floats = ctypes.POINTER(ctypes.c_float)
_ints = ctypes.POINTER(ctypes.c_int32)


class _Shape(ctypes.Structure):
    _fields_ = (*((name, ctypes.c_int32) for name in ("layers", "hidden", "heads", "inner", "labels")),
                ("epsilon", ctypes.c_float))  # fmt: skip


class _Tables(ctypes.Structure):
    _fields_ = tuple(
        (name, _floats)
        for name in ("words", "positions", "types", "gain", "bias", "dense", "dense_bias", "label", "label_bias")
    )


class _Layer(ctypes.Structure):
    _fields_ = tuple(
        (name, _floats)
        for name in (
            "qkv", "qkv_bias", "output", "output_bias", "attention_gain", "attention_bias",
            "up", "up_bias", "down", "down_bias", "final_gain", "final_bias",
        )
    )  # fmt: skip


class _Batch(ctypes.Structure):
    _fields_ = (("sequences", ctypes.c_int32), ("token_ids", _ints), ("token_types", _ints), ("offsets", _ints))


@cache
def load_library() -> ctypes.CDLL | None:
    """The library, or None where it was not built or cannot be loaded."""
    try:
        library = ctypes.CDLL(str(LIBRARY))
        library.secondlook_best.restype = ctypes.c_char_p
        library.secondlook_unit.restype = ctypes.c_char_p
        library.secondlook_unit.argtypes = [ctypes.c_int]
        library.secondlook_arithmetic.restype = ctypes.c_char_p
        library.secondlook_arithmetic.argtypes = [ctypes.c_char_p]
        library.secondlook_make.restype = ctypes.c_void_p
        library.secondlook_make.argtypes = [ctypes.c_char_p, ctypes.POINTER(_Shape), ctypes.POINTER(_Tables)]
        library.secondlook_set_layer.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Layer)]
        library.secondlook_run.argtypes = [ctypes.c_void_p, ctypes.POINTER(_Batch), _floats]
        library.secondlook_time_product.restype = ctypes.c_double
        library.secondlook_time_product.argtypes = [ctypes.c_char_p, *[ctypes.c_int] * 4]
        library.secondlook_free.argtypes = [ctypes.c_void_p]
        library.secondlook_free.restype = None
    except (OSError, AttributeError):
        return None
    return library


def best_unit() -> str:
    """The unit that serves here, named after its instruction set: ``avx512``, ``avxvnni``, ``avx2``, or nothing."""
    library = load_library()
    return library.secondlook_best().decode() if library else ""


def list_units() -> list[str]:
    """Every unit that this processor supports, the fastest first; the portable ones come last and never serve."""
    library = load_library()
    names: Iterator[bytes | None] = map(library.secondlook_unit, itertools.count()) if library else iter(())
    return [name.decode() for name in itertools.takewhile(bool, names) if name]


def arithmetic_of(unit: str) -> str:
    """Family and bits of a unit: ``vnni-int8`` or ``avx2-int7``; nothing where this processor does not support it.

    Vectors of units of one arithmetic differ by rounding alone, those of the two by about 0.002 in the cosine.
    """
    library = load_library()
    return library.secondlook_arithmetic(unit.encode()).decode() if library else ""


def product_rate(rows: int, inputs: int, outputs: int, times: int, unit: str = "") -> float:
    """Operations a second of one thread in the integer product alone, which bounds what an encoder can reach.

    A multiplication and an addition are two operations; 0.0 where the unit cannot run.
    """
    library = load_library()
    chosen = (unit or best_unit()).encode()
    seconds = library.secondlook_time_product(chosen, rows, inputs, outputs, times) if library else -1.0
    return 2.0 * rows * inputs * outputs * times / seconds if seconds > 0 else 0.0


def can_run(config: EncoderConfig, inner: int) -> bool:
    """Whether the library is here, and the encoder's widths are multiples of its tiles."""
    widths = (config.hidden, config.hidden // config.heads, inner)
    return bool(best_unit()) and not any(width % MOST_CHANNELS for width in widths)


class NativeSession:
    """One model in memory; any number of threads may run it at once.

    Args:
        unit: one of ``list_units``; the best by default.
        layers: how many of the first layers to run; 0 for all.

    Raises:
        BackendError: this processor or this model cannot be served, or memory ran out.
    """

    pads = False
    tokens_a_run = 512
    """Tokens of the sequences that go through the layers together; the weights are read once for all."""

    def __init__(self, folder: Path, *, head: bool, unit: str = "", layers: int = 0) -> None:
        self._config = read_config(folder)
        if layers:
            self._config = replace(self._config, layers=layers)
        self._weights: Mapping[str, Floats] = read_weights(folder)
        self._kept: list[Floats] = []
        self._rows = tuple(len(self._weights[f"embeddings.{one}_embeddings.weight"]) for one in ("word", "token_type"))
        inner = self._weights["encoder.layer.0.intermediate.dense.weight"].shape[0]
        self.unit = unit or best_unit()
        if not can_run(self._config, inner):
            raise BackendError(
                f"the native encoder cannot run {folder}: not built, or a width is not a multiple of {MOST_CHANNELS}"
            )
        self._out, self._dense = self._head() if head else ("", "")
        self._labels = self._weights[f"{self._out}.weight"].shape[0] if head else 0
        library = load_library()
        if library is None:
            raise BackendError("the native encoder was not built")
        self._library = library
        shape = _Shape(
            self._config.layers, self._config.hidden, self._config.heads, inner, self._labels, self._config.epsilon
        )
        self._encoder = library.secondlook_make(self.unit.encode(), shape, self._tables())
        if not self._encoder:
            raise BackendError(f"this processor does not support {self.unit}, or memory ran out")
        for at in range(self._config.layers):
            self._set_layer(at)
        self._weights = {}

    @property
    def name(self) -> str:
        """Runtime, and the family and bits of its arithmetic; machines of one family share scores and calibrations."""
        return f"native-{arithmetic_of(self.unit)}"

    def infer(self, ids: Sequence[Ids], types: Sequence[Ids]) -> list[Floats]:
        """Of each sequence the token vectors [tokens, hidden], or the logits [labels]."""
        offsets = np.cumsum([0, *map(len, ids)], dtype=np.int32)
        joined = np.concatenate(ids).astype(np.int32, copy=False)
        kinds = np.concatenate(types).astype(np.int32, copy=False)
        self._check(joined, kinds, np.diff(offsets))
        rows, width = (len(ids), self._labels) if self._labels else (len(joined), self._config.hidden)
        out = np.empty((rows, width), np.float32)
        batch = _Batch(len(ids), _at(joined), _at(kinds), _at(offsets))
        if self._library.secondlook_run(self._encoder, batch, out.ctypes.data_as(_floats)):
            raise MemoryError("the native encoder ran out of memory")
        if self._labels:
            return list(out)
        return [out[start:end] for start, end in itertools.pairwise(offsets)]

    def _check(self, ids: Ids, types: Ids, lengths: Ids) -> None:
        """The native code looks rows up without a check of its own."""
        words, kinds = self._rows
        if ids.size and not (ids.min() >= 0 and ids.max() < words and types.min() >= 0 and types.max() < kinds):
            raise BackendError(f"a token id is outside 0 to {words - 1}: tokenizer.json does not match the weights")
        longest, shortest = int(lengths.max(initial=0)), int(lengths.min(initial=1))
        if longest > self._config.max_positions or shortest < 1:
            wrong = longest if shortest else 0
            raise BackendError(f"a sequence has {wrong} tokens; the model reads 1 to {self._config.max_positions}")

    def __del__(self) -> None:
        if getattr(self, "_encoder", None):
            self._library.secondlook_free(self._encoder)

    def _head(self) -> tuple[str, str]:
        bert = self._config.kind == "bert"
        return ("classifier", "pooler.dense") if bert else ("classifier.out_proj", "classifier.dense")

    def _floats(self, name: str) -> "ctypes._Pointer[ctypes.c_float]":
        return self._keep(self._weights[name])

    def _keep(self, array: Floats) -> "ctypes._Pointer[ctypes.c_float]":
        """A pointer to the array, which lives as long as the session."""
        kept = np.ascontiguousarray(array, np.float32)
        self._kept.append(kept)
        return kept.ctypes.data_as(_floats)

    def _tables(self) -> _Tables:
        places = self._weights["embeddings.position_embeddings.weight"][self._config.position_offset :]
        head = [f"{self._dense}.weight", f"{self._dense}.bias", f"{self._out}.weight", f"{self._out}.bias"]
        return _Tables(
            self._floats("embeddings.word_embeddings.weight"),
            self._keep(places),
            self._floats("embeddings.token_type_embeddings.weight"),
            self._floats("embeddings.LayerNorm.weight"),
            self._floats("embeddings.LayerNorm.bias"),
            *(self._floats(name) for name in (head if self._labels else ())),
        )

    def _set_layer(self, number: int) -> None:
        """Quantise a layer; of its float weights only the norms are kept."""
        at = f"encoder.layer.{number}."
        parts = [f"{at}attention.self.{one}." for one in ("query", "key", "value")]
        passing: list[Floats] = []

        def lend(array: Floats) -> "ctypes._Pointer[ctypes.c_float]":
            passing.append(np.ascontiguousarray(array, np.float32))
            return passing[-1].ctypes.data_as(_floats)

        def linear(name: str) -> tuple["ctypes._Pointer[ctypes.c_float]", ...]:
            return lend(self._weights[f"{at}{name}.weight"]), lend(self._weights[f"{at}{name}.bias"])

        def norm(name: str) -> tuple["ctypes._Pointer[ctypes.c_float]", ...]:
            return self._floats(f"{at}{name}.weight"), self._floats(f"{at}{name}.bias")

        layer = _Layer(
            lend(np.concatenate([self._weights[f"{one}weight"] for one in parts])),
            lend(np.concatenate([self._weights[f"{one}bias"] for one in parts])),
            *linear("attention.output.dense"),
            *norm("attention.output.LayerNorm"),
            *linear("intermediate.dense"),
            *linear("output.dense"),
            *norm("output.LayerNorm"),
        )
        if self._library.secondlook_set_layer(self._encoder, number, layer):
            raise MemoryRanOutError("out of memory while quantising the weights")


def _at(array: Ids) -> "ctypes._Pointer[ctypes.c_int32]":
    return array.ctypes.data_as(_ints)
