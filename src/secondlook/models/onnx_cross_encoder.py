"""A cross-encoder that comes as an exported ONNX graph, run as it is."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from secondlook.errors import BackendError, SetupError
from secondlook.models.batching import Floats, Ids, Scheduler
from secondlook.models.pairs import PairModel
from secondlook.models.reading import Reader

GRAPH = "model.onnx"
MOST_TOKENS = 1_000_000
"""A graph does not tell how long a pair it reads; what loads it sets that."""
INPUTS = frozenset(("input_ids", "attention_mask", "token_type_ids"))


class OnnxCrossEncoder(PairModel):
    """One graph in memory. Inference is done by ``scheduler``, or by one of its own with ``threads`` workers.

    Pairs run one by one: quantised graphs scale activations over a whole run, and padding
    would change a score with the company. No library of custom operators is ever loaded.

    Raises:
        SetupError: a file is missing or broken, or the graph is no cross-encoder with one label.
    """

    def __init__(
        self, folder: Path, *, threads: int | None = None, name: str = "", scheduler: Scheduler | None = None
    ) -> None:
        self._name = name or folder.name
        self._graph = GraphSession(folder / GRAPH, self._name)
        reader = Reader(folder, max_positions=MOST_TOKENS)
        super().__init__(reader, self._graph, threads=threads, scheduler=scheduler)

    @property
    def identity(self) -> str:
        """Name, revision (first digits of the graph's SHA-256), runtime; the precision is the graph's own."""
        return f"{self._name}@{self._graph.digest[:12]}/{self._graph.name}"


class GraphSession:
    """A graph as it came; any number of threads may run it at once, each on one core."""

    name = "onnxruntime-graph"
    pads = False
    tokens_a_run = 1

    def __init__(self, path: Path, model: str) -> None:
        self._model = model
        self._session, self.digest = _open(path)
        self._inputs = [one.name for one in self._session.get_inputs()]
        if "input_ids" not in self._inputs or not INPUTS.issuperset(self._inputs):
            raise SetupError(f"{path} takes {', '.join(self._inputs)}; a cross-encoder takes input_ids,"
                             " attention_mask and, if it likes, token_type_ids")  # fmt: skip

    def infer(self, ids: Sequence[Ids], types: Sequence[Ids]) -> list[Floats]:
        """The logit [1] of each pair."""
        return [self._run(one, kinds) for one, kinds in zip(ids, types, strict=True)]

    def _run(self, ids: Ids, types: Ids) -> Floats:
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": types}
        feed = {name: given[name][None].astype(np.int64) for name in self._inputs}
        try:
            found = np.asarray(self._session.run(None, feed)[0], np.float32)
        except Exception as error:
            raise BackendError(f"inference on {self._model} failed: {error}") from error
        if found.size != 1:
            raise BackendError(f"{self._model} gave {found.size} numbers for a pair; a reranker gives one")
        return found.reshape(1)


def _open(path: Path) -> tuple[Any, str]:
    """The session, and the SHA-256 of the graph's file."""
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return InferenceSession(str(path), options, providers=["CPUExecutionProvider"]), digest
    except Exception as error:
        raise SetupError(f"could not run {path} ({error}): give a graph that ONNX Runtime can load") from error
