"""From the stored bytes of an item to chunks with vectors, and the lines that tell each step."""

import asyncio
import contextlib
import time
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from secondlook.domain.chunk import Chunk, IndexedChunk, MetadataValue
from secondlook.domain.instance import Instance, Item
from secondlook.domain.jobs import ItemLine
from secondlook.domain.wording import plural
from secondlook.errors import FileUnreadableError, InvalidMetadataError, ItemNotFoundError, StoredFileError
from secondlook.ingest.formats.reading import Wanted
from secondlook.ingest.headings import Outline
from secondlook.ingest.metadata import ENVELOPE, clean_metadata, envelope_size, misfits, place_metadata
from secondlook.ingest.naming import typed_name
from secondlook.ingest.parse import Document, read_file
from secondlook.ingest.pool import ParseLimits, ReaderPool
from secondlook.ingest.split import Span, split_text, whole_text
from secondlook.ports import Blobs, Embedder
from secondlook.services.failures import Stage
from secondlook.services.stored_files import read_stored

PASSAGES_A_TURN = 64
"""Passages embedded between two looks at whether the item is still wanted."""


class Steps:
    """The lines of one attempt at an item, each with the time since the one before.

    Attributes:
        stage: what is being done.
        moved_at: when it last got on, by the monotonic clock.
    """

    def __init__(self, key: str) -> None:
        self.stage: Stage = "read"
        self.moved_at = self._since = time.monotonic()
        self._key = key
        self._lines: list[ItemLine] = []

    def enter(self, stage: Stage) -> None:
        """This is being done now, or goes on."""
        self.stage = stage
        self.moved_at = time.monotonic()

    def note(self, action: str, message: str, *, chunk_count: int | None = None, error_type: str = "") -> None:
        """One more."""
        now = time.monotonic()
        taken = round(1000 * (now - self._since))
        self.moved_at = self._since = now
        at = int(time.time() * 1000)
        self._lines.append(ItemLine(at, action, message, self._key, chunk_count, taken, error_type))

    def take(self) -> Sequence[ItemLine]:
        """Those that were not taken before."""
        lines, self._lines = self._lines, []
        return lines


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """How documents are read.

    Attributes:
        languages: of scanned pages and pictures, as Tesseract names them.
        headings: whether the models read the headings above a passage with it.
    """

    limits: ParseLimits = field(default_factory=ParseLimits)
    languages: str = "eng"
    headings: bool = False


class Chunking:
    """Reads, splits and embeds."""

    def __init__(self, blobs: Blobs, embedder: Embedder, how: ReadingOptions | None = None) -> None:
        self._blobs = blobs
        self._embedder = embedder
        self._how = how or ReadingOptions()
        self._pool = ReaderPool(self._how.limits)

    async def close(self) -> None:
        """End the processes that read documents."""
        await self._pool.close()

    async def make_chunks(
        self, instance: Instance, item: Item, steps: Steps, *, before_long_work: Callable[[], Awaitable[object]]
    ) -> Sequence[IndexedChunk]:
        """All chunks of the item; ``before_long_work`` is awaited before more than one turn of passages."""
        document, size = await self.read(instance, item)
        steps.note("read", f"{plural(size, 'byte')} converted to {plural(len(document.text), 'character')} of text")
        for note in document.notes:
            steps.note("read", note)
        settings = instance.settings
        steps.enter("split")
        spans = (
            await asyncio.to_thread(
                split_text,
                document.text,
                size=settings.chunk_size,
                overlap=settings.chunk_overlap,
                count_tokens=self._embedder.count_tokens,
            )
            if settings.chunked
            else whole_text(document.text)
        )
        steps.note(
            "split", f"{plural(len(spans), 'chunk')} of at most {settings.chunk_size} tokens", chunk_count=len(spans)
        )
        metadata = merge_metadata(instance, item, document, steps)
        if len(spans) > PASSAGES_A_TURN:
            await before_long_work()
        place_of = _Places(document, instance, self._how.headings)
        chunks: list[IndexedChunk] = []
        gaps = find_gaps(document.text, spans)
        for start in range(0, len(spans), PASSAGES_A_TURN):
            steps.enter("embed")
            turn = spans[start : start + PASSAGES_A_TURN]
            made = [
                Chunk(
                    id=f"{item.id}-{item.version}-{start + place}",
                    item_id=item.id,
                    item_key=item.key,
                    text=span.text,
                    position=start + place,
                    start=span.start,
                    end=span.end,
                    gap=gaps[start + place],
                    timestamp=item.timestamp,
                    metadata=place_of.metadata(metadata, span.start),
                    context=place_of.context(span.start),
                )
                for place, span in enumerate(turn)
            ]
            chunks += await self._embed(instance, made)
        if settings.vector_index and chunks:
            steps.note("embed", f"{plural(len(chunks), 'chunk')} embedded", chunk_count=len(chunks))
        return chunks

    async def read(self, instance: Instance, item: Item) -> tuple[Document, int]:
        """What the item's stored bytes hold, and how many those are.

        Raises:
            ItemNotFoundError: there are none.
            FileUnreadableError, FileTooLargeError, UnsupportedFileError: as ``read_file``.
        """
        if not item.blob:
            raise ItemNotFoundError(f"{item.key} has not been fetched yet: the next sync fetches it")
        try:
            content = await read_stored(self._blobs, item)
        except StoredFileError as error:
            raise FileUnreadableError("file_is_corrupt", str(error)) from error
        wanted = Wanted(ocr=instance.settings.ocr, languages=self._how.languages)
        return await read_file(typed_name(item.key, item.content_type), content, self._pool, wanted), len(content)

    async def _embed(self, instance: Instance, made: Sequence[Chunk]) -> Sequence[IndexedChunk]:
        if not instance.settings.vector_index:
            return [IndexedChunk(chunk) for chunk in made]
        embeddings = await self._embedder.embed_passages([chunk.passage for chunk in made])
        return [
            IndexedChunk(replace(chunk, truncated=one.truncated), one.vector, one.stored)
            for chunk, one in zip(made, embeddings, strict=True)
        ]


def find_gaps(text: str, spans: Sequence[Span]) -> list[str]:
    """What stands between each span and the one before; nothing where they touch or share a piece."""
    content = text.encode()
    ends = [0, *(span.end for span in spans)]
    return [content[min(end, span.start) : span.start].decode() for end, span in zip(ends, spans, strict=False)]


def merge_metadata(instance: Instance, item: Item, document: Document, steps: Steps) -> Mapping[str, MetadataValue]:
    """Front matter and what a page says for machines, then what was uploaded, then the built-ins, which always win.

    Front matter that would not fit in the envelope is left out, and a line says so.
    """
    front: dict[str, MetadataValue] = {}
    for given in (document.front_matter, document.fields):
        for one in misfits(given, instance.settings.fields):
            steps.note("read", f"the field {one.name!r} was left out: its value is not a {one.type}")
    for name, value in document.front_matter.items():
        with contextlib.suppress(InvalidMetadataError):  # nested, say: it alone is left out
            front |= clean_metadata({name: value}, instance.settings.fields)
    front |= clean_metadata(
        {one.name: document.fields[one.name] for one in instance.settings.fields if one.name in document.fields},
        instance.settings.fields,
    )
    own = {**item.metadata, **place_metadata(item.key, item.timestamp)}
    size = envelope_size({**front, **own})
    if front and size > ENVELOPE:
        steps.note(
            "read",
            f"the front matter was ignored: with it the metadata would have {size:,} bytes; the limit is {ENVELOPE:,}",
        )
        return own
    return {**front, **own}


class _Places:
    """What is known of a place in a document besides its text."""

    def __init__(self, document: Document, instance: Instance, headings: bool) -> None:
        typed = {field.name: field.type for field in instance.settings.fields}
        self._pages = document.pages if typed.get("page", "number") == "number" else ()
        title = document.front_matter.get("title", document.title)
        self._title = title.strip() if isinstance(title, str) else ""
        self._outline = Outline(document.text) if headings else None

    def metadata(self, metadata: Mapping[str, MetadataValue], start: int) -> Mapping[str, MetadataValue]:
        """The item's metadata, and the page where the passage begins, unless ``page`` is something else there."""
        if not self._pages or "page" in metadata:
            return metadata
        return {**metadata, "page": bisect_right(self._pages, start)}

    def context(self, start: int) -> str:
        """The document's title, and the headings above if the models are to read them."""
        path = self._outline.path_at(start) if self._outline else ()
        return " > ".join(dict.fromkeys(one for one in (self._title, *path) if one))
