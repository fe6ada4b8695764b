"""Items: durable once acknowledged, searchable whole or not at all, newest bytes win."""

import asyncio
import hashlib
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from secondlook.domain.chunk import Chunk, IndexedChunk
from secondlook.domain.instance import Instance, Item, MetadataField
from secondlook.engines.embedded import EmbeddedEngine
from secondlook.errors import (
    FileMissingError,
    FileTooLargeError,
    InvalidMetadataError,
    ItemNotFoundError,
    NameTooLongError,
    UnsupportedFileError,
)
from secondlook.models.fakes import FakeEmbedder
from secondlook.ports import Embedding
from secondlook.services.chunking import PASSAGES_A_TURN
from secondlook.services.indexing import Upload
from secondlook.stores.catalog import SqlCatalog
from tests.unit.services.conftest import House

LONG = "\n\n".join(f"Paragraph {at} of lamp oil and fog horn, été {at}." for at in range(60))


def upload(
    house: House, made: Instance, key: str, content: bytes | str, *, wait: float | None = 20, **more: Any
) -> Item:
    data = content.encode() if isinstance(content, str) else content
    return house.run(house.indexing.upload(made, Upload(key, data, **more), wait=wait))


def texts(house: House, made: Instance, item: Item) -> list[str]:
    return [one.text for one in chunks(house, made, item)]


def chunks(house: House, made: Instance, item: Item) -> Sequence[Chunk]:
    return house.run(house.indexing.chunks(made, item.id, 1000, 0))[0]


def test_an_upload_is_indexed(house: House) -> None:
    made = house.make()
    item = upload(house, made, "/winter/oil.md", LONG, content_type="text/markdown", metadata={"Colour": "red"})
    assert (item.key, item.status, item.error, item.version) == ("winter/oil.md", "completed", "", 1)
    assert (item.size, item.content_type) == (len(LONG.encode()), "text/markdown")
    assert item.checksum == hashlib.md5(LONG.encode(), usedforsecurity=False).hexdigest()
    found = chunks(house, made, item)
    assert item.chunks_count == len(found) > 1
    assert [one.position for one in found] == list(range(len(found)))
    for one in found:
        assert LONG.encode()[one.start : one.end].decode() == one.text
        assert house.embedder.count_tokens(one.text) <= made.settings.chunk_size
        assert one.timestamp == item.last_seen_at
        assert one.metadata == {
            "colour": "red", "folder": "winter/", "filename": "oil.md", "timestamp": item.last_seen_at,
        }  # fmt: skip
    assert house.run(house.indexing.download(made, item.id)) == (item, LONG.encode())
    assert house.run(house.indexing.get(made, item.id)) == item


def test_without_waiting_it_is_queued_and_durable(idle: House) -> None:
    made = idle.make()
    item = upload(idle, made, "oil.md", "warm it", wait=None)
    assert item.status == "queued"
    assert idle.stored() == [b"warm it"]
    assert idle.run(idle.indexing.list(made, ("queued",))) == [item]
    assert idle.run(idle.indexing.list(made, ("completed",))) == []


def test_the_same_key_replaces(house: House) -> None:
    made = house.make()
    first = upload(house, made, "oil.md", "old words")
    second = upload(house, made, "oil.md", "new words")
    assert (second.id, second.version) == (first.id, 2)
    assert texts(house, made, second) == ["new words"]
    assert house.stored() == [b"new words"]


@pytest.mark.parametrize(
    ("key", "content", "metadata", "error"),
    [
        ("", b"x", None, FileMissingError),
        ("  ", b"x", None, FileMissingError),
        ("a//b.md", b"x", None, FileMissingError),
        ("a/", b"x", None, FileMissingError),
        ("../b.md", b"x", None, FileMissingError),
        ("a/./b.md", b"x", None, FileMissingError),
        ("a\0.md", b"x", None, FileMissingError),
        ("a" * 126 + ".md", b"x", None, NameTooLongError),
        ("a.pages", b"x", None, UnsupportedFileError),
        ("a.md", b"x" * ((10 << 20) + 1), None, FileTooLargeError),
        ("a.md", b"x", {"a": {"b": 1}}, InvalidMetadataError),
    ],
)
def test_what_is_refused_leaves_nothing(
    idle: House, key: str, content: bytes, metadata: dict[str, object] | None, error: type[Exception]
) -> None:
    made = idle.make()
    with pytest.raises(error):
        upload(idle, made, key, content, metadata=metadata)
    assert idle.stored() == []
    assert idle.run(idle.indexing.list(made)) == []


def test_the_longest_name(idle: House) -> None:
    assert upload(idle, idle.make(), "a" * 125 + ".md", "x", wait=None).status == "queued"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b" \n", "file_content_empty: the file contains no text"),
        (b"\x89PNG\0\0", "file_is_corrupt: a.md contains binary data, not text"),
    ],
)
def test_files_that_cannot_be_indexed(house: House, content: bytes, error: str) -> None:
    made = house.make()
    item = upload(house, made, "a.md", content)
    assert (item.status, item.error, item.chunks_count) == ("error", error, None)
    assert chunks(house, made, item) == []


def test_an_embedder_that_is_down(tmp_path: Path) -> None:
    house = House(tmp_path, FakeEmbedder(fails=True))
    house.run(house.indexing.start())
    item = upload(house, house.make(), "a.md", "lamp oil")
    assert (item.status, item.error) == ("error", "error_embedding_data_with_workers_ai: the embedder is down")
    house.close()


def test_bytes_that_were_lost(idle: House) -> None:
    made = idle.make()
    item = upload(idle, made, "a.md", "lamp oil", wait=None)
    idle.run(idle.blobs.delete(made.uid))
    idle.run(idle.indexing.start())
    idle.run(idle.indexing.drain())
    found = idle.run(idle.indexing.get(made, item.id))
    assert found.status == "error"
    assert found.error.startswith("file_not_found: the stored file")


def test_an_instance_that_does_not_chunk_or_has_no_vectors(house: House) -> None:
    made = house.make(chunked=False, vector_index=False)
    item = upload(house, made, "a.md", LONG)
    assert texts(house, made, item) == [LONG]
    assert house.run(house.engine.fetch_stored(made.uid, [chunks(house, made, item)[0].id])) == {}


def test_a_long_item_is_embedded_in_turns(house: House) -> None:
    made = house.make(chunk_size=64, chunk_overlap=0)
    words = "\n\n".join(" ".join(f"w{at}x{place}" for place in range(60)) for at in range(PASSAGES_A_TURN + 6))
    item = upload(house, made, "a.txt", words)
    found = chunks(house, made, item)
    assert len(found) == item.chunks_count == PASSAGES_A_TURN + 6
    assert len({one.id for one in found}) == len(found)
    near = house.run(house.engine.search_vectors(made.uid, house.run(house.embedder.embed_query("w9x1")), 1000, None))
    assert len(near.hits) == len(found)


def test_where_metadata_comes_from(house: House) -> None:
    made = house.make(fields=(MetadataField("severity", "number"),))
    front = (
        "---\ntitle: Lamp oil\ncolour: red\nseverity: '3'\nfolder: x\nauthors: [{name: Ann}]\ndate: 2026-07-01\n---\n"
    )
    item = upload(house, made, "a/b.md", front + "Warm it.", metadata={"colour": "blue", "filename": "y"})
    [chunk] = chunks(house, made, item)
    assert chunk.text == "Warm it."
    assert chunk.context == "Lamp oil"
    assert chunk.metadata == {
        "title": "Lamp oil",
        "colour": "blue",
        "severity": 3.0,
        "date": "2026-07-01",
        "folder": "a/",
        "filename": "b.md",
        "timestamp": item.last_seen_at,
    }


def test_a_title_that_is_no_text(house: House) -> None:
    made = house.make()
    [chunk] = chunks(house, made, upload(house, made, "b.md", "---\ntitle: [Oil, Fog]\n---\nWarm it."))
    assert chunk.context == ""
    [chunk] = chunks(house, made, upload(house, made, "b.md", "---\ntitle: 007\n---\nWarm it."))
    assert chunk.context == "007"


def test_pages_of_chunks(house: House) -> None:
    made = house.make()
    item = upload(house, made, "a.md", LONG)
    page, total = house.run(house.indexing.chunks(made, item.id, 1, 1))
    assert (total, [one.position for one in page]) == (item.chunks_count, [1])
    with pytest.raises(ItemNotFoundError):
        house.run(house.indexing.chunks(made, "nope", 1, 0))


def test_deleted_is_gone_everywhere(house: House) -> None:
    made = house.make()
    item = upload(house, made, "a.md", "lamp oil")
    assert house.run(house.indexing.delete(made, item.id)) == item
    assert house.stored() == []
    assert house.run(house.engine.count_chunks(made.uid)) == 0
    for work in (house.indexing.get, house.indexing.delete, house.indexing.download, house.indexing.reindex):
        with pytest.raises(ItemNotFoundError):
            house.run(work(made, item.id))  # type: ignore[arg-type]  # coroutines of several types


def test_reindexing_takes_the_settings_of_today(house: House) -> None:
    made = house.make()
    item = upload(house, made, "a.md", LONG)
    smaller = house.run(house.instances.update(made, made.settings.__class__(chunk_size=64)))
    again = house.run(house.indexing.reindex(smaller, item.id, wait=20))
    assert (again.status, again.version) == ("completed", 3), "outdated, then indexed"
    assert (again.chunks_count or 0) > (item.chunks_count or 0)
    assert len(chunks(house, made, again)) == again.chunks_count


def test_a_mended_item_is_indexed_again(house: House) -> None:
    made = house.make()
    assert upload(house, made, "a.md", "").status == "error"
    item = upload(house, made, "a.md", "lamp oil")
    assert (item.status, item.error) == ("completed", "")


def test_a_restart_takes_up_what_was_left(idle: House) -> None:
    made = idle.make()
    idle.run(idle.indexing.start())
    whole = upload(idle, made, "whole.md", "ship's bell")
    idle.run(idle.indexing.stop())
    queued = upload(idle, made, "a.md", "lamp oil", wait=None)
    running = upload(idle, made, "b.md", "fog horn", wait=None)
    idle.run(idle.catalog.set_item_status(running, "running"))
    stray = IndexedChunk(Chunk("s", "stray", "c.md", "no item names it"), idle.run(idle.embedder.embed_query("x")))
    idle.run(idle.engine.put_item(made.uid, "stray", [stray]))
    after = idle.make_indexing()
    heard: list[int] = []
    idle.run(after.start())
    idle.run(after.drain(heard.append))
    assert {one.status for one in idle.run(after.list(made))} == {"completed"}
    assert set(idle.run(idle.engine.list_items(made.uid))) == {whole.id, queued.id, running.id}
    assert texts(idle, made, whole) == ["ship's bell"]
    assert heard and heard[0] == 2
    idle.run(after.stop())


def test_what_an_earlier_release_read_by_other_rules_is_indexed_again_once(idle: House) -> None:
    """In the background of the next start; it is searched as it was until then."""
    made = idle.make()
    idle.run(idle.indexing.start())
    odd = upload(idle, made, "odd.md", "The speciﬁcation of the o\u00adil")
    plain = upload(idle, made, "plain.md", "The fog horn")
    idle.run(idle.indexing.stop())
    old = IndexedChunk(
        Chunk("old", odd.id, "odd.md", "The speciﬁcation of the o\u00adil"), idle.run(idle.embedder.embed_query("x"))
    )
    idle.run(idle.engine.put_item(made.uid, odd.id, [old]))
    with closing(sqlite3.connect(idle.folder / "indexes" / f"{made.uid}.sqlite")) as index, index:
        index.execute("DELETE FROM meta WHERE key = 'reading'")
    assert idle.run(idle.engine.list_outdated(made.uid)) == [odd.id]
    after = idle.make_indexing()
    idle.run(after.start())
    idle.run(after.drain())
    assert texts(idle, made, odd) == ["The specification of the oil"]
    versions = {one.key: one.version for one in idle.run(after.list(made))}
    assert versions == {"odd.md": odd.version + 1, "plain.md": plain.version}
    assert idle.run(idle.engine.list_outdated(made.uid)) == []
    idle.run(after.stop())


def test_what_is_deleted_while_it_waits_is_not_indexed(idle: House) -> None:
    made, other = idle.make(), idle.make("other")
    item = upload(idle, made, "a.md", "lamp oil", wait=None)
    upload(idle, other, "a.md", "lamp oil", wait=None)
    idle.run(idle.indexing.delete(made, item.id))
    idle.run(idle.instances.delete(other))
    idle.run(idle.indexing.start())
    idle.run(idle.indexing.drain())
    assert idle.run(idle.engine.count_chunks(made.uid)) == 0
    assert not (idle.folder / "indexes" / f"{other.uid}.sqlite").exists()
    assert upload(idle, made, "b.md", "fog horn").status == "completed"


class Gate(FakeEmbedder):
    """An embedder that waits until it is let through."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.open = asyncio.Event(), asyncio.Event()

    async def embed_passages(
        self, texts: Sequence[str], on_done: Callable[[int], None] | None = None
    ) -> list[Embedding]:
        self.reached.set()
        await self.open.wait()
        return await super().embed_passages(texts, on_done)


@pytest.fixture
def gated(tmp_path: Path) -> Iterator[tuple[House, Gate]]:
    gate = Gate()
    house = House(tmp_path, gate)
    house.run(house.indexing.start())
    yield house, gate
    house.close()


def test_who_waits_too_short_sees_it_running(gated: tuple[House, Gate]) -> None:
    house, gate = gated
    made = house.make()
    item = upload(house, made, "a.md", "lamp oil", wait=0.05)
    assert item.status == "running"
    gate.open.set()
    house.run(house.indexing.drain())
    assert house.run(house.indexing.get(made, item.id)).status == "completed"


@pytest.mark.parametrize("then", ["upload", "delete"])
def test_an_item_that_changes_while_it_is_embedded(gated: tuple[House, Gate], then: str) -> None:
    house, gate = gated
    made = house.make()

    async def work() -> Item:
        item = await house.indexing.upload(made, Upload("a.md", b"old words"))
        await gate.reached.wait()
        if then == "upload":
            await house.indexing.upload(made, Upload("a.md", b"new words"))
        else:
            await house.indexing.delete(made, item.id)
        gate.open.set()
        await house.indexing.drain()
        return item

    item = house.run(work())
    found = house.run(house.engine.list_chunks(made.uid, item.id, 10, 0))[0]
    assert [one.text for one in found] == (["new words"] if then == "upload" else [])


def test_draining_goes_on_while_something_is_left(gated: tuple[House, Gate]) -> None:
    house, gate = gated
    made = house.make()
    upload(house, made, "a.md", "lamp oil", wait=None)
    heard: list[int] = []

    def hear(left: int) -> None:
        heard.append(left)
        if len(heard) == 2:
            gate.open.set()

    house.run(house.indexing.drain(hear))
    assert heard[:2] == [1, 1]
    assert [one.status for one in house.run(house.indexing.list(made))] == ["completed"]


def test_stopping_leaves_it_for_the_next_start(gated: tuple[House, Gate]) -> None:
    house, gate = gated
    made = house.make()

    async def work() -> Item:
        item = await house.indexing.upload(made, Upload("a.md", b"lamp oil"))
        await gate.reached.wait()
        await house.indexing.stop()
        return await house.indexing.get(made, item.id)

    assert house.run(work()).status == "queued"
    gate.open.set()
    house.run(house.indexing.start())
    house.run(house.indexing.drain())
    assert [one.status for one in house.run(house.indexing.list(made))] == ["completed"]


class Interrupted(SqlCatalog):
    """A catalogue during whose first read of an item something else happens."""

    between: Callable[[], Awaitable[object]] | None = None

    async def get_item(self, instance_uid: str, item_id: str) -> Item:
        found = await super().get_item(instance_uid, item_id)
        work, self.between = self.between, None
        if work:
            await work()
        return found


@pytest.mark.parametrize("verb", ["reindex", "delete"])
def test_an_upload_that_comes_between_is_not_lost(tmp_path: Path, verb: str) -> None:
    house = House(tmp_path, kind=Interrupted)
    house.run(house.indexing.start())
    made = house.make()
    item = upload(house, made, "a.md", "old words")
    assert isinstance(house.catalog, Interrupted)
    house.catalog.between = lambda: house.indexing.upload(made, Upload("a.md", b"new words"))
    if verb == "reindex":
        again = house.run(house.indexing.reindex(made, item.id, wait=20))
        assert (again.status, again.error) == ("completed", "")
        assert texts(house, made, again) == ["new words"]
        assert house.stored() == [b"new words"]
    else:
        house.run(house.indexing.delete(made, item.id))
        house.run(house.indexing.drain())
        assert house.stored() == []
        assert house.run(house.engine.count_chunks(made.uid)) == 0
    house.close()


def test_a_store_that_fails_for_a_while_stops_no_worker(house: House, caplog: pytest.LogCaptureFixture) -> None:
    made = house.make()
    engine = create_engine(f"sqlite:///{house.folder / 'catalog.sqlite'}")
    with engine.begin() as connection:
        connection.execute(
            text("CREATE TRIGGER full BEFORE UPDATE ON items BEGIN SELECT RAISE(FAIL, 'the disk is full'); END")
        )
    for at in range(4):
        upload(house, made, f"{at}.md", "lamp oil", wait=None)
    with pytest.raises(TimeoutError):
        house.run(asyncio.wait_for(house.indexing.drain(), 0.5))
    assert {one.status for one in house.run(house.indexing.list(made))} == {"queued"}

    def mend() -> None:
        with engine.begin() as connection:
            connection.execute(text("DROP TRIGGER full"))
        engine.dispose()

    house.run(asyncio.to_thread(mend))  # while the workers go on, which else might stand within a transaction
    house.run(asyncio.wait_for(house.indexing.drain(), 20))
    assert {one.status for one in house.run(house.indexing.list(made))} == {"completed"}
    assert "the disk is full" in caplog.text


def test_what_another_process_has_queued_is_left_to_it(tmp_path: Path) -> None:
    server, beside = House(tmp_path), House(tmp_path)
    made = server.make()
    waiting = upload(server, made, "theirs.md", "lamp oil", wait=None)
    beside.run(beside.indexing.start("command"))
    assert upload(beside, made, "mine.md", "fog horn").status == "completed"
    assert beside.run(beside.indexing.get(made, waiting.id)).status == "queued"
    server.run(server.indexing.start())
    server.run(server.indexing.drain())
    assert {one.status for one in server.run(server.indexing.list(made))} == {"completed"}
    beside.close()
    server.close()


def test_blobs_that_no_item_names_are_swept(idle: House) -> None:
    made, gone = idle.make(), idle.make("gone")
    for key in ("a.md", "b.md"):
        upload(idle, made, key, key, wait=None)
    upload(idle, gone, "c.md", "c.md", wait=None)
    for key in (f"{made.uid}/after-a-crash", f"{made.uid}/tmpx", "never-made/x", f"{gone.uid}/y"):
        idle.run(idle.blobs.put(key, b"loose"))
    assert idle.run(idle.indexing.sweep()) == 4
    assert idle.stored() == [b"a.md", b"b.md", b"c.md"]
    assert idle.run(idle.indexing.sweep()) == 0


def test_indexes_that_no_instance_has_are_swept(idle: House) -> None:
    made, gone = idle.make(), idle.make("gone")
    idle.run(idle.catalog.remove_instance(gone.uid))  # and then the process is killed
    folder = idle.folder / "indexes"
    half = "a" * 24
    for name in (f"{half}.sqlite-wal", f"{half}.sqlite-shm", f"eval-{'b' * 16}.sqlite", "copy.sqlite", "notes.txt"):
        (folder / name).write_bytes(b"x")
    assert idle.run(idle.indexing.sweep()) == 3
    left = {path.name for path in folder.iterdir()}
    assert left - {f"{made.uid}.sqlite{end}" for end in ("-wal", "-shm")} == {
        f"{made.uid}.sqlite", "copy.sqlite", "notes.txt",
    }  # fmt: skip
    assert idle.run(idle.indexing.sweep()) == 0


def test_what_another_process_left_is_taken_up(idle: House) -> None:
    made = idle.make()
    own = upload(idle, made, "own.md", "fog horn", wait=None)
    for status, key in (("queued", "a.md"), ("running", "b.md"), ("completed", "c.md")):
        item = idle.run(idle.make_indexing().upload(made, Upload(key, b"lamp oil")))
        idle.run(idle.catalog.set_item_status(item, status))  # type: ignore[arg-type]  # one of its words
    helper = idle.make_indexing()
    idle.run(helper.start("worker"))
    idle.run(helper.drain())
    idle.run(helper.stop())
    items = idle.run(idle.indexing.list(made))
    assert {one.key: one.chunks_count for one in items} == {"own.md": 1, "a.md": 1, "b.md": 1, "c.md": None}
    assert {one.status for one in items} == {"completed"}
    assert idle.run(idle.indexing.get(made, own.id)).version == 1


class Overtaken(EmbeddedEngine):
    """An engine before whose first write something else happens."""

    between: Callable[[], Awaitable[object]] | None = None

    async def put_item(self, index: str, item_id: str, chunks: Sequence[IndexedChunk]) -> None:
        work, self.between = self.between, None
        if work:
            await work()
        await super().put_item(index, item_id, chunks)


@pytest.mark.parametrize("then", ["upload", "delete"])
def test_another_process_that_is_faster_wins(idle: House, then: str) -> None:
    made = idle.make()
    engine = Overtaken(idle.folder / "indexes")
    slow = idle.make_indexing(engine)

    async def overtake() -> None:
        if then == "upload":
            await idle.indexing.upload(made, Upload("a.md", b"new words"))
        else:
            [item] = await idle.indexing.list(made)
            await idle.indexing.delete(made, item.id)

    async def work() -> list[str]:
        await idle.indexing.start("command")
        await slow.start("command")
        engine.between = overtake
        item = await slow.upload(made, Upload("a.md", b"old words"))
        await slow.drain()
        await slow.stop()
        return [one.text for one in (await idle.engine.list_chunks(made.uid, item.id, 10, 0))[0]]

    assert idle.run(work()) == (["new words"] if then == "upload" else [])
    engine.close()


def test_a_name_that_is_no_text_is_refused(idle: House) -> None:
    made = idle.make()
    with pytest.raises(FileMissingError, match="not valid UTF-8"):
        upload(idle, made, "a\udcff.md", "lamp oil")
    assert idle.stored() == []
