"""An index that cannot be read answers 503 for its instance alone, and comes back by itself."""

import asyncio
from collections.abc import Sequence

import pytest

from secondlook.ports import Embedding
from tests.wire.conftest import NEW, Wire, error_of

HANDBOOK, OTHER = f"{NEW}/handbook", f"{NEW}/other"
ASK = {"query": "lamp oil", "ai_search_options": {"retrieval": {"retrieval_type": "keyword"}}}


@pytest.fixture
def gate(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Nothing is indexed before it is set."""
    opened, embed = asyncio.Event(), wire.embedder.embed_passages

    async def wait(texts: Sequence[str]) -> list[Embedding]:
        await opened.wait()
        return await embed(texts)

    monkeypatch.setattr(wire.embedder, "embed_passages", wait)
    return opened


def fill(wire: Wire) -> str:
    """Two instances with an item each; the uid of the first."""
    for name in ("handbook", "other"):
        wire.make(name)
        wire.upload("oil.md", "Warm the lamp oil.", name=name)
    wire.run(wire.indexing.drain())
    return str(wire.get(HANDBOOK).json()["result"]["vectorize_name"])


@pytest.mark.parametrize("damage", ["missing", "garbage", "empty", "a folder"])
def test_a_damaged_index_answers_503_alone_until_it_is_rebuilt(wire: Wire, gate: asyncio.Event, damage: str) -> None:
    gate.set()
    path = wire.folder / "indexes" / f"{fill(wire)}.sqlite"
    gate.clear()
    path.unlink()
    if damage == "a folder":
        path.mkdir()
    elif damage != "missing":
        path.write_bytes(b"" if damage == "empty" else b"no index" * 999)

    first = wire.post(f"{HANDBOOK}/search", ASK)
    assert first.status_code == 503, first.text
    _, code, message = error_of(first)
    assert (code, message) == (7017, "unable_to_connect_to_ai_search")
    assert "cannot be read" in first.json()["errors"][0]["detail"]
    shown = wire.get(HANDBOOK).json()["result"]["index_problem"]
    assert shown is not None and shown["searchable"] is False and "file" in shown["reason"]
    assert wire.post(f"{OTHER}/search", ASK).status_code == 200
    assert wire.get(OTHER).json()["result"]["index_problem"] is None

    gate.set()
    wire.run(wire.indexing.drain())
    again = wire.post(f"{HANDBOOK}/search", ASK)
    assert again.status_code == 200 and len(again.json()["result"]["chunks"]) == 1
    assert wire.get(HANDBOOK).json()["result"]["index_problem"] is None


def test_a_damaged_download_is_never_a_200(wire: Wire) -> None:
    uid = fill(wire)
    [item] = wire.get(f"{HANDBOOK}/items").json()["result"]
    [path] = (wire.folder / "files" / uid).iterdir()
    assert wire.get(f"{HANDBOOK}/items/{item['id']}/download").content == b"Warm the lamp oil."
    path.write_bytes(b"Warm the lamp ail.")
    answer = wire.get(f"{HANDBOOK}/items/{item['id']}/download")
    assert answer.status_code == 503
    assert answer.json()["errors"][0]["detail"] == "the stored file of oil.md is damaged: upload it again"
    path.unlink()
    assert wire.get(f"{HANDBOOK}/items/{item['id']}/download").status_code == 503
