"""The embedded engine: exact vectors, BM25, and writes that the next search sees whole."""

import asyncio
import random
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secondlook.domain.chunk import Chunk, IndexedChunk, MetadataValue
from secondlook.domain.filters import AllOf, AnyOf, Comparison, Filter, Operator, matches
from secondlook.domain.instance import Analyser, Tokenizer
from secondlook.domain.options import MatchMode
from secondlook.engines.embedded import EmbeddedEngine
from secondlook.engines.tables import connect, find_best
from secondlook.errors import BackendError, IndexCorruptError, SetupError
from secondlook.ports import Hit, Hits, IndexShape

DIMENSIONS = 8
TEXTS = [
    "the lamp oil freezes in winter",
    "fog horn blasts",
    "lamp lamp lamp",
    "oil grades and lamp care",
    "ship's bell",
]


def vector(seed: int) -> bytes:
    values = np.random.default_rng(seed).standard_normal(DIMENSIONS).astype("<f4")
    return (values / np.linalg.norm(values)).astype("<f4").tobytes()


def chunks(item: str, texts: Sequence[str], *, seed: int = 0, colour: str = "red") -> list[IndexedChunk]:
    return [
        IndexedChunk(
            Chunk(f"{item}-{at}", item, f"{item}.md", text, position=at, end=len(text), metadata={"colour": colour}),
            vector(seed + at),
            f"{item}{at}".encode(),
        )
        for at, text in enumerate(texts)
    ]


class Index:
    """One index, asked without ``await``."""

    def __init__(
        self,
        folder: Path,
        tokenizer: Tokenizer | None = "porter",
        dimensions: int = DIMENSIONS,
        *,
        analyser: Analyser | None = None,
    ) -> None:
        self.engine = EmbeddedEngine(folder)
        asyncio.run(self.engine.create_index("i", IndexShape(dimensions, tokenizer, analyser)))

    def put(self, item: str, texts: Sequence[str], *, seed: int = 0, colour: str = "red") -> None:
        asyncio.run(self.engine.put_item("i", item, chunks(item, texts, seed=seed, colour=colour)))

    def near(self, seed: int, num: int = 10, where: Comparison | None = None) -> Hits:
        return asyncio.run(self.engine.search_vectors("i", vector(seed), num, where))

    def words(self, text: str, mode: MatchMode = "or", num: int = 10, where: Comparison | None = None) -> list[str]:
        found = asyncio.run(self.engine.search_keywords("i", text, num, match_mode=mode, where=where))
        return [hit.chunk_id for hit in found.hits]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    made = Index(tmp_path)
    yield made
    made.engine.close()


@pytest.fixture
def filled(index: Index) -> Index:
    index.put("a", TEXTS)
    return index


def test_vectors_are_exact(index: Index) -> None:
    for item in range(5):
        index.put(f"x{item}", ["text"] * 20, seed=100 * item)
    seeds = [100 * item + at for item in range(5) for at in range(20)]
    cosines = {seed: float(np.frombuffer(vector(seed), "<f4") @ np.frombuffer(vector(7777), "<f4")) for seed in seeds}
    best = sorted(seeds, key=lambda seed: -cosines[seed])[:10]
    found = index.near(7777)
    assert [hit.chunk_id for hit in found.hits] == [f"x{seed // 100}-{seed % 100}" for seed in best]
    assert [hit.score for hit in found.hits] == pytest.approx([cosines[seed] for seed in best], abs=1e-6)


def test_and_asks_for_all_words_or_for_any(filled: Index) -> None:
    assert set(filled.words("lamp oil", "and")) == {"a-0", "a-3"}
    assert set(filled.words("lamp oil", "or")) == {"a-0", "a-2", "a-3"}
    assert filled.words("lamp xylophone", "and") == []


def test_words_are_stemmed_and_function_words_left_out(filled: Index) -> None:
    assert filled.words("what is freezing", "and") == ["a-0"]
    assert set(filled.words("the", "or")) == {"a-0"}


def test_more_occurrences_rank_higher(filled: Index) -> None:
    assert filled.words("lamp")[0] == "a-2"


def test_the_ceiling_is_never_exceeded(filled: Index) -> None:
    for query in ("lamp", "lamp oil winter", "fog horn blasts", "bell"):
        found = asyncio.run(filled.engine.search_keywords("i", query, 10, match_mode="or", where=None))
        assert found.ceiling is not None
        assert all(0 <= hit.score <= found.ceiling for hit in found.hits)


def hits(index: Index, query: str, mode: MatchMode = "or") -> dict[str, Hit]:
    found = asyncio.run(index.engine.search_keywords("i", query, 10, match_mode=mode, where=None))
    return {hit.chunk_id: hit for hit in found.hits}


def test_a_hit_says_whether_it_holds_every_term(filled: Index) -> None:
    assert {name: hit.complete for name, hit in hits(filled, "the lamp oil").items()} == {
        "a-0": True,
        "a-2": False,
        "a-3": True,
    }
    assert all(hit.complete for hit in hits(filled, "lamp oil", "and").values())
    assert all(hit.complete for hit in hits(filled, "lamp").values())
    assert not any(hit.complete for hit in hits(filled, "lamp xylophone").values())


def test_the_share_is_bm25_over_what_a_chunk_with_every_term_could_attain(index: Index) -> None:
    index.put("a", ["order 4711", *["order bell"] * 9])
    held, absent = hits(index, "4711")["a-0"], hits(index, "4711 xylophone")["a-0"]
    assert held.share is not None and absent.share is not None
    assert 0.4 < held.share < 0.5  # it occurs once, and saturation asks for many
    assert absent.share == pytest.approx(held.share / 2)  # a chunk that held both would hold the absent one too
    index.put("b", ["4711 " * 400])
    assert 0.9 < (hits(index, "4711")["b-0"].share or 0) <= 1


def test_trigrams_find_parts_of_words(tmp_path: Path) -> None:
    index = Index(tmp_path, "trigram")
    index.put("a", TEXTS)
    assert index.words("inter") == ["a-0"]
    assert index.words("ab") == []
    index.engine.close()


GERMAN = ["Die Öllampen der Häuser frieren", "Das Nebelhorn", "Lampe Lampe Lampe", "Ein Haus am Hafen", "Schiffsglocke"]
CHINESE = ["冬天灯油结冰", "雾号每九十秒响两次", "灯灯灯 Lamps", "东京都的油", "船钟"]


def test_a_language_has_its_own_words(tmp_path: Path) -> None:
    index = Index(tmp_path, analyser="german")
    index.put("a", GERMAN)
    assert set(index.words("Welches haus?", "and")) == {"a-0", "a-3"}
    assert set(index.words("haeuser lampen", "or")) == {"a-0", "a-2", "a-3"}
    assert index.words("Haus am Nebelhorn", "and") == []
    assert index.words("Lampe")[0] == "a-2"
    index.engine.close()


@pytest.mark.parametrize("tokenizer", ["porter", "trigram"])
def test_runs_are_found_by_their_parts(tmp_path: Path, tokenizer: Tokenizer) -> None:
    index = Index(tmp_path, tokenizer, analyser="cjk")
    index.put("a", CHINESE)
    assert index.words("灯油结冰怎么办", "and") == ["a-0"]
    assert index.words("东京", "and") == ["a-3"]
    assert set(index.words("油", "and")) == {"a-0", "a-3"}
    assert index.words("钟") == ["a-4"]
    assert index.words("灯")[0] == "a-2"
    assert index.words("lamp 灯", "and") == ["a-2"]
    assert index.words("京东") == []
    index.engine.close()


@pytest.mark.parametrize(
    ("analyser", "texts", "queries"),
    [("german", GERMAN, ["Lampe", "Haus Hafen", "das"]), ("cjk", CHINESE, ["灯", "油", "灯油结冰", "lamp 东京都"])],
)
def test_the_ceiling_holds_in_every_language(
    tmp_path: Path, analyser: Analyser, texts: list[str], queries: list[str]
) -> None:
    index = Index(tmp_path, analyser=analyser)
    index.put("a", texts)
    for query in queries:
        found = asyncio.run(index.engine.search_keywords("i", query, 10, match_mode="or", where=None))
        assert found.hits and found.ceiling is not None
        assert all(0 < hit.score <= found.ceiling for hit in found.hits)
    index.engine.close()


def test_writes_and_filters_with_a_language(tmp_path: Path) -> None:
    index = Index(tmp_path, analyser="german")
    index.put("a", GERMAN)
    index.put("b", ["Lampen"] * 2, colour="blue")
    blue = Comparison("colour", "eq", "blue")
    assert index.words("Lampe", where=blue) == ["b-0", "b-1"]
    index.put("a", ["Ein anderer Text"])
    assert set(index.words("Lampe Häuser")) == {"b-0", "b-1"}
    with pytest.raises(BackendError, match="refused a write"):
        asyncio.run(index.engine.put_item("i", "b", chunks("b", ["Glocken"]) * 2))
    assert (index.words("Glocke"), set(index.words("Lampe"))) == ([], {"b-0", "b-1"})
    asyncio.run(index.engine.delete_item("i", "b"))
    assert index.words("Lampe") == []
    index.engine.close()
    again = Index(tmp_path, analyser="german")
    assert again.words("Texte") == ["a-0"]
    with pytest.raises(SetupError, match="another shape"):
        asyncio.run(again.engine.create_index("i", IndexShape(DIMENSIONS, "porter", "french")))
    again.engine.close()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40))
def test_no_query_of_a_language_is_an_error(tmp_path: Path, text: str) -> None:
    index = Index(tmp_path, analyser="cjk")
    index.put("a", [text.replace("\0", "")])
    for mode in ("and", "or"):
        assert isinstance(index.words(text, mode), list)
    index.engine.close()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40) | st.sampled_from(['"', "a AND", "NEAR(", "*", "col:x", "-", "^a", "🦊", "a\x00b", "()"]))
def test_no_query_is_an_error(filled: Index, text: str) -> None:
    for mode in ("and", "or"):
        assert isinstance(filled.words(text, mode), list)


def test_an_upsert_is_seen_at_once_and_leaves_nothing_behind(filled: Index) -> None:
    assert filled.near(0).hits[0].chunk_id == "a-0"
    filled.put("a", ["quite another text"], seed=50)
    assert filled.words("lamp") == []
    assert [hit.chunk_id for hit in filled.near(0).hits] == ["a-0"]
    assert filled.near(50).hits[0].score == pytest.approx(1, abs=1e-6)
    assert asyncio.run(filled.engine.count_chunks("i")) == 1
    assert asyncio.run(filled.engine.fetch_stored("i", ["a-0", "a-3"])) == {"a-0": b"a0"}


def test_a_delete_is_seen_at_once(filled: Index) -> None:
    filled.put("b", ["fog"], seed=9)
    filled.near(0)
    asyncio.run(filled.engine.delete_item("i", "a"))
    assert [hit.chunk_id for hit in filled.near(0).hits] == ["b-0"]
    assert filled.words("lamp fog") == ["b-0"]
    assert asyncio.run(filled.engine.list_items("i")) == ["b"]


def test_filters_hold_before_retrieval(filled: Index) -> None:
    filled.put("b", ["lamp"] * 3, seed=500, colour="blue")
    blue = Comparison("colour", "eq", "blue")
    assert {hit.chunk_id for hit in filled.near(0, 3, blue).hits} == {"b-0", "b-1", "b-2"}
    assert filled.words("lamp", num=2, where=blue) == ["b-0", "b-1"]
    assert filled.words("lamp", where=Comparison("colour", "eq", "green")) == []


def test_pages_neighbours_and_scores(filled: Index) -> None:
    page, total = asyncio.run(filled.engine.list_chunks("i", "a", 2, 1))
    assert ([chunk.text for chunk in page], total) == (TEXTS[1:3], 5)
    around = asyncio.run(filled.engine.fetch_neighbours("i", page[0], 1))
    assert [chunk.position for chunk in around] == [0, 1, 2]
    scores = asyncio.run(filled.engine.score_vectors("i", vector(1), ["a-1", "gone"]))
    assert scores == {"a-1": pytest.approx(1, abs=1e-6)}
    assert asyncio.run(filled.engine.score_vectors("i", vector(1), [])) == {}
    found = asyncio.run(filled.engine.fetch_chunks("i", ["a-4", "gone"]))
    assert found["a-4"].metadata == {"colour": "red"}


def test_what_is_written_outlives_the_engine(filled: Index, tmp_path: Path) -> None:
    before = filled.near(3), filled.words("lamp oil")
    filled.engine.close()
    again = Index(tmp_path)
    assert (again.near(3), again.words("lamp oil")) == before
    again.engine.close()


def test_a_failed_write_changes_nothing(filled: Index) -> None:
    twice = chunks("b", ["one"]) * 2
    with pytest.raises(BackendError, match="refused a write") as caught:
        asyncio.run(filled.engine.put_item("i", "b", twice))
    assert not isinstance(caught.value, IndexCorruptError), "a rule was broken, the file is sound"
    assert asyncio.run(filled.engine.list_items("i")) == ["a"]
    assert filled.words("one") == []


def test_keyword_only_and_vector_only(tmp_path: Path) -> None:
    words = Index(tmp_path / "k", dimensions=0)
    words.put("a", TEXTS)
    assert words.words("horn") == ["a-1"]
    assert words.near(0).hits == ()
    vectors = Index(tmp_path / "v", None)
    vectors.put("a", TEXTS)
    assert vectors.words("horn") == []
    assert vectors.near(2).hits[0].chunk_id == "a-2"
    words.engine.close()
    vectors.engine.close()


def test_a_read_that_races_a_drop_makes_no_file(filled: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(filled.engine.drop_index("i"))
    monkeypatch.setattr(Path, "is_file", lambda path: True)  # it was still there when it was looked for
    with pytest.raises(BackendError):
        filled.near(0)
    assert list(tmp_path.iterdir()) == []


def test_dropped_and_unknown_indexes(filled: Index, tmp_path: Path) -> None:
    asyncio.run(filled.engine.drop_index("i"))
    asyncio.run(filled.engine.drop_index("i"))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BackendError, match=r"index i cannot be read \(its file is missing\)"):
        filled.words("lamp")
    with pytest.raises(BackendError, match="cannot name an index"):
        asyncio.run(filled.engine.count_chunks("../etc"))


def test_another_shape_is_refused(index: Index) -> None:
    with pytest.raises(SetupError, match="another shape"):
        asyncio.run(index.engine.create_index("i", IndexShape(16, "porter")))


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "bad.sqlite").write_bytes(b"not a database at all" * 100)
    engine = EmbeddedEngine(tmp_path)
    with pytest.raises(IndexCorruptError, match="cannot be read"):
        asyncio.run(engine.count_chunks("bad"))


def test_damage_inside_a_file_is_told(filled: Index, tmp_path: Path) -> None:
    filled.put("b", [f"{at} lamp oil " * 50 for at in range(40)])
    filled.engine.close()
    path = tmp_path / "i.sqlite"
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(IndexCorruptError, match="cannot be read"):
        asyncio.run(EmbeddedEngine(tmp_path).count_chunks("i"))


def test_readers_and_a_writer_at_once(filled: Index) -> None:
    async def work() -> list[Hits]:
        reads = [filled.engine.search_vectors("i", vector(seed), 5, None) for seed in range(20)]
        writes = [filled.engine.put_item("i", f"w{at}", chunks(f"w{at}", ["lamp"], seed=at)) for at in range(10)]
        found = await asyncio.gather(*reads, *writes)
        return [one for one in found if one is not None]

    assert all(len(found.hits) == 5 for found in asyncio.run(work()))
    assert asyncio.run(filled.engine.count_chunks("i")) == 15
    assert len(filled.words("lamp", num=50)) == 13


def test_a_table_that_vanished_is_damage(filled: Index, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "i.sqlite") as connection:
        connection.execute("DROP TABLE vectors")
    with pytest.raises(IndexCorruptError, match="no such table: vectors"):
        filled.near(0)


WORDS = "lamp oil fog horn winter wick bell keeper tower signal".split()
COLOURS = ("red", "Rot", "", "été", True, 1, 0.5)


def random_filter(rng: random.Random) -> Filter:
    if rng.random() < 0.3:
        kind = AllOf if rng.random() < 0.5 else AnyOf
        return kind(tuple(random_filter(rng) for _ in range(rng.randint(0, 3))))
    operator: Operator = rng.choice(("eq", "ne", "lt", "lte", "gt", "gte", "in", "nin"))
    value: MetadataValue = rng.choice(COLOURS) if rng.random() < 0.5 else rng.randint(0, 20)
    name = rng.choice(("colour", "n", "absent"))
    return Comparison(name, operator, (value, rng.choice(COLOURS)) if operator in ("in", "nin") else value)


@pytest.mark.parametrize(
    ("tokenizer", "analyser"), [("porter", None), ("trigram", None), ("porter", "english")], ids=str
)
def test_many_filters_leave_the_order_as_it_is(tmp_path: Path, tokenizer: Tokenizer, analyser: Analyser | None) -> None:
    rng = random.Random(7)
    index = Index(tmp_path, tokenizer, analyser=analyser)
    known: dict[str, dict[str, MetadataValue]] = {}
    for number in range(40):
        texts = [" ".join(rng.choices(WORDS, k=rng.randint(1, 12))) for _ in range(5)]
        made = chunks(f"i{number}", texts, seed=number)
        for one in made:
            known[one.chunk.id] = {"colour": rng.choice(COLOURS), "n": rng.randint(0, 20)}
        made = [replace(one, chunk=replace(one.chunk, metadata=known[one.chunk.id])) for one in made]
        asyncio.run(index.engine.put_item("i", f"i{number}", made))

    async def compare(query: str, mode: MatchMode, where: Filter, seed: int, num: int) -> int:
        whole = await index.engine.search_keywords("i", query, 1000, match_mode=mode, where=None)
        found = await index.engine.search_keywords("i", query, num, match_mode=mode, where=where)
        assert found.hits == tuple(hit for hit in whole.hits if matches(where, known[hit.chunk_id]))[:num]
        near = await index.engine.search_vectors("i", vector(seed), 1000, None)
        nearest = await index.engine.search_vectors("i", vector(seed), num, where)
        assert nearest.hits == tuple(hit for hit in near.hits if matches(where, known[hit.chunk_id]))[:num]
        return len(found.hits)

    async def work() -> int:
        total = 0
        for seed in range(150):
            query = " ".join(rng.choices(WORDS, k=rng.randint(1, 3)))
            mode: MatchMode = rng.choice(("and", "or"))
            total += await compare(query, mode, random_filter(rng), seed, rng.choice((1, 10, 50, 1000)))
        return total

    assert asyncio.run(work()) > 1000
    index.engine.close()


class _Planned:
    """A connection that says how it would answer."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Sequence[object]) -> sqlite3.Cursor:
        return self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)


def test_a_filter_does_not_match_anew_for_each_allowed_chunk(filled: Index, tmp_path: Path) -> None:
    with closing(connect(next(tmp_path.glob("**/i.sqlite")))) as connection:
        planned = cast(sqlite3.Connection, _Planned(connection))
        plan = [str(row) for row in find_best(planned, '"lamp"', "[1, 2, 3]", 10)]
    [scan] = [step for step in plan if "SCAN fts" in step]
    assert "INDEX 0:M" in scan, scan  # "0:=M" asks for one row id after the other
    assert any("SEARCH chunks USING INTEGER PRIMARY KEY" in step for step in plan)


def test_a_search_that_nobody_waits_for_is_interrupted(tmp_path: Path) -> None:
    async def run() -> None:
        engine = EmbeddedEngine(tmp_path)
        await engine.create_index("x", IndexShape(DIMENSIONS, "porter"))
        await engine.put_item("x", "a", chunks("a", TEXTS))
        begun, ended = threading.Event(), threading.Event()
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

        def search(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN")
            begun.set()
            try:
                connection.execute(endless).fetchone()
            finally:
                ended.set()

        asked = asyncio.create_task(engine._read("x", search))
        assert await asyncio.to_thread(begun.wait, 30)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert await asyncio.to_thread(ended.wait, 30)
        await engine.put_item("x", "b", chunks("b", TEXTS))
        assert await engine.count_chunks("x") == 2 * len(TEXTS)
        engine.close()

    asyncio.run(run())
