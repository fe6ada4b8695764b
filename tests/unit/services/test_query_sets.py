"""Queries come from documents, and judgments whose text has changed go."""

from collections.abc import AsyncIterator
from hashlib import sha256

import pytest

from secondlook.domain.instance import Instance
from secondlook.domain.queries import content_hash
from secondlook.errors import CallerError
from secondlook.evaluation.queries import JudgedQuery, Judgment, mark_of
from secondlook.models.fakes import FakeGenerator
from secondlook.ports import Delta, Prompt
from secondlook.services.intake import Upload
from secondlook.services.query_sets import QuerySets
from tests.unit.services.conftest import House

TEXT = "# How to warm the frozen oil\n\nWarm the reservoir first. Why does the oil freeze? It is cold.\n"


def test_headings_and_questions_of_the_documents(house: House) -> None:
    sets, instance = QuerySets(house.catalog, house.engine), house.make()
    with pytest.raises(CallerError, match="provide a query file"):
        house.run(sets.from_headings(instance, limit=9))
    for key, text in (("oil.md", TEXT), ("fog.md", "# Fog\n\nTwo blasts. When does the horn sound in the fog?\n")):
        house.run(house.indexing.upload(instance, Upload(key, text.encode()), wait=60))
    found = {one.text: one for one in house.run(sets.from_headings(instance, limit=9))}
    assert found["How to warm the frozen oil"].grades == {"oil.md": 1}
    assert found["When does the horn sound in the fog?"].grades == {"fog.md": 1}
    assert all(one.synthetic for one in found.values())
    assert len(house.run(sets.from_headings(instance, limit=2))) == 2


def test_comments_in_code_are_no_headings(house: House) -> None:
    sets, instance = QuerySets(house.catalog, house.engine), house.make(chunk_size=64)
    fenced = "".join(
        f"# Step {at} of the script warms it\nwarm --step {at}  # is it warm enough now?\n" for at in range(60)
    )
    code = "# Read the level of the tank\nread()\n"
    files = {
        "a.md": f"# How to warm the frozen oil\n\n```sh\n{fenced}```\n\n## Where the lamp is kept dry\n\nInside.\n",
        **dict.fromkeys(("a.py", "a.sh", "a.c", "a.yaml", "a.toml", "a.rb"), code),
    }
    for key, text in files.items():
        house.run(house.indexing.upload(instance, Upload(key, text.encode()), wait=60))
    found = house.run(sets.from_headings(instance))
    assert {one.text for one in found} == {"How to warm the frozen oil", "Where the lamp is kept dry"}


def test_judgments_follow_the_text_and_not_the_chunks(house: House) -> None:
    sets, instance = QuerySets(house.catalog, house.engine), house.make(chunk_size=64)
    long = TEXT + "\n".join(f"Paragraph {at} about lamps and their oil.\n" for at in range(60))
    house.run(house.indexing.upload(instance, Upload("oil.md", long.encode()), wait=60))
    start = long.encode().index(b"Paragraph 40")
    span = (start, start + 40)
    good = Judgment("oil.md", 1, *span, mark_of(long.encode()[span[0] : span[1]]))
    old = Judgment("oil.md", 1, *span, mark_of(b"something else"))
    gone = Judgment("lost.md", 1, 0, 5, mark_of(b"12345"))
    kept, stale = house.run(sets.fresh(instance, [JudgedQuery("a", (good, old)), JudgedQuery("b", (gone,))]))
    assert stale == 2
    assert [(one.text, one.judgments) for one in kept] == [("a", (good,))]


def test_each_document_is_read_once_and_let_go_before_the_next(house: House) -> None:
    instance, read = house.make(), []
    for key in ("a.md", "b.md"):
        house.run(house.indexing.upload(instance, Upload(key, TEXT.encode()), wait=60))

    class Noted(QuerySets):
        async def indexed_text(self, instance: Instance, key: str) -> bytes:
            read.append(("chunks", key))
            return await super().indexed_text(instance, key)

        async def stored_text(self, instance: Instance, key: str) -> bytes:
            read.append(("stored", key))
            return await super().stored_text(instance, key)

    good, old = mark_of(TEXT.encode()[:9]), mark_of(b"something else")
    marks = [Judgment(key, 1, 0, 9, mark) for mark in (good, old) for key in ("a.md", "b.md")]
    queries = [JudgedQuery(f"q{at}", (one, Judgment("a.md"))) for at, one in enumerate((*marks, *marks))]
    kept, stale = house.run(Noted(house.catalog, house.engine, house.indexing.read_text).fresh(instance, queries))
    assert (len(kept), stale) == (8, 4) and kept[:2] == queries[:2]
    assert read == [("chunks", "a.md"), ("stored", "a.md"), ("chunks", "b.md"), ("stored", "b.md")]


def test_judgments_survive_another_chunk_size(house: House) -> None:
    sets = QuerySets(house.catalog, house.engine, house.indexing.read_text)
    text = "# Oil\n\n" + "\n\n\n".join(f"Paragraph {at} about\nlamps.\n* Their oil {at}.\n" for at in range(60)) + "\n"
    chunks = {}
    for size in (64, 128):
        instance = house.make(f"of-{size}", chunk_size=size, chunk_overlap=0)
        item = house.run(house.indexing.upload(instance, Upload("oil.md", text.encode()), wait=60))
        chunks[size] = instance, house.run(house.engine.list_chunks(instance.uid, item.id, 100, 0))[0]
    for ours, others in ((64, 128), (128, 64)):
        instance, _ = chunks[ours]
        spans = [
            Judgment("oil.md", 1, one.start, one.end, mark(one.text))
            for one in chunks[others][1]
            for mark in (lambda told: sha256(told.encode()).hexdigest(), content_hash)
        ]
        whole = Judgment("oil.md", 1, mark=sha256(text.encode()).hexdigest())
        changed = Judgment("oil.md", 1, mark=sha256(text[1:].encode()).hexdigest())
        queries = [JudgedQuery("a", (*spans, whole)), JudgedQuery("b", (changed,))]
        assert len(spans) >= 4 and house.run(sets.fresh(instance, queries)) == ([queries[0]], 1)


def test_made_queries_come_from_all_documents(house: House) -> None:
    sets, instance = QuerySets(house.catalog, house.engine), house.make()
    for at in range(6):
        text = "".join(f"## How to trim the wick {at} {number}\n\nTrim it.\n\n" for number in range(5))
        house.run(house.indexing.upload(instance, Upload(f"d{at}.md", text.encode()), wait=60))
    assert len(house.run(sets.from_headings(instance))) == 30
    found = house.run(sets.from_headings(instance, limit=20))
    keys = [next(iter(one.grades)) for one in found]
    assert {keys.count(f"d{at}.md") for at in range(6)} == {3, 4} and len(keys) == 20

    numbers = iter(range(99))

    class Asking(FakeGenerator):
        async def stream(self, prompt: Prompt) -> AsyncIterator[Delta]:
            yield Delta(f"why is it trimmed {next(numbers)}", "stop", 1, 1)

    asked = [one.judgments[0].item for one in house.run(sets.generated(instance, Asking(), limit=4))]
    newest_first = [item.key for item in house.run(house.catalog.list_items(instance.uid))]
    assert [newest_first.index(key) for key in asked] == [0, 1, 3, 4], "from all over, and not the first four"
