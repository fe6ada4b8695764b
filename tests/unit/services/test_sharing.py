"""Each method is asked once, for as many hits as anybody wants, and what is cut is the same."""

from secondlook.services.intake import Upload
from secondlook.services.sharing import SharedRetriever
from tests.unit.services.conftest import House


class Counting:
    """Counts how often each method is asked."""

    def __init__(self, inner: object) -> None:
        self._inner = inner
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> object:
        self.asked.append(name)
        return getattr(self._inner, name)


def test_what_is_asked_again_is_known_and_the_same(house: House) -> None:
    instance = house.make()
    for at in range(6):
        text = f"lamp oil of grade {at} " + "oil " * at
        house.run(house.indexing.upload(instance, Upload(f"d{at}.md", text.encode()), wait=60))
    counting = Counting(house.engine)
    shared = SharedRetriever(counting, widest=6)  # type: ignore[arg-type]  # as the engine, counted

    async def work() -> None:
        vector, uid = await house.embedder.embed_query("lamp oil"), instance.uid
        for num in (2, 6, 4):
            near = await shared.search_vectors(uid, vector, num, None)
            assert near == await house.engine.search_vectors(uid, vector, num, None)
            words = await shared.search_keywords(uid, "lamp oil", num, match_mode="or", where=None)
            assert words == await house.engine.search_keywords(uid, "lamp oil", num, match_mode="or", where=None)
        ids = [hit.chunk_id for hit in near.hits]
        for _ in range(2):
            assert await shared.fetch_chunks(uid, ids) == await house.engine.fetch_chunks(uid, ids)
            assert await shared.score_vectors(uid, vector, ids) == await house.engine.score_vectors(uid, vector, ids)
        stored = await house.engine.fetch_stored(uid, ids)
        assert await shared.fetch_stored(uid, ids[:2]) == {one: stored[one] for one in ids[:2]}
        first = shared.reading
        assert await shared.fetch_stored(uid, ids) == stored and shared.reading > 2 * first - 1e-9
        assert await shared.fetch_stored(uid, [*ids, "gone"]) == stored
        assert await shared.read_generation(uid) == await house.engine.read_generation(uid)
        [chunk] = (await shared.fetch_chunks(uid, ids[:1])).values()
        assert await shared.fetch_neighbours(uid, chunk, 1) == await house.engine.fetch_neighbours(uid, chunk, 1)

    house.run(work())
    asked = counting.asked
    assert [asked.count(name) for name in ("search_vectors", "search_keywords", "score_vectors")] == [1, 1, 1]
    assert asked.count("fetch_stored") == 3, "only what is new"
