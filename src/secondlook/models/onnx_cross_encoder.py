"""A cross-encoder that comes as an exported ONNX graph, run as it is."""

import asyncio
import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondlook.errors import BackendError, CallerError, SetupError
from secondlook.models.encoder import LONGEST_TEXT

GRAPH = "model.onnx"
MOST_TOKENS = 1_000_000
INPUTS = frozenset(("input_ids", "attention_mask", "token_type_ids"))


class OnnxCrossEncoder:
    """One graph in memory; ``threads`` pairs go on at once, one core each.

    Pairs run one by one: quantised graphs scale activations over a whole run, and padding
    would change a score with the company. No library of custom operators is ever loaded.

    Raises:
        SetupError: a file is missing or broken, or the graph is no cross-encoder with one label.
    """

    def __init__(self, folder: Path, *, threads: int | None = None, name: str = "") -> None:
        from tokenizers import Tokenizer

        self._name = name or folder.name
        self._session, self._digest = _open(folder / GRAPH)
        self._inputs = [one.name for one in self._session.get_inputs()]
        if "input_ids" not in self._inputs or not INPUTS.issuperset(self._inputs):
            raise SetupError(f"{folder / GRAPH} takes {', '.join(self._inputs)}; a cross-encoder takes input_ids,"
                             " attention_mask and, if it likes, token_type_ids")  # fmt: skip
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:
            raise SetupError(f"{folder / 'tokenizer.json'} cannot be used ({error}): give a complete folder") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._special = self._tokenizer.num_special_tokens_to_add(True)
        self._pool = ThreadPoolExecutor(threads or os.cpu_count() or 1, thread_name_prefix="infer")

    @property
    def identity(self) -> str:
        """Name, revision (first digits of the graph's SHA-256), runtime; the precision is the graph's own."""
        return f"{self._name}@{self._digest[:12]}/onnxruntime-graph"

    @property
    def max_positions(self) -> int:
        """No limit of its own: a graph does not tell, and what loads it sets the longest pair."""
        return MOST_TOKENS

    def count_tokens(self, text: str) -> int:
        """Tokens of the text without special tokens."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def windows(self, text: str, max_tokens: int) -> list[tuple[int, int]]:
        """Character spans of at most ``max_tokens`` tokens, special ones counted; together the text."""
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        room = max(1, max_tokens - self._tokenizer.num_special_tokens_to_add(False))
        starts = range(0, len(offsets), room)
        return [(offsets[at][0], offsets[min(at + room, len(offsets)) - 1][1]) for at in starts] or [(0, len(text))]

    async def score_pairs(
        self, query: str, passages: Sequence[str], *, max_tokens: int = 512
    ) -> list[tuple[float, bool]]:
        """The logit of each pair, and whether the passage was cut; the query never is.

        Raises:
            CallerError: the query leaves no room for a passage.
        """
        return await asyncio.to_thread(self._score, query, passages, max_tokens)

    def _score(self, query: str, passages: Sequence[str], max_tokens: int) -> list[tuple[float, bool]]:
        asked = self._tokenizer.encode(query, add_special_tokens=False)
        room = max_tokens - self._special - len(asked.ids)
        if room < 1:
            raise CallerError(f"the query has {len(asked.ids)} tokens and leaves no room in {max_tokens}: shorten it")
        feeds, cut = [], []
        for passage in passages:
            read = self._tokenizer.encode(passage[: room * LONGEST_TEXT], add_special_tokens=False)
            cut.append(len(read.ids) > room or len(passage) > room * LONGEST_TEXT)
            read.truncate(room)
            pair = self._tokenizer.post_process(asked, read)
            feeds.append(self._feed(pair.ids, pair.type_ids))
        return list(zip(self._pool.map(self._run, feeds), cut, strict=True))

    def close(self) -> None:
        """Stop the workers."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _feed(self, ids: Sequence[int], types: Sequence[int]) -> dict[str, NDArray[np.int64]]:
        given = {"input_ids": ids, "attention_mask": [1] * len(ids), "token_type_ids": types}
        return {name: np.array([given[name]], np.int64) for name in self._inputs}

    def _run(self, feed: dict[str, NDArray[np.int64]]) -> float:
        try:
            found = np.asarray(self._session.run(None, feed)[0])
        except Exception as error:
            raise BackendError(f"inference on {self._name} failed: {error}") from error
        if found.size != 1:
            raise BackendError(f"{self._name} gave {found.size} numbers for a pair; a reranker has one label")
        return float(found.reshape(()))


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
        raise SetupError(f"{path} cannot be run ({error}): give a graph that ONNX Runtime reads by itself") from error
