"""Children are warm, killed when they take too long, replaced when they die, and never outlive the server."""

import asyncio
import contextlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import openpyxl
import pytest

from secondlook.errors import FileUnreadableError
from secondlook.ingest import pool as module
from secondlook.ingest.formats.reading import Reading, Wanted
from secondlook.ingest.pool import ParseLimits, ReaderPool
from tests.documents import huge_picture, make_word, need_tesseract, paragraphs

T = TypeVar("T")
OIL = b"<p>oil"
HEAVY = make_word(paragraphs(40_000))
"""Some 2 MB of XML, which mammoth reads for several seconds; no bomb to the limits of archives."""


def with_pool(work: Callable[[ReaderPool], Awaitable[T]], limits: ParseLimits | None = None) -> T:
    async def run() -> T:
        pool = ReaderPool(limits)
        try:
            return await work(pool)
        finally:
            await pool.close()

    return asyncio.run(run())


def pids(pool: ReaderPool) -> set[int]:
    return {child._process.pid for child in [*pool._idle, *pool._busy]}


def is_alive(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


async def kind_of_failure(work: Awaitable[Reading]) -> str:
    with pytest.raises(FileUnreadableError) as caught:
        await work
    return caught.value.kind


def test_many_small_documents_need_few_processes() -> None:
    content = make_word(paragraphs(3))

    async def work(pool: ReaderPool) -> set[int]:
        seen: set[int] = set()
        for _ in range(50):
            for found in await asyncio.gather(*(pool.read("word", content, Wanted()) for _ in range(4))):
                assert found.text.startswith("Lamp 0")
            seen |= pids(pool)
        return seen

    assert len(with_pool(work)) == ParseLimits().children


def test_a_child_is_replaced_after_many_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_DOCUMENTS", 2)

    async def work(pool: ReaderPool) -> list[set[int]]:
        seen = []
        for _ in range(4):
            await pool.read("page", OIL, Wanted())
            seen.append(pids(pool))
        return seen

    first, none, second, last = with_pool(work, ParseLimits(children=1))
    assert none == last == set()
    assert first.isdisjoint(second)


def test_a_document_that_takes_too_long_is_given_up_and_the_next_is_read() -> None:
    async def work(pool: ReaderPool) -> tuple[str, str, bool]:
        await pool.read("page", OIL, Wanted())
        before = pids(pool)
        started = time.monotonic()
        failure = await kind_of_failure(pool.read("word", HEAVY, Wanted()))
        assert time.monotonic() - started < 10
        after = await pool.read("page", OIL, Wanted())
        return failure, after.text, any(map(is_alive, before))

    assert with_pool(work, ParseLimits(seconds=1, children=1)) == ("timeout_error", "oil", False)


def test_a_document_that_needs_too_much_memory() -> None:
    async def work(pool: ReaderPool) -> tuple[str, str]:
        failure = await kind_of_failure(pool.read("word", HEAVY, Wanted()))
        return failure, (await pool.read("page", OIL, Wanted())).text

    limits = ParseLimits(memory=112 << 20, children=1)
    assert with_pool(work, limits) == ("unable_to_convert_to_markdown", "oil")


def test_a_sheet_without_bounds_takes_its_reader_down_alone() -> None:
    """Its two cells span 17 billion; the library in Rust aborts when it asks for the memory."""
    book, target = openpyxl.Workbook(), io.BytesIO()
    book.worksheets[0]["A1"], book.worksheets[0]["XFD1048576"] = "a", "z"
    book.save(target)

    async def work(pool: ReaderPool) -> tuple[str, str]:
        failure = await kind_of_failure(pool.read("sheets", target.getvalue(), Wanted()))
        return failure, (await pool.read("page", OIL, Wanted())).text

    assert with_pool(work) == ("unable_to_convert_to_markdown", "oil")


@pytest.mark.system
def test_a_picture_of_billions_of_pixels() -> None:
    need_tesseract()

    async def work(pool: ReaderPool) -> str:
        return await kind_of_failure(pool.read("picture", huge_picture(60_000), Wanted()))

    assert with_pool(work) in ("file_is_corrupt", "unable_to_convert_to_markdown")


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (signal.SIGSEGV, "unable_to_convert_to_markdown"),
        (signal.SIGKILL, "unable_to_convert_to_markdown"),
        (signal.SIGALRM, "timeout_error"),
        (signal.SIGXCPU, "timeout_error"),
    ],
)
def test_a_reader_that_dies_over_a_document(sent: signal.Signals, kind: str) -> None:
    async def work(pool: ReaderPool) -> tuple[str, str]:
        await pool.read("page", OIL, Wanted())
        [pid] = pids(pool)
        reading = asyncio.create_task(kind_of_failure(pool.read("word", HEAVY, Wanted())))
        await asyncio.sleep(0.1)
        os.kill(pid, sent)
        return await reading, (await pool.read("page", OIL, Wanted())).text

    assert with_pool(work, ParseLimits(children=1)) == (kind, "oil")


def test_a_reader_that_died_meanwhile_costs_one_document_at_most() -> None:
    async def work(pool: ReaderPool) -> str:
        await pool.read("page", OIL, Wanted())
        [pid] = pids(pool)
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(FileUnreadableError):
            await pool.read("page", OIL, Wanted())
        return (await pool.read("page", OIL, Wanted())).text

    assert with_pool(work) == "oil"


def test_who_gives_up_waiting_leaves_no_process() -> None:
    async def work(pool: ReaderPool) -> set[int]:
        await pool.read("page", OIL, Wanted())
        before = pids(pool)
        reading = asyncio.create_task(pool.read("word", HEAVY, Wanted()))
        await asyncio.sleep(0.1)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        return {pid for pid in before if is_alive(pid)}

    assert with_pool(work, ParseLimits(children=1)) == set()


def test_a_child_has_no_secret_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECONDLOOK_LLM_KEY", "top-secret")

    async def work(pool: ReaderPool) -> bytes:
        await pool.read("page", OIL, Wanted())
        [pid] = pids(pool)
        return Path(f"/proc/{pid}/environ").read_bytes()

    assert b"top-secret" not in with_pool(work)


SERVER = """
import asyncio, sys
from secondlook.ingest.formats.reading import Wanted
from secondlook.ingest.pool import ReaderPool
async def main():
    pool = ReaderPool()
    await asyncio.gather(*(pool.read("page", b"<p>oil", Wanted()) for _ in range(2)))
    print(*(child._process.pid for child in pool._idle), flush=True)
    heavy = open(sys.argv[1], "rb").read()
    await asyncio.gather(*(pool.read("word", heavy, Wanted()) for _ in range(1)))
asyncio.run(main())
"""


@pytest.mark.process
def test_no_child_outlives_a_server_that_is_killed(tmp_path: Path) -> None:
    """One child is idle and one at work."""
    heavy = tmp_path / "heavy.docx"
    heavy.write_bytes(HEAVY)
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(heavy)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )  # fmt: skip
    assert server.stdout
    children = [int(word) for word in server.stdout.readline().split()]
    assert len(children) == 2
    assert all(map(is_alive, children))
    time.sleep(0.3)
    server.kill()
    server.wait()
    server.stdout.close()
    until = time.monotonic() + 10
    while any(map(is_alive, children)) and time.monotonic() < until:
        time.sleep(0.02)
    assert [pid for pid in children if is_alive(pid)] == []
