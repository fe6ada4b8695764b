"""Judged queries for an instance: made from its documents, and held against them."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from secondlook.domain.chunk import Chunk
from secondlook.domain.instance import Instance, Item
from secondlook.errors import CallerError, SecondlookError
from secondlook.evaluation.queries import (
    JudgedQuery,
    Judgment,
    drawn,
    from_headings,
    is_stale,
    merge,
    questions_in,
)
from secondlook.ingest.kinds import is_code
from secondlook.ports import Catalog, Generator, Indexer
from secondlook.services.judging import ask_about
from secondlook.stages.expand import join_chunks

log = logging.getLogger(__name__)

PAGE = 500
"""Chunks that are read at a time."""
ReadText = Callable[[Instance, Item], Awaitable[str]]


class QuerySets:
    """Reads the instance's documents as they are indexed; ``read_text`` gives the text of one as it was stored."""

    def __init__(self, catalog: Catalog, indexer: Indexer, read_text: ReadText | None = None) -> None:
        self._catalog = catalog
        self._indexer = indexer
        self._read_text = read_text

    async def from_headings(self, instance: Instance, *, limit: int | None = None) -> list[JudgedQuery]:
        """What the documents themselves ask: headings of four words or more, and sentences that are questions.

        At most so many as ``limit`` says, evenly from all documents.

        Raises:
            CallerError: no document has any.
        """
        found: list[tuple[str, str]] = []
        for item in await self._catalog.list_items(instance.uid, ("completed",)):
            chunks = () if is_code(item.key) else await self._chunks(instance, item.id)
            if chunks:  # as one text, since a fence may begin in one chunk and end in another
                found += [(item.key, line) for line in questions_in(join_chunks(chunks[0], chunks).text)]
        queries = from_headings(found)
        if not queries:
            raise CallerError(
                "no usable headings or questions found (a heading needs four words, and to be in one document only):"
                " provide a query file"
            )
        return drawn(queries, limit or len(queries))

    async def generated(
        self, instance: Instance, generator: Generator, *, limit: int, model: str = ""
    ) -> list[JudgedQuery]:
        """Questions that a language model asks about chunks from all over the instance.

        Raises:
            CallerError: nothing is indexed. GeneratorError: the model fails, or there is none that could ask.
        """
        items = list(await self._catalog.list_items(instance.uid, ("completed",)))
        if not items:
            raise CallerError("the index is empty: upload documents first")
        number = min(limit, len(items))
        chosen = [items[at * len(items) // number] for at in range(number)]
        chunks: list[Chunk] = []
        for place, item in enumerate(chosen):
            found = await self._chunks(instance, item.id)
            share = max(1, -(-limit * (place + 1) // len(chosen)) - len(chunks))
            chunks += [found[at * len(found) // share] for at in range(min(share, len(found)))]
        return merge(await ask_about(generator, chunks[:limit], model))

    async def fresh(
        self, instance: Instance, queries: Sequence[JudgedQuery], *, bare: bool = False
    ) -> tuple[list[JudgedQuery], int]:
        """The queries without the judgments whose text has changed, and how many those are.

        One without any relevant judgment goes, unless ``bare`` says that somebody will judge.
        """
        marked: dict[str, list[Judgment]] = {}
        for query in queries:
            for one in query.judgments:
                if one.mark:
                    marked.setdefault(one.item, []).append(one)
        changed = {one for key, told in marked.items() for one in await self._changed(instance, key, told)}
        kept: list[JudgedQuery] = []
        stale = 0
        for query in queries:
            fresh = [one for one in query.judgments if one not in changed]
            stale += len(query.judgments) - len(fresh)
            if bare or any(one.grade > 0 for one in fresh):
                kept.append(replace(query, judgments=tuple(fresh)))
        return kept, stale

    async def unknown(self, instance: Instance, queries: Sequence[JudgedQuery]) -> Sequence[str]:
        """The keys of judged items that are not in the index.

        Raises:
            CallerError: none of those that were judged is: nothing could be found, whatever ranks.
        """
        indexed = set(await self._indexer.list_items(instance.uid))
        listed = await self._catalog.list_items(instance.uid)
        if indexed and not listed:
            return []  # a benchmark fills an index alone, and nobody can say what it holds
        held = {item.key for item in listed if item.id in indexed}
        judged = {one.item for query in queries for one in query.judgments}
        missing = sorted(judged - held)
        if judged and len(missing) == len(judged):
            keys = f"Its keys look like {min(held)!r}." if held else "It is empty."
            items = "The judged item" if len(judged) == 1 else f"None of the {len(judged):,} judged items"
            example = f"({missing[0]!r}) is not" if len(judged) == 1 else f"(for example {missing[0]!r}) is"
            raise CallerError(f"{items} {example} in {instance.name!r}. {keys}")
        return missing

    async def indexed_text(self, instance: Instance, key: str) -> bytes:
        """The item's converted text, put together from its chunks; what lies between them is blank."""
        item = await self._catalog.find_item(instance.uid, key)
        if item is None:
            return b""
        text = bytearray()
        for chunk in await self._chunks(instance, item.id):
            text += b" " * (chunk.start - len(text))
            text[chunk.start : chunk.end] = chunk.text.encode()
        return bytes(text)

    async def stored_text(self, instance: Instance, key: str) -> bytes:
        """The item's converted text, made from its stored bytes again; empty where that cannot be."""
        item = await self._catalog.find_item(instance.uid, key)
        if item is None or self._read_text is None:
            return b""
        try:
            return (await self._read_text(instance, item)).encode()
        except SecondlookError as error:
            log.warning("could not read the text of %s; checking its judgments against its chunks only: %s", key, error)
            return b""

    async def _changed(self, instance: Instance, key: str, judgments: Sequence[Judgment]) -> Sequence[Judgment]:
        """Those of an item's judgments that speak of another text than is there.

        They are held against the chunks, and only where those differ against the text as it was stored: white space
        between two chunks is in neither of them, and a hash wants every byte.
        """
        text = await self.indexed_text(instance, key)
        if differ := [one for one in judgments if is_stale(one, text)]:
            text = await self.stored_text(instance, key)
        return [one for one in differ if is_stale(one, text)]

    async def _chunks(self, instance: Instance, item_id: str) -> Sequence[Chunk]:
        found: list[Chunk] = []
        while True:
            page, total = await self._indexer.list_chunks(instance.uid, item_id, PAGE, len(found))
            found += page
            if not page or len(found) >= total:
                return found
