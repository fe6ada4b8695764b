"""The query log never slows or fails a search, forgets what it must, and finds what feedback speaks of."""

import asyncio
from collections.abc import Sequence

import pytest

from secondlook.domain.instance import Instance
from secondlook.domain.queries import FoundChunk, LoggedQuery, content_hash
from secondlook.errors import BackendError, InvalidOptionError, ItemNotFoundError, QueryNotFoundError
from secondlook.services import queries
from secondlook.services.intake import Upload
from secondlook.services.queries import DAY, QueryLog, Said
from secondlook.stores.queries import SqlQueries
from tests.unit.services.conftest import House

FOUND = (FoundChunk("c1", "a.md", 0, 13, "11", 1, 0.9), FoundChunk("c2", "b.md", 5, 9, "22", 2, 0.8))


class Broken(SqlQueries):
    """A store whose disk is full."""

    async def add(self, logged: Sequence[tuple[str, LoggedQuery]], *, most: int) -> None:
        raise BackendError("the disk is full")


def line(house: House, name: str = "q", query: str = "lamp oil", days: float = 0) -> LoggedQuery:
    return LoggedQuery(name, int(1000 * house.time - days * DAY), "search", query, results=2, found=FOUND)


@pytest.fixture
def logged(house: House) -> Instance:
    return house.make(logged=True, log_days=7)


def note(house: House, instance: Instance, *lines: LoggedQuery) -> None:
    async def inside() -> None:
        for one in lines:
            house.queries.note(instance, one)
        await house.queries.flush()

    house.run(inside())


def ids(house: House, instance: Instance) -> list[str]:
    return [one.id for one in house.run(house.queries.list(instance, 100, 0))[0]]


def test_a_log_is_kept_where_both_want_it(house: House, logged: Instance) -> None:
    assert house.queries.wants(logged)
    assert not house.queries.wants(house.make("plain"))
    assert not QueryLog(house.asked, house.catalog, house.engine, most=0).wants(logged)


def test_lines_are_written_by_themselves_and_at_the_end(
    house: House, logged: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "WRITE_EVERY", 0.0)

    async def inside() -> None:
        house.queries.note(logged, line(house, "one"))
        house.queries.note(logged, line(house, "two"))
        while len((await house.asked.list(logged.uid, 9, 0, only="all", order="newest"))[0]) < 2:
            await asyncio.sleep(0)
        house.queries.note(logged, line(house, "three"))
        await house.queries.stop()

    house.run(inside())
    assert ids(house, logged) == ["three", "two", "one"]


def test_a_full_disk_and_a_full_queue_lose_lines_alone(
    house: House, logged: Instance, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    house.queries = QueryLog(Broken(house.catalog.database), house.catalog, house.engine)
    note(house, logged, line(house))
    assert "dropped 1 line of query logs: the disk is full" in caplog.text
    house.queries = QueryLog(house.asked, house.catalog, house.engine, clock=lambda: house.time)
    monkeypatch.setattr(queries, "MOST_PENDING", 2)
    note(house, logged, *(line(house, name) for name in "abc"))
    assert ids(house, logged) == ["b", "a"]
    assert "dropped a line" in caplog.text


def test_old_lines_go_when_the_log_is_read_and_when_it_is_swept(house: House, logged: Instance) -> None:
    other = house.make("other", logged=True, log_days=30)
    for one in (logged, other):
        note(house, one, line(house, "old", days=8), line(house, "new", days=6))
    assert ids(house, logged) == ["new"]
    house.time += 25 * 86_400
    house.run(house.queries.sweep())
    assert house.run(house.asked.list_uids()) == []


def test_what_is_of_no_instance_goes(house: House, logged: Instance) -> None:
    note(house, logged, line(house))
    house.run(house.instances.delete(logged))
    house.run(house.queries.start())
    house.run(house.queries.sweep())
    assert house.run(house.asked.list_uids()) == []


def test_what_is_forgotten_is_not_written_later(house: House, logged: Instance) -> None:
    async def inside() -> None:
        house.queries.note(logged, line(house))
        await house.queries.forget(logged)
        await house.queries.flush()

    house.run(inside())
    assert ids(house, logged) == []


def test_feedback_takes_the_chunk_as_the_query_found_it(house: House, logged: Instance) -> None:
    note(house, logged, line(house, "q1"), line(house, "q2"))
    tell = lambda said: house.run(house.queries.tell(logged, said))  # noqa: E731
    by_id = tell(Said("click", "q1", chunk_id="c2", position=2))
    assert (by_id.query_id, by_id.query, by_id.key, by_id.start, by_id.hash) == ("q1", "lamp oil", "b.md", 5, "22")
    by_text = tell(Said("thumbs_down", query=" LAMP oil", key="a.md"))
    assert (by_text.query_id, by_text.chunk_id, by_text.end, by_text.position) == ("q2", "c1", 13, None)
    whole = tell(Said("thumbs_up", "q1"))
    assert (whole.query_id, whole.key, whole.chunk_id, whole.start) == ("q1", "", "", None)


def test_feedback_takes_the_chunk_as_it_is_now(house: House, logged: Instance) -> None:
    house.run(house.indexing.upload(logged, Upload("oil.md", b"Warm the oil."), wait=60))
    item = house.run(house.catalog.find_item(logged.uid, "oil.md"))
    assert item
    [chunk], _ = house.run(house.engine.list_chunks(logged.uid, item.id, 9, 0))
    made = house.run(house.queries.tell(logged, Said("click", query="never asked", chunk_id=chunk.id)))
    assert (made.query_id, made.key, made.end, made.hash) == ("", "oil.md", 13, content_hash("Warm the oil."))
    alone = house.run(house.queries.tell(logged, Said("click", query="never asked", key="oil.md")))
    assert (alone.key, alone.chunk_id, alone.start) == ("oil.md", "", None)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (Said("thumbs_up", "gone"), QueryNotFoundError),
        (Said("click", query="oil", chunk_id="gone"), InvalidOptionError),
        (Said("click", query="oil", key="gone.md"), ItemNotFoundError),
    ],
)
def test_feedback_on_nothing_is_refused(house: House, logged: Instance, said: Said, problem: type[Exception]) -> None:
    with pytest.raises(problem, match="gone"):
        house.run(house.queries.tell(logged, said))
    with pytest.raises(InvalidOptionError, match="query_log"):
        house.run(house.queries.tell(house.make("plain"), said))


def test_search_boxes_tell_of_clicks(house: House, logged: Instance) -> None:
    note(house, logged, line(house, "q1"))
    told = [
        {"inputQuery": "Lamp Oil", "clickedResultId": "c1", "clickPosition": 1},
        {"queryId": "q1", "clickedResultId": "c2"},
        {"inputQuery": "lamp oil", "totalResult": 2},
        {"inputQuery": "never asked", "clickedResultId": "c1"},
        {"inputQuery": "lamp oil", "clickedResultId": "gone"},
        {"clickedResultId": "c1"},
    ]
    house.run(house.queries.hear(logged, told))
    house.run(house.queries.hear(house.make("plain"), told))
    [one] = house.run(house.queries.judged(logged.uid))
    assert [(said.chunk_id, said.position, said.public) for said in one.feedback] == [
        ("c1", 1, True),
        ("c2", None, True),
    ]


def test_what_the_lab_reads(house: House, logged: Instance) -> None:
    note(house, logged, line(house, "q1"), line(house, "q2", "fog"), line(house, "q3", "LAMP oil"))
    house.run(house.indexing.upload(logged, Upload("new.md", b"New."), wait=60))
    for said in (
        Said("click", "q1", chunk_id="c1"),
        Said("thumbs_down", "q3", key="b.md"),
        Said("click", query="new", key="new.md"),
    ):
        house.run(house.queries.tell(logged, said))
    assert house.run(house.queries.sample(logged.uid, 5)) == [("LAMP oil", 2), ("fog", 1)]
    assert house.run(house.queries.sample(logged.uid, 1)) == [("LAMP oil", 2)]
    heard = house.run(house.queries.judged(logged.uid))
    assert [(one.query, [said.key for said in one.feedback]) for one in heard] == [
        ("LAMP oil", ["a.md", "b.md"]),
        ("new", ["new.md"]),
    ]
    made = house.run(house.queries.export(logged.uid))
    assert [(one.query_id, one.query, len(one.feedback)) for one in made] == [
        ("q1", "lamp oil", 1),
        ("q2", "fog", 0),
        ("q3", "LAMP oil", 1),
        ("", "new", 1),
    ]


def test_a_reader_who_leaves_takes_no_lines_along(house: House, logged: Instance) -> None:
    """Lines that somebody has begun to write are written, also when their request is cancelled."""

    class Slow(SqlQueries):
        begun = asyncio.Event()

        async def add(self, logged: Sequence[tuple[str, LoggedQuery]], *, most: int) -> None:
            self.begun.set()
            await asyncio.sleep(0)
            await super().add(logged, most=most)

    async def work() -> None:
        store = Slow(house.catalog.database)
        log = QueryLog(store, house.catalog, house.engine, clock=lambda: house.time)
        log.note(logged, line(house, "one"))
        reading = asyncio.create_task(log.flush())
        await store.begun.wait()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await log.stop()

    house.run(work())
    assert ids(house, logged) == ["one"]
