"""An encoder on ONNX Runtime, one sequence a run: what serves where the native one cannot."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from secondlook.errors import BackendError
from secondlook.models.graph import GRAPH_VERSION, Precision, build_encoder

Floats = NDArray[np.float32]
Ids = NDArray[np.int32]


class OnnxSession:
    """One model in memory; any number of threads may run it at once, each on one core.

    Args:
        digest: of the weights, under which the graph is kept in ``cache``.
    """

    pads = False
    tokens_a_run = 1
    """One sequence a run: activations are scaled over a whole run, so that company would change a score."""

    def __init__(self, folder: Path, *, head: bool, precision: Precision, digest: str, cache: Path | None) -> None:
        from onnxruntime import InferenceSession, SessionOptions

        options = SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        graph = _load_graph(folder, head=head, precision=precision, digest=digest, cache=cache)
        self._session = InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self.name = f"onnxruntime-{precision}"

    def infer(self, ids: Sequence[Ids], types: Sequence[Ids]) -> list[Floats]:
        """Of each sequence the token vectors [tokens, hidden], or the logits [labels]."""
        return [self._run(one, kinds) for one, kinds in zip(ids, types, strict=True)]

    def _run(self, ids: Ids, types: Ids) -> Floats:
        feed = {"input_ids": ids[None].astype(np.int64), "token_type_ids": types[None].astype(np.int64)}
        try:
            found: Floats = self._session.run(None, feed)[0][0]
        except Exception as error:
            raise BackendError(f"inference on {self.name} failed: {error}") from error
        return found


def _load_graph(folder: Path, *, head: bool, precision: Precision, digest: str, cache: Path | None) -> bytes:
    if cache is None:
        return build_encoder(folder, head=head, precision=precision)
    path = cache / f"{digest[:24]}-{precision}-{'head' if head else 'body'}-v{GRAPH_VERSION}.onnx"
    if path.is_file():
        return path.read_bytes()
    graph = build_encoder(folder, head=head, precision=precision)
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=cache, delete=False) as file:
        file.write(graph)
    os.replace(file.name, path)
    return graph
