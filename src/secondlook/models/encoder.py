"""An encoder that runs: tokenises, infers, and gives token vectors or pair scores."""

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from secondlook.errors import BackendError, SetupError
from secondlook.models.batching import Priority, Scheduler, Session
from secondlook.models.graph import Precision, read_config
from secondlook.models.native_check import check_session
from secondlook.models.native_session import NativeSession
from secondlook.models.onnx_session import OnnxSession
from secondlook.models.pairs import PairModel
from secondlook.models.reading import LONGEST_TEXT, Reader, Row

T = TypeVar("T")
log = logging.getLogger(__name__)

Runtime = Literal["auto", "native", "onnxruntime"]

SAMPLE = "The lamp oil freezes at night."
"""What the native runtime is tested with, where it is cheap."""


LAST_TOKENS = 8192
"""Tokens of the last queries whose vectors are kept: 12 MiB of the default model, some hundred queries."""
LONGEST_KEPT = 4096
"""Characters of a query that is kept."""
WHOLE = 0
"""In place of the most tokens, in the key of a query of which every token was read."""


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


class LastQueries:
    """The results of the last queries, at most ``room`` tokens in all; only the event loop uses it."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._tokens = 0
        self._found: OrderedDict[tuple[str, int], Encoded] = OrderedDict()

    def find(self, text: str, max_tokens: int) -> Encoded | None:
        """What reading at most ``max_tokens`` of the text gives, if it is kept."""
        for key in ((text, WHOLE), (text, max_tokens)):
            found = self._found.get(key)
            if found and len(found.token_ids) <= max_tokens:
                self._found.move_to_end(key)
                return found
        return None

    def keep(self, text: str, max_tokens: int, encoded: Encoded) -> None:
        """Keep it, and let go of those that nobody asked for the longest."""
        if len(text) > LONGEST_KEPT:
            return
        key = (text, max_tokens if encoded.truncated else WHOLE)
        before = self._found.pop(key, None)
        self._found[key] = encoded
        self._tokens += len(encoded.token_ids) - (len(before.token_ids) if before else 0)
        while self._tokens > self._room:
            _, gone = self._found.popitem(last=False)
            self._tokens -= len(gone.token_ids)


class Encoder(PairModel):
    """One model in memory. Inference is done by ``scheduler``, or by one of its own with ``threads`` workers.

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
        scheduler: Scheduler | None = None,
    ) -> None:
        self.config = read_config(folder)
        self._digest = _file_digest(folder / "model.safetensors")
        self._name = name or folder.name
        reader = Reader(folder, max_positions=self.config.max_positions, typed=self.config.token_types > 1)
        session = self._open(folder, reader, head, precision, runtime, cache)
        self._queries = LastQueries(LAST_TOKENS)
        super().__init__(reader, session, threads=threads, scheduler=scheduler)

    @property
    def identity(self) -> str:
        """Name, revision (first digits of the weights' SHA-256), runtime and precision."""
        return f"{self._name}@{self._digest[:12]}/{self._session.name}"

    async def split(self, texts: Sequence[str], max_tokens: int) -> list[list[str]]:
        """Each text in windows of at most that many tokens, special ones counted."""

        def cut(some: Sequence[str]) -> list[list[str]]:
            found = self.reader.windows(some, max_tokens)
            return [[text[start:end] for start, end in spans] for text, spans in zip(some, found, strict=True)]

        return await self._scheduler.read_in_turns(cut, texts)

    async def encode(
        self, texts: Sequence[str], *, max_tokens: int = 256, priority: Priority = "passage"
    ) -> list[Encoded]:
        """One result a text, in order; ``max_tokens`` counts special tokens."""
        return await self.encode_as(lambda encoded: encoded, texts, max_tokens=max_tokens, priority=priority)

    async def encode_query(self, text: str, *, max_tokens: int) -> Encoded:
        """The query's result, kept for a while: the stages of one search ask for the same one after the other.

        A query that is read whole has one result, whatever the most tokens are.
        """
        found = self._queries.find(text, max_tokens)
        if found is None:
            [found] = await self.encode([text], max_tokens=max_tokens, priority="query")
            self._queries.keep(text, max_tokens, found)
        return found

    async def encode_as(
        self,
        keep: Callable[[Encoded], T],
        texts: Sequence[str],
        *,
        max_tokens: int = 256,
        priority: Priority = "passage",
    ) -> list[T]:
        """What ``keep`` makes of each text's result, in order; it is called in a worker, and the rest is let go.

        Raises:
            OverloadedError: too much work waits.
        """
        self._scheduler.admit(priority)
        rows = await self._rows(texts, max_tokens, priority)

        def finish(place: int, vectors: NDArray[np.float32]) -> T:
            mean = vectors.mean(axis=0)
            sentence = mean / max(float(np.linalg.norm(mean)), 1e-12)
            return keep(Encoded(rows[place][0], vectors, sentence, rows[place][2]))

        ids, types = [ids for ids, _, _ in rows], [types for _, types, _ in rows]
        return await self._scheduler.infer(self._session, ids, types, finish=finish, priority=priority)

    async def _rows(self, texts: Sequence[str], max_tokens: int, priority: Priority) -> list[Row]:
        """Tokens of each text; a query is short, and does not wait until long passages are read."""
        if priority == "query":
            return self.reader.read(texts, max_tokens)
        return await self._scheduler.read_in_turns(lambda some: self.reader.read(some, max_tokens), texts)

    def _open(
        self, folder: Path, reader: Reader, head: bool, precision: Precision, runtime: Runtime, cache: Path | None
    ) -> Session:
        if precision == "int8" and runtime != "onnxruntime":
            try:
                session = NativeSession(folder, head=head)
                if not head:
                    check_session(session, folder, reader.read([SAMPLE], reader.max_positions)[0][0])
                return session
            except BackendError as error:
                if runtime == "native":
                    raise
                log.warning("ONNX Runtime serves %s: %s", self._name, error)
        return OnnxSession(folder, head=head, precision=precision, digest=self._digest, cache=cache)


def _file_digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SetupError(f"could not read {path} ({error}): give a folder with model.safetensors") from error


def counter(encoder: Encoder, most: int) -> Callable[[Sequence[str]], Sequence[int]]:
    """Counts the tokens of texts in the built-in model's, up to ``most`` of each."""

    reader = encoder.reader

    def count(texts: Sequence[str]) -> Sequence[int]:
        return [min(found, most) for found in reader.count_each([text[: most * LONGEST_TEXT] for text in texts])]

    return count


def cutter(encoder: Encoder) -> Callable[[str, int], str]:
    """Cuts a text after that many tokens of the built-in model, or after as many as it reads."""

    reader = encoder.reader

    def cut(text: str, most: int) -> str:
        short = text[: most * LONGEST_TEXT]
        return short[: reader.windows([short], most + reader.special_tokens)[0][0][1]]

    return cut
