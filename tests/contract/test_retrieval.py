"""What a filter means is said once, and every engine keeps to it."""

import asyncio
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secondlook.domain.chunk import Chunk, IndexedChunk, MetadataValue
from secondlook.domain.filters import AllOf, AnyOf, Comparison, Filter, matches
from secondlook.engines.embedded import EmbeddedEngine
from secondlook.ports import IndexShape

FIELDS = ("folder", "filename", "colour", "size", "live")
VALUES: st.SearchStrategy[MetadataValue] = (
    st.sampled_from(["", "red", "blue", "été", "a/", "a/b/", "x.md"])
    | st.integers(-3, 3)
    | st.sampled_from([0.5, -1.5, 2.0, math.pi])
    | st.booleans()
)
METADATA = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4)
COMPARISONS = st.builds(
    Comparison, st.sampled_from(FIELDS), st.sampled_from(["eq", "ne", "lt", "lte", "gt", "gte"]), VALUES
) | st.builds(
    Comparison, st.sampled_from(FIELDS), st.sampled_from(["in", "nin"]), st.lists(VALUES, min_size=1).map(tuple)
)
FILTERS: st.SearchStrategy[Filter] = st.recursive(
    COMPARISONS,
    lambda parts: (
        st.builds(AllOf, st.lists(parts, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(parts, min_size=1, max_size=3).map(tuple))
    ),
    max_leaves=6,
)
ITEMS = 40
ASKED = np.eye(4, dtype="<f4")[0].tobytes()


def random_metadata() -> list[dict[str, MetadataValue]]:
    """Metadata of forty chunks, the same in every run."""
    chance = np.random.default_rng(5)
    pool: list[MetadataValue] = ["", "red", "blue", "été", "a/", "a/b/", "x.md", 0, 1, 2, -3, 0.5, 2.0, True, False]
    return [
        {name: pool[int(chance.integers(len(pool)))] for name in FIELDS if chance.random() < 0.6} for _ in range(ITEMS)
    ]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    made = EmbeddedEngine(tmp_path_factory.mktemp("engine"))
    asyncio.run(made.create_index("i", IndexShape(4, "porter")))
    for at, metadata in enumerate(random_metadata()):
        chunk = Chunk(f"c{at}", f"i{at}", "k", "lamp", metadata=metadata)
        asyncio.run(made.put_item("i", f"i{at}", [IndexedChunk(chunk, ASKED)]))
    yield made
    made.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FILTERS)
def test_both_methods_find_exactly_what_matches(engine: EmbeddedEngine, where: Filter) -> None:
    expected = {f"c{at}" for at, metadata in enumerate(random_metadata()) if matches(where, metadata)}
    near = asyncio.run(engine.search_vectors("i", ASKED, ITEMS, where))
    words = asyncio.run(engine.search_keywords("i", "lamp", ITEMS, match_mode="and", where=where))
    assert {hit.chunk_id for hit in near.hits} == expected
    assert {hit.chunk_id for hit in words.hits} == expected


def test_the_set_tells_filters_apart(tmp_path: Path) -> None:
    sizes = {
        sum(matches(Comparison(name, operator, value), one) for one in random_metadata())
        for name in FIELDS
        for operator in ("eq", "lt")
        for value in ("red", 1)
    }
    assert len(sizes) > 5
