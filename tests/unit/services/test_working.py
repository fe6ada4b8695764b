"""The queue: what may pass is tried again, what never passes holds up nobody, and attempts outlive who made them."""

import asyncio
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from secondlook.domain.chunk import IndexedChunk
from secondlook.domain.instance import Instance, Item
from secondlook.domain.jobs import ItemLine
from secondlook.engines.embedded import EmbeddedEngine
from secondlook.errors import BackendError, IndexCorruptError, OverloadedError
from secondlook.models.fakes import FakeEmbedder
from secondlook.ports import Embedding
from secondlook.services import working
from secondlook.services.intake import Upload
from secondlook.services.working import BEATS
from tests.random_turns import RandomTurns
from tests.unit.services.conftest import House

ATTEMPTS = 5
"""The default."""


class Moody(FakeEmbedder):
    """An embedder that does something else the first so many times that it reads a word."""

    def __init__(self, word: str, times: int, deed: Callable[[], object]) -> None:
        super().__init__()
        self.word, self.times, self.deed = word, times, deed
        self.read = 0

    async def embed_passages(
        self, texts: Sequence[str], on_done: Callable[[int], None] | None = None
    ) -> list[Embedding]:
        if any(self.word in text for text in texts):
            self.read += 1
            if self.read <= self.times:
                done = self.deed()
                if asyncio.iscoroutine(done):
                    await done
        return await super().embed_passages(texts, on_done)


def down() -> None:
    raise BackendError("the embedder is down")


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., House]]:
    made: list[House] = []

    def one(embedder: FakeEmbedder, **options: Any) -> House:
        house = House(tmp_path, embedder)
        house.indexing = house.make_indexing(**options)
        made.append(house)
        return house

    yield one
    for house in made:
        house.close()


def put(house: House, made: Instance, key: str, words: str, *, wait: float | None = 30) -> Item:
    return house.run(house.indexing.upload(made, Upload(key, words.encode()), wait=wait))


def lines(house: House, made: Instance, item: Item) -> list[ItemLine]:
    """Oldest first."""
    return list(house.run(house.indexing.lines(made, item.id, 100, None))[0])[::-1]


def test_what_passes_is_tried_again(make: Callable[..., House]) -> None:
    house = make(Moody("oil", 2, down))
    house.run(house.indexing.start())
    made = house.make()
    item = put(house, made, "a.md", "lamp oil")
    assert (item.status, item.error, item.chunks_count) == ("completed", "", 1)
    told = [(one.action, one.error_type) for one in lines(house, made, item) if one.action in ("retry", "fail")]
    kind = "error_embedding_data_with_workers_ai"
    assert told == [("retry", kind), ("retry", ""), ("retry", kind), ("retry", "")]
    messages = [one.message for one in lines(house, made, item) if one.action == "retry"]
    assert messages[0].startswith("attempt 1 of 5 failed; retrying in 0.0 s: ")
    assert messages[1] == "attempt 2 of 5"


def test_what_never_passes_is_given_up_and_holds_up_nobody(make: Callable[..., House]) -> None:
    embedder = Moody("oil", 1000, down)
    house = make(embedder)
    house.run(house.indexing.start())
    made = house.make()
    for at in range(3):
        put(house, made, f"bad{at}.md", "lamp oil", wait=None)
    assert put(house, made, "good.md", "fog horn").status == "completed"
    house.run(house.indexing.drain())
    for at in range(3):
        item = house.run(house.indexing.find(made, f"bad{at}.md"))
        assert (item.status, item.error) == ("error", "error_embedding_data_with_workers_ai: the embedder is down")
    assert embedder.read == 3 * ATTEMPTS
    embedder.times = 0
    again = house.run(house.indexing.reindex(made, item.id, wait=30))
    assert again.status == "completed", "who asks again gets attempts anew"


def test_what_the_file_causes_is_told_at_once(make: Callable[..., House]) -> None:
    house = make(FakeEmbedder())
    house.run(house.indexing.start())
    made = house.make()
    item = put(house, made, "a.pdf", "no PDF")
    assert item.status == "error" and item.error.partition(":")[0] in ("invalid_pdf", "file_is_corrupt")
    assert "retry" not in {one.action for one in lines(house, made, item)}


def test_what_stands_still_is_broken_off(make: Callable[..., House]) -> None:
    embedder = Moody("oil", 1000, lambda: asyncio.sleep(3600))
    house = make(embedder, stall=0.2, lease=0.3)
    house.run(house.indexing.start())
    made = house.make()
    for key in ("a.md", "b.md"):  # as many as there are workers
        put(house, made, key, "lamp oil", wait=None)
    assert put(house, made, "good.md", "fog horn").status == "completed"
    house.run(house.indexing.drain())
    found = {one.key: one.error.partition(":")[0] for one in house.run(house.indexing.list(made))}
    assert found == {"a.md": "timeout_error", "b.md": "timeout_error", "good.md": ""}
    assert embedder.read == 4, "once more each"


def test_a_newer_upload_does_not_wait_for_the_older_one(make: Callable[..., House]) -> None:
    house = make(Moody("oil", 1000, lambda: asyncio.sleep(3600)))
    house.run(house.indexing.start())
    made = house.make()
    put(house, made, "a.md", "lamp oil", wait=0.2)
    item = put(house, made, "a.md", "fog horn", wait=10)
    assert (item.status, item.version) == ("completed", 2)


def test_stopping_counts_no_attempt(make: Callable[..., House]) -> None:
    began = asyncio.Event()

    async def hang() -> None:
        began.set()
        await asyncio.Event().wait()

    house = make(Moody("oil", ATTEMPTS + 1, hang))
    made = house.make()
    item = put(house, made, "a.md", "lamp oil", wait=None)
    for _ in range(ATTEMPTS + 1):
        began.clear()
        house.run(house.indexing.start())
        house.run(began.wait())
        house.run(house.indexing.stop())
    house.run(house.indexing.start())
    house.run(house.indexing.drain())
    assert house.run(house.indexing.get(made, item.id)).status == "completed"


@pytest.mark.parametrize("ticks", range(5))
def test_stopping_just_when_something_comes(make: Callable[..., House], ticks: int) -> None:
    """A wait that is over and cancelled at the same moment ends, and is not taken to be over."""
    house = make(FakeEmbedder(), poll=60.0)
    made = house.make()

    async def work() -> None:
        await house.indexing.start()
        await asyncio.sleep(0.05)  # the workers wait
        await house.indexing.upload(made, Upload("a.md", b"lamp oil"))
        for _ in range(ticks):
            await asyncio.sleep(0)
        await asyncio.wait_for(house.indexing.stop(), 10)

    house.run(work())


def test_a_worker_that_is_slow_to_renew_loses_its_lease(make: Callable[..., House]) -> None:
    """Another takes the item up; what the first does later changes nothing."""
    house = make(FakeEmbedder())
    made = house.make()
    item = put(house, made, "a.md", "lamp oil", wait=None)
    now = int(time.time() * 1000)
    lost = house.run(house.leases.take("worker-asleep-1", now=now + 1, until=now + 1))
    assert lost
    house.run(house.indexing.start("worker"))
    house.run(house.indexing.drain())
    assert not house.run(house.leases.settle(lost, "error", error="unknown_error: late"))
    assert house.run(house.indexing.get(made, item.id)).status == "completed"
    assert "resume" in {one.action for one in lines(house, made, item)}


def test_leases_of_live_workers_are_renewed(make: Callable[..., House]) -> None:
    house = make(Moody("oil", 1, lambda: asyncio.sleep(1.0)), lease=0.3)
    helper = house.make_indexing(lease=0.3)
    house.run(house.indexing.start("worker"))
    house.run(helper.start("worker"))
    made = house.make()
    item = put(house, made, "a.md", "lamp oil")
    house.run(helper.stop())
    assert item.status == "completed"
    assert "resume" not in {one.action for one in lines(house, made, item)}
    assert BEATS > 2


def test_two_processes_share_a_queue_and_hear_of_each_other(make: Callable[..., House]) -> None:
    house = make(FakeEmbedder())
    house.run(house.indexing.start("command"))  # it indexes nothing but its own
    made = house.make()
    helper = house.make_indexing()
    item = house.run(helper.upload(made, Upload("a.md", b"lamp oil")))

    async def work() -> Item:
        waiting = asyncio.create_task(house.indexing.wait_for(item))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        await helper.start("worker")
        return await asyncio.wait_for(waiting, 10)

    assert house.run(work()).status == "completed"
    house.run(helper.stop())


def test_a_command_indexes_its_own_however_many(make: Callable[..., House], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "OWN_AT_ONCE", 2)
    house = make(FakeEmbedder())
    made = house.make()
    theirs = house.run(house.make_indexing().upload(made, Upload("theirs.md", b"fog horn")))
    for at in range(5):
        put(house, made, f"{at}.md", "lamp oil", wait=None)
    house.run(house.indexing.start("command"))
    house.run(house.indexing.drain())
    assert put(house, made, "0.md", "once more").status == "completed"
    statuses = {one.key: one.status for one in house.run(house.indexing.list(made))}
    assert statuses.pop("theirs.md") == "queued" and set(statuses.values()) == {"completed"}
    assert house.run(house.indexing.get(made, theirs.id)).version == 1


class Full(EmbeddedEngine):
    """An engine whose disk is full."""

    async def put_item(self, index: str, item_id: str, chunks: Sequence[IndexedChunk]) -> None:
        raise OSError(28, "No space left on device")


class Damaged(EmbeddedEngine):
    """An engine whose index cannot be read."""

    async def put_item(self, index: str, item_id: str, chunks: Sequence[IndexedChunk]) -> None:
        raise IndexCorruptError(f"index {index} cannot be read")


def overloaded() -> None:
    raise OverloadedError("131,072 tokens wait already", 0.01)


def test_what_keeps_failing_says_which_part_it_was(make: Callable[..., House], tmp_path: Path) -> None:
    house = make(Moody("oil", 1000, overloaded), attempts=2)
    made = house.make()
    house.run(house.indexing.start())
    item = put(house, made, "a.md", "lamp oil")
    assert item.error == "workers_ai_out_of_capacity_error: 131,072 tokens wait already"
    house.run(house.indexing.stop())
    house.indexing = house.make_indexing(Full(tmp_path / "indexes"), attempts=2)
    house.run(house.indexing.start())
    item = put(house, made, "b.md", "fog horn")
    assert item.error == "vectorize_upstream_error: OSError: [Errno 28] No space left on device"
    house.run(house.indexing.stop())
    house.indexing = house.make_indexing(Damaged(tmp_path / "indexes"), attempts=2)
    house.run(house.indexing.start("worker"))
    item = put(house, made, "c.md", "fog horn")
    assert item.error.partition(":")[0] == "hybrid_search_indexing_failed"
    assert "retry" in {one.action for one in lines(house, made, item)}, "the index may be rebuilt meanwhile"


KILLER = """
import asyncio, os, sys
from pathlib import Path
from secondlook.models.fakes import FakeEmbedder
from tests.random_turns import RandomTurns
from tests.unit.services.conftest import House

class Deadly(FakeEmbedder):
    async def embed_passages(self, texts, on_done=None):
        if any("poison" in text for text in texts):
            os._exit(9)
        return await super().embed_passages(texts, on_done)

house = House(Path(sys.argv[1]), Deadly())
house.indexing = house.make_indexing(attempts=2)
house.run(house.indexing.start())
house.run(house.indexing.drain())
house.close()
"""


@pytest.mark.process
def test_an_item_that_kills_its_process_is_given_up(make: Callable[..., House], tmp_path: Path) -> None:
    house = make(FakeEmbedder())
    made = house.make()
    poison = put(house, made, "poison.md", "poison", wait=None)
    for at in range(4):
        put(house, made, f"{at}.md", "lamp oil", wait=None)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in (*sys.path, str(Path.cwd())) if path)}
    codes = [
        subprocess.run(
            [sys.executable, "-c", KILLER, str(tmp_path)], env=environment, check=False, timeout=60
        ).returncode
        for _ in range(3)
    ]
    assert codes == [9, 9, 0]
    found = house.run(house.indexing.get(made, poison.id))
    gone = "unknown_error: 2 attempts to index it ended when the indexing process stopped"
    assert (found.status, found.error) == ("error", gone)
    statuses = {one.key: one.status for one in house.run(house.indexing.list(made)) if one.id != poison.id}
    assert set(statuses.values()) == {"completed"}
    assert [one.action for one in lines(house, made, poison)].count("resume") == 1


@pytest.mark.parametrize("seed", range(3))
def test_many_workers_of_a_command_share_its_items(
    make: Callable[..., House], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    """Whatever one worker forgets while another waits for the database, nobody fails and nothing is left."""
    monkeypatch.setattr(working, "WORKERS", 8)
    monkeypatch.setattr(working, "OWN_AT_ONCE", 5)
    house = make(FakeEmbedder())
    house.leases = RandomTurns(house.leases, Random(seed))  # type: ignore[assignment]  # the real store behind it
    house.indexing = house.make_indexing()
    made = house.make()

    async def work() -> list[int]:
        await house.indexing.start("command")
        uploads = (house.indexing.upload(made, Upload(f"{at}.md", b"lamp oil")) for at in range(40))
        await asyncio.gather(*uploads)
        left: list[int] = []
        await asyncio.gather(house.indexing.drain(left.append), house.indexing.drain())
        return left

    left = house.run(work())
    assert {one.status for one in house.run(house.indexing.list(made))} == {"completed"}
    assert left == sorted(left, reverse=True), "nothing new came, so the count only goes down"
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING], caplog.text
