"""SIGKILL at any moment leaves every acknowledged item whole, and none half there."""

import asyncio
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from secondlook.domain.chunk import Chunk, IndexedChunk
from secondlook.engines.embedded import EmbeddedEngine
from secondlook.ports import IndexShape

pytestmark = pytest.mark.process

PARTS, NAMES = 6, 12
SHAPES = (IndexShape(4, "porter"), IndexShape(4, "porter", "german"))


def version(name: int, number: int) -> list[IndexedChunk]:
    """The chunks of an item, all of which carry the same version word."""
    unit = np.eye(4, dtype="<f4")[name % 4].tobytes()
    return [
        IndexedChunk(Chunk(f"{name}-{at}", f"i{name}", "k", f"item{name} v{number}x", position=at), unit, b"s")
        for at in range(PARTS)
    ]


def write_for_ever(folder: Path, shape: IndexShape) -> None:
    """Upsert the items in turn; print each once it is acknowledged."""

    async def work() -> None:
        engine = EmbeddedEngine(folder)
        await engine.create_index("i", shape)
        for number in range(1_000_000):
            name = number % NAMES
            await engine.put_item("i", f"i{name}", version(name, number))
            print(f"{name} {number}", flush=True)

    asyncio.run(work())


def kill_after(folder: Path, lines: int, shape: int) -> dict[int, int]:
    """The last acknowledged version of each item when the writer was killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"from {__name__} import *; write_for_ever(Path({str(folder)!r}), SHAPES[{shape}])"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    told: dict[int, int] = {}
    for _ in range(lines):
        name, number = (process.stdout.readline() if process.stdout else "").split()
        told[int(name)] = int(number)
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read() if process.stdout else ""
    process.wait(30)
    for line in rest.splitlines():
        if len(line.split()) == 2:
            told[int(line.split()[0])] = int(line.split()[1])
    return told


@pytest.mark.parametrize("turn", range(4))
def test_acknowledged_items_are_whole(tmp_path: Path, turn: int) -> None:
    told = kill_after(tmp_path, random.Random(turn).randint(1, 40), turn % len(SHAPES))
    engine = EmbeddedEngine(tmp_path)

    async def check() -> None:
        assert set(await engine.list_items("i")) >= {f"i{name}" for name in told}
        for item in await engine.list_items("i"):
            name = int(item[1:])
            chunks, total = await engine.list_chunks("i", item, 100, 0)
            assert total == PARTS
            [text] = {chunk.text for chunk in chunks}
            assert int(text.split(" v")[1].rstrip("x")) >= told.get(name, 0)
            words = await engine.search_keywords("i", text.split()[1], 100, match_mode="and", where=None)
            assert {hit.chunk_id for hit in words.hits} == {chunk.id for chunk in chunks}
            assert len(await engine.fetch_stored("i", [chunk.id for chunk in chunks])) == PARTS
        near = await engine.search_vectors("i", np.eye(4, dtype="<f4")[0].tobytes(), 1000, None)
        assert len(near.hits) == PARTS * len(await engine.list_items("i"))

    asyncio.run(check())
    engine.close()
