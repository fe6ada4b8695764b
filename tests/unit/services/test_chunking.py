"""Chunks carry the metadata of their item, and each step leaves a line."""

from collections.abc import Sequence

from secondlook.domain.chunk import IndexedChunk
from secondlook.domain.instance import Instance, Item
from secondlook.ingest.metadata import ENVELOPE
from secondlook.services.chunking import PASSAGES_A_TURN, Chunking, Steps
from tests.unit.services.conftest import House

LONG = "\n\n".join(f"Paragraph {at} of lamp oil and fog horn. " + "word " * 50 for at in range(80))


def chunk(house: House, made: Instance, text: str, **more: object) -> tuple[Sequence[IndexedChunk], Steps, list[int]]:
    house.run(house.blobs.put("b", text.encode()))
    item = Item("i1", made.uid, "a/b.md", "running", "", len(text), blob="b", last_seen_at=5, **more)  # type: ignore[arg-type]  # fields of an item
    steps, told = Steps(item.key), []

    async def tell() -> None:
        told.append(len(steps.take()))

    work = Chunking(house.blobs, house.embedder).make_chunks(made, item, steps, before_long_work=tell)
    return house.run(work), steps, told


def test_each_step_leaves_a_line(idle: House) -> None:
    found, steps, told = chunk(idle, idle.make(), "Warm the lamp oil.")
    lines = steps.take()
    assert [(one.action, one.chunk_count) for one in lines] == [("read", None), ("split", 1), ("embed", 1)]
    assert {one.key for one in lines} == {"a/b.md"}
    assert all(one.milliseconds is not None and one.milliseconds >= 0 and one.at > 0 for one in lines)
    assert steps.take() == []
    assert (len(found), told) == (1, [])


def test_a_long_file_tells_before_it_is_embedded(idle: House) -> None:
    found, steps, told = chunk(idle, idle.make(chunk_size=64), LONG)
    assert len(found) > PASSAGES_A_TURN
    assert told == [2]
    assert [one.action for one in steps.take()] == ["embed"]


def test_without_vectors_nothing_is_embedded(idle: House) -> None:
    found, steps, _ = chunk(idle, idle.make(vector_index=False), "Warm it.")
    assert [one.action for one in steps.take()] == ["read", "split"]
    assert found[0].vector is None


def test_front_matter_that_does_not_fit_is_left_out(idle: House) -> None:
    large = f"---\nstation: north\nnote: {'x' * ENVELOPE}\n---\nWarm it."
    found, steps, _ = chunk(idle, idle.make(), large, metadata={"colour": "red"})
    assert found[0].chunk.metadata == {"colour": "red", "folder": "a/", "filename": "b.md", "timestamp": 5}
    assert any("front matter is left out" in one.message for one in steps.take())
    found, _, _ = chunk(idle, idle.make("other"), "---\nstation: north\n---\nWarm it.")
    assert found[0].chunk.metadata["station"] == "north"
