"""What every indexer keeps to: an item is replaced whole, indexes are apart, and what is put comes back."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secondlook.domain.chunk import Chunk, IndexedChunk
from secondlook.engines.embedded import EmbeddedEngine
from secondlook.errors import BackendError
from secondlook.ports import IndexShape

T = TypeVar("T")
ADAPTERS: dict[str, Callable[[Path], EmbeddedEngine]] = {"embedded": EmbeddedEngine}
SHAPE = IndexShape(4, "porter")
UNIT = np.eye(4, dtype="<f4")
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
CHUNKS = st.builds(
    Chunk,
    id=st.just("c"),
    item_id=st.just("a"),
    item_key=WORDS,
    text=WORDS,
    position=st.just(0),
    start=st.integers(0, 2**40),
    end=st.integers(0, 2**40),
    timestamp=st.integers(0, 2**50),
    metadata=st.dictionaries(WORDS, WORDS | st.integers() | st.booleans(), max_size=3),
    context=WORDS,
    truncated=st.booleans(),
)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


@pytest.fixture(params=ADAPTERS)
def indexer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EmbeddedEngine]:
    made = ADAPTERS[request.param](tmp_path)
    run(made.create_index("i", SHAPE))
    yield made
    made.close()


def item(name: str, count: int, word: str = "lamp") -> list[IndexedChunk]:
    return [
        IndexedChunk(Chunk(f"{name}-{word}-{at}", name, f"{name}.md", f"{word} {at}", at), UNIT[at % 4].tobytes(), b"s")
        for at in range(count)
    ]


def found(indexer: EmbeddedEngine, word: str, index: str = "i") -> set[str]:
    hits = run(indexer.search_keywords(index, word, 1000, match_mode="or", where=None)).hits
    return {hit.chunk_id for hit in hits}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CHUNKS)
def test_what_is_put_is_what_one_gets(indexer: EmbeddedEngine, chunk: Chunk) -> None:
    run(indexer.put_item("i", "a", [IndexedChunk(chunk, UNIT[0].tobytes(), b"stored")]))
    assert run(indexer.fetch_chunks("i", ["c", "nope"])) == {"c": chunk}
    assert run(indexer.list_chunks("i", "a", 10, 0)) == ([chunk], 1)
    assert run(indexer.fetch_stored("i", ["c", "nope"])) == {"c": b"stored"}
    assert run(indexer.score_vectors("i", UNIT[0].tobytes(), ["c", "nope"])) == {"c": pytest.approx(1.0)}


def test_an_item_is_replaced_whole(indexer: EmbeddedEngine) -> None:
    run(indexer.put_item("i", "a", item("a", 3)))
    run(indexer.put_item("i", "b", item("b", 2)))
    run(indexer.put_item("i", "a", item("a", 1, "horn")))
    assert found(indexer, "lamp") == {"b-lamp-0", "b-lamp-1"}
    assert found(indexer, "horn") == {"a-horn-0"}
    assert run(indexer.count_chunks("i")) == 3
    near = run(indexer.search_vectors("i", UNIT[0].tobytes(), 10, None))
    assert {hit.chunk_id for hit in near.hits} == {"a-horn-0", "b-lamp-0", "b-lamp-1"}
    run(indexer.put_item("i", "a", []))
    assert run(indexer.list_items("i")) == ["b"]


def test_a_put_that_fails_changes_nothing(indexer: EmbeddedEngine) -> None:
    run(indexer.put_item("i", "a", item("a", 2)))
    run(indexer.put_item("i", "b", item("b", 1)))
    clash = replace(item("a", 1)[0], chunk=replace(item("a", 1)[0].chunk, id="b-lamp-0"))
    with pytest.raises(BackendError):
        run(indexer.put_item("i", "a", [*item("a", 1, "horn"), clash]))
    assert found(indexer, "lamp") == {"a-lamp-0", "a-lamp-1", "b-lamp-0"}
    assert found(indexer, "horn") == set()


def test_deleting_twice_is_deleting_once(indexer: EmbeddedEngine) -> None:
    run(indexer.put_item("i", "a", item("a", 2)))
    run(indexer.put_item("i", "b", item("b", 2)))
    for _ in range(2):
        run(indexer.delete_item("i", "a"))
        assert run(indexer.list_items("i")) == ["b"]
        assert run(indexer.list_chunks("i", "a", 10, 0)) == ([], 0)
        assert run(indexer.fetch_stored("i", ["a-lamp-0"])) == {}
    assert found(indexer, "lamp") == {"b-lamp-0", "b-lamp-1"}


def test_pages_and_neighbours_are_in_order(indexer: EmbeddedEngine) -> None:
    run(indexer.put_item("i", "a", item("a", 12)[::-1]))
    run(indexer.put_item("i", "b", item("b", 12)))
    page, total = run(indexer.list_chunks("i", "a", 3, 4))
    assert ([one.position for one in page], total) == ([4, 5, 6], 12)
    around = run(indexer.fetch_neighbours("i", page[0], 2))
    assert [(one.item_id, one.position) for one in around] == [("a", at) for at in (2, 3, 4, 5, 6)]
    assert [one.position for one in run(indexer.fetch_neighbours("i", around[0], 0))] == [2]


def test_indexes_are_apart(indexer: EmbeddedEngine) -> None:
    run(indexer.create_index("j", SHAPE))
    run(indexer.put_item("i", "a", item("a", 1)))
    run(indexer.put_item("j", "a", item("a", 1, "horn")))
    assert (found(indexer, "horn"), found(indexer, "lamp", "j")) == (set(), set())
    assert run(indexer.fetch_chunks("j", ["a-lamp-0"])) == {}
    assert run(indexer.list_indexes()) == ["i", "j"]
    run(indexer.drop_index("j"))
    run(indexer.drop_index("j"))
    assert run(indexer.list_indexes()) == ["i"]
    assert found(indexer, "lamp") == {"a-lamp-0"}
    with pytest.raises(BackendError):
        run(indexer.count_chunks("j"))


def test_making_it_again_keeps_what_it_holds(indexer: EmbeddedEngine) -> None:
    run(indexer.put_item("i", "a", item("a", 2)))
    run(indexer.create_index("i", SHAPE))
    assert run(indexer.count_chunks("i")) == 2


@pytest.mark.parametrize(
    "shape", [IndexShape(0, "porter"), IndexShape(4, None), IndexShape(4, "trigram"), IndexShape(0, "porter", "german")]
)
def test_an_index_without_a_method_finds_nothing_by_it(indexer: EmbeddedEngine, shape: IndexShape) -> None:
    run(indexer.create_index("k", shape))
    vectors = [one if shape.dimensions else replace(one, vector=None) for one in item("a", 2)]
    run(indexer.put_item("k", "a", vectors))
    near = run(indexer.search_vectors("k", UNIT[0].tobytes(), 9, None)).hits if shape.dimensions else ()
    assert len(near) == (2 if shape.dimensions else 0)
    assert bool(found(indexer, "lamp", "k")) is (shape.tokenizer is not None)
    run(indexer.drop_index("k"))


@pytest.mark.parametrize(
    "shape", [IndexShape(0, "porter"), IndexShape(4, None), IndexShape(4, "trigram"), IndexShape(4, "porter", "german")]
)
def test_an_index_that_takes_another_shape_is_as_one_made_with_it(indexer: EmbeddedEngine, shape: IndexShape) -> None:
    texts = {"a": "die Häuser", "b": "lamplight", "c": "running lamps"}
    for index, made in (("i", None), ("k", shape)):
        if made:
            run(indexer.create_index(index, made))
        for at, (name, text) in enumerate(texts.items()):
            chunk = Chunk(name, name, f"{name}.md", text, 0, context="Häuser" if at else "")
            run(indexer.put_item(index, name, [IndexedChunk(chunk, UNIT[at].tobytes(), b"s")]))
    before = run(indexer.read_generation("i"))
    assert len(run(indexer.search_vectors("i", UNIT[0].tobytes(), 9, None)).hits) == 3
    run(indexer.reshape_index("i", shape))
    assert run(indexer.read_generation("i")) != before
    for word in ("Haus", "lamp", "amp", "run", "running"):
        hits = [run(indexer.search_keywords(one, word, 9, match_mode="or", where=None)) for one in ("i", "k")]
        assert hits[0] == hits[1], word
    vectors = run(indexer.search_vectors("i", UNIT[0].tobytes(), 9, None)).hits
    assert len(vectors) == (3 if shape.dimensions else 0)
    run(indexer.put_item("i", "a", item("a", 2)))
    run(indexer.delete_item("i", "b"))
    assert found(indexer, "lamplight") == set()
    assert bool(found(indexer, "lamp")) is (shape.tokenizer is not None)
    after = run(indexer.read_generation("i"))
    run(indexer.reshape_index("i", shape))
    assert run(indexer.read_generation("i")) == after, "it has that shape already"


def test_another_process_sees_the_new_shape(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    one, other = EmbeddedEngine(tmp_path), EmbeddedEngine(tmp_path)
    run(one.create_index("i", SHAPE))
    run(one.put_item("i", "a", item("a", 1, "Häuser")))
    assert found(other, "Haus") == set()
    run(one.reshape_index("i", IndexShape(4, "porter", "german")))
    assert found(other, "Haus") == {"a-Häuser-0"}
    run(other.put_item("i", "b", item("b", 1, "Häuser")))
    assert found(one, "Haus") == {"a-Häuser-0", "b-Häuser-0"}
    assert caplog.messages == ["Rebuilding the keyword index of i from its chunks"]
    one.close()
    other.close()


def test_searches_see_no_gap_while_an_index_takes_another_shape(indexer: EmbeddedEngine) -> None:
    for name in range(40):
        run(indexer.put_item("i", f"i{name}", item(f"i{name}", 25, "lamp")))

    async def work() -> list[int]:
        shapes = [IndexShape(4, "porter", "german"), IndexShape(4, "trigram"), SHAPE]
        changes = asyncio.create_task(change(shapes))
        counts = []
        while not changes.done():
            hits = await indexer.search_keywords("i", "lamp", 2000, match_mode="or", where=None)
            counts.append(len(hits.hits))
        await changes
        return counts

    async def change(shapes: list[IndexShape]) -> None:
        for shape in shapes * 4:
            await indexer.reshape_index("i", shape)

    counts = run(work())
    assert set(counts) == {1000}
    assert len(counts) > 3


def test_every_write_changes_the_generation_and_no_number_comes_again(indexer: EmbeddedEngine) -> None:
    async def work() -> list[int]:
        seen = []
        for _ in range(2):
            await indexer.create_index("g", IndexShape(0, "porter"))
            seen.append(await indexer.read_generation("g"))
            for _ in range(2):
                await indexer.put_item("g", "i", [IndexedChunk(Chunk("c", "i", "k", "text"))])
                seen.append(await indexer.read_generation("g"))
            await indexer.delete_item("g", "i")
            seen.append(await indexer.read_generation("g"))
            await indexer.drop_index("g")
        return seen

    seen = run(work())
    assert len(set(seen)) == len(seen)
