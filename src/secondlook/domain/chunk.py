"""What is stored: a chunk of an item."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MetadataValue = str | float | int | bool
"""One metadata value; datetimes are held as milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of an item.

    Attributes:
        id: stable within its index.
        position: 0-based place among the item's chunks.
        start: first byte of the text in the item's converted text (UTF-8).
        end: one past the last byte.
        timestamp: last change of the item, milliseconds since 1970.
        metadata: built-ins (filename, folder, timestamp) and custom fields.
        context: what stands above the text, such as the document's title; models and the
            keyword index read it, results do not show it.
        gap: what stands between the chunk before and this one, as a rule blanks where a text was cut; None if that is
            not known, as in indexes of earlier releases.
        truncated: whether the embedder could not read the whole text.
        index: where it lies, told only when several indexes are searched together.
    """

    id: str
    item_id: str
    item_key: str
    text: str
    position: int = 0
    start: int = 0
    end: int = 0
    timestamp: int = 0
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict, hash=False)
    context: str = ""
    truncated: bool = False
    gap: str | None = None
    index: str = ""

    @property
    def passage(self) -> str:
        """What a model reads: the context, unless the text begins with it, and the text."""
        if not self.context or self.text[: 2 * len(self.context) + 8].lower().lstrip("# ").startswith(
            self.context.lower()
        ):
            return self.text
        return f"{self.context}\n{self.text}"


@dataclass(frozen=True, slots=True)
class IndexedChunk:
    """A chunk with what the index keeps for it.

    Attributes:
        vector: L2-normalised little-endian float32, or None without a vector index.
        stored: what the late-interaction reranker wants back, or None.
    """

    chunk: Chunk
    vector: bytes | None = None
    stored: bytes | None = None
