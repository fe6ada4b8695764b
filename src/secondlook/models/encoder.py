"""An encoder that runs: tokenises, infers, and gives token vectors or pair scores."""

import hashlib
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from secondlook.errors import BackendError, CallerError, SetupError
from secondlook.models.graph import Precision, read_config
from secondlook.models.native_check import check_session
from secondlook.models.native_session import NativeSession
from secondlook.models.onnx_session import OnnxSession

log = logging.getLogger(__name__)

Runtime = Literal["auto", "native", "onnxruntime"]

SAMPLE = "The lamp oil freezes at night."
"""What the native runtime is tested with, where it is cheap."""

LONGEST_TEXT = 40
"""Characters a token may stand for at most when a text is cut before it is tokenised."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text as the encoder sees it.

    Attributes:
        token_ids: int32 [tokens], special tokens included.
        vectors: float32 [tokens, hidden], not normalised.
        sentence: float32 [hidden], mean over all tokens, L2-normalised.
        truncated: whether the end of the text was cut off.
    """

    token_ids: NDArray[np.int32]
    vectors: NDArray[np.float32]
    sentence: NDArray[np.float32]
    truncated: bool


class Session(Protocol):
    """A runtime with the model in it; thread-safe."""

    @property
    def name(self) -> str:
        """Runtime and precision."""

    @property
    def tokens_a_run(self) -> int:
        """Sequences go together into a run until they have this many tokens."""

    def infer(self, ids: Sequence[NDArray[np.int32]], types: Sequence[NDArray[np.int32]]) -> list[NDArray[np.float32]]:
        """One output a sequence."""


class Encoder:
    """One model in memory. Thread-safe; ``threads`` runs go on at once, one core each.

    ``auto`` takes the native runtime where it can serve the model in int8, else ONNX Runtime.

    Raises:
        SetupError: a file is missing, broken or of an architecture that cannot be run.
    """

    def __init__(
        self,
        folder: Path,
        *,
        head: bool = False,
        precision: Precision = "int8",
        runtime: Runtime = "auto",
        threads: int | None = None,
        cache: Path | None = None,
        name: str = "",
    ) -> None:
        from tokenizers import Tokenizer

        self.config = read_config(folder)
        self._digest = _file_digest(folder / "model.safetensors")
        self._name = name or folder.name
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:
            raise SetupError(f"{folder / 'tokenizer.json'} cannot be used ({error}): give a complete folder") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._session = self._open(folder, head, precision, runtime, cache)
        self._threads = threads or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="infer")
        self._special = self._tokenizer.num_special_tokens_to_add(False)
        self._special_pair = self._tokenizer.num_special_tokens_to_add(True)

    @property
    def identity(self) -> str:
        """Name, revision (first digits of the weights' SHA-256), runtime and precision."""
        return f"{self._name}@{self._digest[:12]}/{self._session.name}"

    def count_tokens(self, text: str) -> int:
        """Tokens of the text without special tokens."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def windows(self, text: str, max_tokens: int) -> list[tuple[int, int]]:
        """At least one character span of at most ``max_tokens`` tokens, special ones counted; together the text."""
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        room = min(max_tokens, self.config.max_positions) - self._special
        starts = range(0, len(offsets), room)
        return [(offsets[at][0], offsets[min(at + room, len(offsets)) - 1][1]) for at in starts] or [(0, len(text))]

    def encode(
        self, texts: Sequence[str], *, max_tokens: int = 256, on_done: Callable[[int], None] | None = None
    ) -> list[Encoded]:
        """One result a text, in order; ``max_tokens`` counts special tokens."""
        rows = [self._row(text, max_tokens) for text in texts]
        results: list[Encoded | None] = [None] * len(texts)
        runs = self._run([ids for ids, _, _ in rows], [types for _, types, _ in rows])
        for done, (place, vectors) in enumerate(runs, 1):
            mean = vectors.mean(axis=0)
            sentence = mean / max(float(np.linalg.norm(mean)), 1e-12)
            results[place] = Encoded(rows[place][0], vectors, sentence, rows[place][2])
            if on_done:
                on_done(done)
        return [one for one in results if one is not None]

    def score_pairs(self, query: str, passages: Sequence[str], *, max_tokens: int = 512) -> list[tuple[float, bool]]:
        """The first logit of each pair, and whether the passage was cut; the query never is.

        Raises:
            CallerError: the query leaves no room for a passage.
        """
        limit = min(max_tokens, self.config.max_positions)
        asked = self._tokenizer.encode(query, add_special_tokens=False)
        room = limit - self._special_pair - len(asked.ids)
        if room < 1:
            raise CallerError(f"the query has {len(asked.ids)} tokens and leaves no room in {limit}: shorten it")
        ids, types, cut = [], [], []
        for passage in passages:
            read = self._tokenizer.encode(passage[: room * LONGEST_TEXT], add_special_tokens=False)
            cut.append(len(read.ids) > room or len(passage) > room * LONGEST_TEXT)
            read.truncate(room)
            pair = self._tokenizer.post_process(asked, read)
            ids.append(np.array(pair.ids, np.int32))
            types.append(self._types(pair.type_ids))
        logits = [0.0] * len(passages)
        for place, out in self._run(ids, types):
            logits[place] = float(out[0])
        return list(zip(logits, cut, strict=True))

    def close(self) -> None:
        """Stop the workers."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _row(self, text: str, max_tokens: int) -> tuple[NDArray[np.int32], NDArray[np.int32], bool]:
        limit = min(max_tokens, self.config.max_positions)
        short = text[: limit * LONGEST_TEXT]
        read = self._tokenizer.encode(short, add_special_tokens=False)
        cut = len(read.ids) > limit - self._special or len(short) < len(text)
        read.truncate(limit - self._special)
        whole = self._tokenizer.post_process(read)
        return np.array(whole.ids, np.int32), self._types(whole.type_ids), cut

    def _types(self, types: Sequence[int]) -> NDArray[np.int32]:
        """Token types, all 0 for models that know one type only."""
        found = np.array(types, np.int32)
        return found if self.config.token_types > 1 else np.zeros_like(found)

    def _run(
        self, ids: Sequence[NDArray[np.int32]], types: Sequence[NDArray[np.int32]]
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """The place and the output of each sequence, longest first, several runs at a time."""

        def infer(places: list[int]) -> list[tuple[int, NDArray[np.float32]]]:
            found = self._session.infer([ids[at] for at in places], [types[at] for at in places])
            return list(zip(places, found, strict=True))

        runs = make_runs([len(one) for one in ids], self._session.tokens_a_run)
        if len(runs) == 1:
            yield from infer(runs[0])
            return
        for found in self._pool.map(infer, runs):
            yield from found

    def _open(self, folder: Path, head: bool, precision: Precision, runtime: Runtime, cache: Path | None) -> Session:
        if precision == "int8" and runtime != "onnxruntime":
            try:
                session = NativeSession(folder, head=head)
                if not head:
                    check_session(session, folder, self._tokenizer.encode(SAMPLE).ids)
                return session
            except BackendError as error:
                if runtime == "native":
                    raise
                log.warning("ONNX Runtime serves %s: %s", self._name, error)
        return OnnxSession(folder, head=head, precision=precision, digest=self._digest, cache=cache)


def make_runs(lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """Places of the sequences that go together, longest first; a run ends when it has ``tokens`` tokens."""
    runs: list[list[int]] = []
    room = 0
    for place in sorted(range(len(lengths)), key=lambda one: -lengths[one]):
        if room <= 0:
            runs.append([])
            room = tokens
        runs[-1].append(place)
        room -= lengths[place]
    return runs


def _file_digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SetupError(f"{path} cannot be read ({error}): give a folder with model.safetensors") from error
