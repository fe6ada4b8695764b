"""How texts and pairs become tokens: one reader for every encoder and cross-encoder that runs here."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from secondlook.errors import QueryTooLongError, SetupError

if TYPE_CHECKING:
    from tokenizers import Encoding

LONGEST_TEXT = 40
"""Characters a token may stand for at most when a text is cut before it is tokenised."""

Row = tuple[NDArray[np.int32], NDArray[np.int32], bool]
"""Token ids, token types, and whether the text was cut."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A query in tokens, and how many it leaves for a passage."""

    tokens: "Encoding"
    room: int


class Reader:
    """A model's tokenizer. It cuts a text only where a length is given, and then says so.

    Texts are read several at a time: the library lets go of the interpreter's lock then, and only then.

    Args:
        max_positions: longest sequence that the model reads, in tokens.
        typed: whether the model tells query and passage by token types; all are 0 if not.

    Raises:
        SetupError: there is no tokenizer.json that can be used.
    """

    def __init__(self, folder: Path, *, max_positions: int, typed: bool = True) -> None:
        from tokenizers import Tokenizer

        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:
            raise SetupError(f"could not use {folder / 'tokenizer.json'} ({error}): give a complete folder") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._typed = typed
        self._special_pair = int(self._tokenizer.num_special_tokens_to_add(True))
        self.max_positions = max_positions
        self.special_tokens = int(self._tokenizer.num_special_tokens_to_add(False))

    def count_tokens(self, text: str) -> int:
        """Tokens of the text without special tokens."""
        return self.count_each([text])[0]

    def count_each(self, texts: Sequence[str]) -> list[int]:
        """The same of several texts."""
        return [len(tokens.ids) for tokens in self._tokens(texts)]

    def windows(self, texts: Sequence[str], max_tokens: int) -> list[list[tuple[int, int]]]:
        """Of each text the character spans of at most ``max_tokens``, special ones counted; one at least."""
        room = max(1, min(max_tokens, self.max_positions) - self.special_tokens)
        found = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [_spans(tokens.offsets, room) or [(0, len(text))] for tokens, text in zip(found, texts, strict=True)]

    def read(self, texts: Sequence[str], max_tokens: int) -> list[Row]:
        """Each text by itself, special tokens added and counted."""
        room = min(max_tokens, self.max_positions) - self.special_tokens
        return [self._row(self._tokenizer.post_process(tokens), cut) for tokens, cut in self._cut(texts, room)]

    def ask(self, query: str, max_tokens: int) -> Asked:
        """A query, to be read with passages in pairs of at most ``max_tokens``; it is never cut.

        Raises:
            QueryTooLongError: it leaves no room for a passage.
        """
        limit = min(max_tokens, self.max_positions)
        [tokens] = self._tokens([query])
        room = limit - self._special_pair - len(tokens.ids)
        if room < 1:
            raise QueryTooLongError(len(tokens.ids), limit)
        return Asked(tokens, room)

    def pair(self, asked: Asked, passages: Sequence[str]) -> list[Row]:
        """The query with each passage, as the tokenizer's own template puts them together."""
        read = self._cut(passages, asked.room)
        return [self._row(self._tokenizer.post_process(asked.tokens, tokens), cut) for tokens, cut in read]

    def _tokens(self, texts: Sequence[str]) -> "list[Encoding]":
        """Without offsets, which take as long as the rest."""
        return self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)

    def _cut(self, texts: Sequence[str], room: int) -> "list[tuple[Encoding, bool]]":
        short = [text[: room * LONGEST_TEXT] for text in texts]
        found = []
        for text, read, tokens in zip(texts, short, self._tokens(short), strict=True):
            cut = len(tokens.ids) > room or len(read) < len(text)
            tokens.truncate(room)
            found.append((tokens, cut))
        return found

    def _row(self, whole: "Encoding", cut: bool) -> Row:
        types = np.array(whole.type_ids, np.int32)
        return np.array(whole.ids, np.int32), types if self._typed else np.zeros_like(types), cut


def _spans(offsets: Sequence[tuple[int, int]], room: int) -> list[tuple[int, int]]:
    starts = range(0, len(offsets), room)
    return [(offsets[at][0], offsets[min(at + room, len(offsets)) - 1][1]) for at in starts]
