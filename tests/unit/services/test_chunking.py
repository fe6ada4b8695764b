"""Chunks carry the metadata of their item, and each step leaves a line."""

import re
from collections.abc import Sequence

from secondlook.domain.chunk import IndexedChunk
from secondlook.domain.instance import Instance, Item, MetadataField
from secondlook.ingest.metadata import ENVELOPE
from secondlook.services.chunking import PASSAGES_A_TURN, Chunking, ReadingOptions, Steps
from tests.documents import make_pdf
from tests.unit.services.conftest import House

LONG = "\n\n".join(f"Paragraph {at} of lamp oil and fog horn. " + "word " * 50 for at in range(80))


def chunk(
    house: House,
    made: Instance,
    content: str | bytes,
    key: str = "a/b.md",
    how: ReadingOptions | None = None,
    **more: object,
) -> tuple[Sequence[IndexedChunk], Steps, list[int]]:
    stored = content.encode() if isinstance(content, str) else content
    house.run(house.blobs.put("b", stored))
    item = Item("i1", made.uid, key, "running", "", len(stored), blob="b", last_seen_at=5, **more)  # type: ignore[arg-type]  # fields of an item
    steps, told = Steps(item.key), []

    async def tell() -> None:
        told.append(len(steps.take()))

    chunking = Chunking(house.blobs, house.embedder, how)
    try:
        return house.run(chunking.make_chunks(made, item, steps, before_long_work=tell)), steps, told
    finally:
        house.run(chunking.close())


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
    assert any("front matter was ignored" in one.message for one in steps.take())
    found, _, _ = chunk(idle, idle.make("other"), "---\nstation: north\n---\nWarm it.")
    assert found[0].chunk.metadata["station"] == "north"


HEADED = "---\ntitle: Manual\n---\nFirst.\n\n# Oil\n\n" + "Warm the oil. " * 30 + "\n\n## Fog\n\nTwo blasts."


def contexts(house: House, made: Instance, content: str, how: ReadingOptions | None) -> list[str]:
    found, _, _ = chunk(house, made, content, how=how)
    assert found[0].chunk.text.startswith("First.")
    return list(dict.fromkeys(one.chunk.context for one in found))


def test_the_models_read_the_title_and_the_headings_if_they_are_to(idle: House) -> None:
    made = idle.make(chunk_size=64)
    assert contexts(idle, made, HEADED, None) == ["Manual"]
    headed = contexts(idle, made, HEADED, ReadingOptions(headings=True))
    assert headed == ["Manual", "Manual > Oil"]
    plain = HEADED.partition("---\n")[2].partition("---\n")[2]
    assert contexts(idle, made, plain, ReadingOptions(headings=True)) == ["", "Oil"]


def test_headings_change_neither_texts_nor_places(idle: House) -> None:
    made = idle.make(chunk_size=64)
    without, _, _ = chunk(idle, made, HEADED)
    with_them, _, _ = chunk(idle, made, HEADED, how=ReadingOptions(headings=True))
    places = [[(one.chunk.text, one.chunk.start, one.chunk.end) for one in found] for found in (without, with_them)]
    assert places[0] == places[1]


def test_chunks_of_a_document_are_exact_and_tell_their_page(idle: House) -> None:
    pages = [[(11, f"Öl {page}.{at} in the lamp") for at in range(30)] for page in (1, 2, 3)]
    found, _, _ = chunk(idle, idle.make(chunk_size=64), make_pdf(*pages), "a.pdf")
    numbers = [one.chunk.metadata["page"] for one in found]
    assert numbers == sorted(numbers)  # type: ignore[type-var]  # they are numbers
    assert set(numbers) == {1, 2, 3}
    for one in found:
        first = re.search(r"(\d)\.\d+", one.chunk.text)
        assert first
        assert int(first.group(1)) == one.chunk.metadata["page"]
        assert one.chunk.end - one.chunk.start == len(one.chunk.text.encode())


def test_a_page_names_itself_and_fills_the_schema(idle: House) -> None:
    made = idle.make(fields=(MetadataField("station", "text"), MetadataField("severity", "number")))
    page = b"<title>Lamps</title><meta name=station content=north><meta name=severity content=high><p>Oil."
    found, _, _ = chunk(idle, made, page, "a.html")
    assert found[0].chunk.context == "Lamps"
    assert found[0].chunk.metadata == {"station": "north", "folder": "", "filename": "a.html", "timestamp": 5}
    found, _, _ = chunk(idle, made, page, "a.html", metadata={"station": "south"})
    assert found[0].chunk.metadata["station"] == "south"
