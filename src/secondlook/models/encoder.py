"""An encoder that runs: tokenises, infers, and gives token vectors or pair scores."""

import functools
import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from secondlook.errors import BackendError, CallerError, SetupError
from secondlook.models.batching import Priority, Scheduler, Session
from secondlook.models.graph import Precision, read_config
from secondlook.models.native_check import check_session
from secondlook.models.native_session import NativeSession
from secondlook.models.onnx_session import OnnxSession

if TYPE_CHECKING:
    from tokenizers import Encoding

T = TypeVar("T")
Row = tuple[NDArray[np.int32], NDArray[np.int32], bool]
"""Token ids, token types, and whether the text was cut."""
log = logging.getLogger(__name__)

Runtime = Literal["auto", "native", "onnxruntime"]

SAMPLE = "The lamp oil freezes at night."
"""What the native runtime is tested with, where it is cheap."""

LONGEST_TEXT = 40
"""Characters a token may stand for at most when a text is cut before it is tokenised."""


TEXTS_A_TURN = 32
"""Texts that are tokenised at once; a few milliseconds."""


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


class Encoder:
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
        self._own = scheduler is None
        self._scheduler = scheduler or Scheduler(threads or os.cpu_count() or 1)
        self._special = self._tokenizer.num_special_tokens_to_add(False)
        self._special_pair = self._tokenizer.num_special_tokens_to_add(True)

    @property
    def identity(self) -> str:
        """Name, revision (first digits of the weights' SHA-256), runtime and precision."""
        return f"{self._name}@{self._digest[:12]}/{self._session.name}"

    @property
    def special_tokens(self) -> int:
        """How many special tokens a text is given."""
        return int(self._special)

    @property
    def max_positions(self) -> int:
        """Longest sequence that the model reads, in tokens."""
        return self.config.max_positions

    def count_tokens(self, text: str) -> int:
        """Tokens of the text without special tokens."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def windows(self, text: str, max_tokens: int) -> list[tuple[int, int]]:
        """At least one character span of at most ``max_tokens`` tokens, special ones counted; together the text."""
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        room = min(max_tokens, self.config.max_positions) - self._special
        starts = range(0, len(offsets), room)
        return [(offsets[at][0], offsets[min(at + room, len(offsets)) - 1][1]) for at in starts] or [(0, len(text))]

    async def split(self, texts: Sequence[str], max_tokens: int) -> list[list[str]]:
        """Each text in windows of at most that many tokens, special ones counted."""

        def cut(part: Sequence[str]) -> list[list[str]]:
            return [[text[start:end] for start, end in self.windows(text, max_tokens)] for text in part]

        return await self._read(cut, texts)

    async def encode(
        self, texts: Sequence[str], *, max_tokens: int = 256, priority: Priority = "passage"
    ) -> list[Encoded]:
        """One result a text, in order; ``max_tokens`` counts special tokens."""
        return await self.encode_as(lambda encoded: encoded, texts, max_tokens=max_tokens, priority=priority)

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

    async def score_pairs(
        self, query: str, passages: Sequence[str], *, max_tokens: int = 512
    ) -> list[tuple[float, bool]]:
        """The first logit of each pair, and whether the passage was cut; the query never is.

        Raises:
            CallerError: the query leaves no room for a passage.
            OverloadedError: too much work waits.
        """
        self._scheduler.admit("passage")
        limit = min(max_tokens, self.config.max_positions)
        [asked] = await self._read(self._tokenise, [query])
        room = limit - self._special_pair - len(asked.ids)
        if room < 1:
            raise CallerError(f"the query has {len(asked.ids)} tokens and leaves no room in {limit}: shorten it")

        def join(part: Sequence[str]) -> list[Row]:
            return [self._pair(asked, passage, room) for passage in part]

        rows = await self._read(join, passages)
        logits = await self._scheduler.infer(
            self._session,
            [ids for ids, _, _ in rows],
            [types for _, types, _ in rows],
            finish=lambda place, out: float(out[0]),
        )
        return list(zip(logits, (cut for _, _, cut in rows), strict=True))

    def close(self) -> None:
        """Stop the workers, if they are this encoder's own."""
        if self._own:
            self._scheduler.close()

    async def _rows(self, texts: Sequence[str], max_tokens: int, priority: Priority) -> list[Row]:
        """Tokens of each text; a query is short, and does not wait until long passages are read."""
        if priority == "query":
            return [self._row(text, max_tokens) for text in texts]
        return await self._read(lambda part: [self._row(text, max_tokens) for text in part], texts)

    async def _read(self, work: Callable[[Sequence[str]], list[T]], texts: Sequence[str]) -> list[T]:
        """What ``work`` makes of the texts, a few at a time, so that calls take turns."""
        found: list[T] = []
        for at in range(0, len(texts), TEXTS_A_TURN):
            found += await self._scheduler.read(functools.partial(work, texts[at : at + TEXTS_A_TURN]))
        return found

    def _tokenise(self, texts: Sequence[str]) -> list["Encoding"]:
        return [self._tokenizer.encode(text, add_special_tokens=False) for text in texts]

    def _pair(self, asked: "Encoding", passage: str, room: int) -> Row:
        read = self._tokenizer.encode(passage[: room * LONGEST_TEXT], add_special_tokens=False)
        cut = len(read.ids) > room or len(passage) > room * LONGEST_TEXT
        read.truncate(room)
        pair = self._tokenizer.post_process(asked, read)
        return np.array(pair.ids, np.int32), self._types(pair.type_ids), cut

    def _row(self, text: str, max_tokens: int) -> Row:
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


def _file_digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SetupError(f"{path} cannot be read ({error}): give a folder with model.safetensors") from error
