"""What every store of bytes keeps to: decode(encode(x)) == x, whole or not there, and nobody else's."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secondlook.errors import BackendError, ItemNotFoundError
from secondlook.ports import Blobs
from secondlook.stores.blobs import FileBlobs

ADAPTERS: dict[str, Callable[[Path], Blobs]] = {"files": FileBlobs}


@pytest.fixture(params=ADAPTERS)
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    return ADAPTERS[request.param](tmp_path)


def get(blobs: Blobs, key: str) -> bytes:
    return asyncio.run(blobs.get(key))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_what_is_put_is_what_one_gets(blobs: Blobs, first: bytes, second: bytes) -> None:
    asyncio.run(blobs.put("u1/key", first))
    assert get(blobs, "u1/key") == first
    asyncio.run(blobs.put("u1/key", second))
    assert get(blobs, "u1/key") == second


def test_a_delete_takes_all_that_is_under_it_and_nothing_else(blobs: Blobs) -> None:
    for key in ("u1/a", "u1/b/c", "u10/a", "u2/a"):
        asyncio.run(blobs.put(key, key.encode()))
    asyncio.run(blobs.delete("u1"))
    asyncio.run(blobs.delete("u1"))
    for key in ("u1/a", "u1/b/c", "u1"):
        with pytest.raises(ItemNotFoundError):
            get(blobs, key)
    assert (get(blobs, "u10/a"), get(blobs, "u2/a")) == (b"u10/a", b"u2/a")


def test_all_are_listed_and_whatever_is_listed_can_be_deleted(blobs: Blobs) -> None:
    assert list(asyncio.run(blobs.list())) == []
    for key in ("u1/a", "u1/b/c", "u2/a"):
        asyncio.run(blobs.put(key, b""))
    assert sorted(asyncio.run(blobs.list())) == ["u1/a", "u1/b/c", "u2/a"]
    for key in asyncio.run(blobs.list()):
        asyncio.run(blobs.delete(key))
    assert list(asyncio.run(blobs.list())) == []


def test_who_reads_while_another_writes_sees_one_or_the_other(blobs: Blobs) -> None:
    old, new = b"o" * 200_000, b"n" * 300_000

    async def work() -> set[bytes]:
        await blobs.put("k", old)
        writes = asyncio.gather(*(blobs.put("k", new if at % 2 else old) for at in range(10)))
        seen = {await blobs.get("k") for _ in range(30)}
        await writes
        return seen

    assert asyncio.run(work()) <= {old, new}


@pytest.mark.parametrize("key", ["", "../x", "/x", "a/../../x"])
def test_no_way_out(blobs: Blobs, key: str) -> None:
    for work in (blobs.put(key, b"x"), blobs.get(key), blobs.delete(key)):
        with pytest.raises(BackendError):
            asyncio.run(work)  # type: ignore[arg-type]  # coroutines of two types
