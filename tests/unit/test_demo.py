"""The demo: its corpus is indexed once and kept as it is in the package, and both orders are shown."""

import io
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace

import pytest
from rich.console import Console
from rich.progress import Progress

from secondlook import demo
from secondlook.bootstrap import Runtime
from secondlook.domain.candidate import Ranking
from secondlook.domain.instance import Instance
from secondlook.domain.wording import figure
from secondlook.services.indexing import Upload
from tests.unit.services.conftest import House


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("demo"))
    made.run(made.indexing.start())
    yield made
    made.close()


def runtime_of(house: House) -> Runtime:
    return Runtime(house.services, house.tools, house.engine, house.stores)


def ensure(house: House) -> tuple[Instance, int]:
    """The sample instance, and how many pages were indexed for it."""
    progress = Progress(console=Console(file=io.StringIO()), disable=True)
    instance = house.run(demo.ensure_sample(runtime_of(house), progress))
    return instance, int(progress.tasks[0].total or 0)


def shown(work: object) -> str:
    console = Console(file=io.StringIO(), width=160)
    assert callable(work)
    work(console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_sample_is_in_the_package() -> None:
    files = dict(demo.sample_files())
    assert sum(key.startswith("handbook/") for key in files) >= 24
    assert any(key.startswith("docs/") for key in files)
    assert not any("/decisions/" in key for key in files)
    assert all(path.is_file() and key.endswith(path.name) for key, path in files.items())


def test_the_sample_is_indexed_once_and_mended_where_it_changed(house: House) -> None:
    instance, _ = ensure(house)
    items = {item.key: item for item in house.run(house.indexing.list(instance))}
    assert set(items) == {key for key, _ in demo.sample_files()}
    assert {item.status for item in items.values()} == {"completed"}
    again, count = ensure(house)
    assert (again.uid, count) == (instance.uid, 0)
    key, path = next(demo.sample_files())
    content = path.read_bytes()
    for changed in (b"short", content[:-1] + b"#", b""):
        house.run(house.indexing.upload(instance, Upload(key, changed), wait=20))
        assert ensure(house)[1] == 1
        assert house.run(house.indexing.download(instance, items[key].id))[1] == content


def compare(house: House, question: str = demo.QUESTION) -> tuple[Ranking, Ranking]:
    return house.run(demo.compare(runtime_of(house), ensure(house)[0], question))


def test_the_same_search_without_and_with_reranking(house: House) -> None:
    before, after = compare(house)
    assert (before.receipt.status, after.receipt.status) == ("skipped", "ran")
    assert {one.chunk.id for one in before.candidates} == {one.chunk.id for one in after.candidates}
    assert len(after.candidates) > demo.SHOWN


def test_the_table_shows_where_each_stood(house: House) -> None:
    before, after = compare(house)
    before = before.kept([*after.candidates[1:4], after.candidates[0], *after.candidates[4:]])
    text = shown(lambda console: demo.show(console, "what [/b] now?", before, after))
    assert "▼ 3" not in text and "▲ 3" in text and "▼ 1" in text and " = " in text
    assert "“what [/b] now?”" in text
    rows = re.findall(r"^ +(\d+) +(\d+) +(=|[▲▼] \d+) +([\d.]+) +([\d.]+) +(\S+) *$", text, re.MULTILINE)
    assert [int(row[0]) for row in rows] == list(range(1, demo.SHOWN + 1))
    places = {one.chunk.id: rank for rank, one in enumerate(before.candidates, 1)}
    for row, candidate in zip(rows, after.candidates, strict=False):
        rank, was = int(row[0]), int(row[1])
        assert was == places[candidate.chunk.id]
        assert row[2] == (f"▲ {was - rank}" if was > rank else f"▼ {rank - was}" if was < rank else "=")
        assert row[4] == figure(candidate.evidence.relevance or 0)
        assert row[5] == candidate.chunk.item_key
    assert f"reranking ran: {after.receipt.candidates_in} candidates in" in text
    assert "fake-reranker@1" in text
    assert "Reranking is off by default: this comparison switched it on" in text


def test_what_was_not_there_before_is_new(house: House) -> None:
    before, after = compare(house)
    fell_back = after.kept(
        replace(one, evidence=replace(one.evidence, relevance=None, retrieval_score=None)) for one in after.candidates
    )
    text = shown(lambda console: console.print(demo.comparison_table("q", before.kept(()), fell_back)))
    assert text.count("new") == demo.SHOWN
    assert re.search(r"^ +1 +- +new +0\.000 +- ", text, re.MULTILINE)


def test_the_request_can_be_pasted(house: House) -> None:
    question = "what's \"[b]\" to 'do' & $HOME?"
    text = shown(lambda console: demo.show_curl(console, "http://127.0.0.1:8787", "sl_x", question))
    [line] = [one for one in text.splitlines() if one.startswith("curl ")]
    words = shlex.split(line)
    assert words[2] == "http://127.0.0.1:8787/accounts/demo/autorag/rags/sample/search"
    assert "Authorization: Bearer sl_x" in words
    assert json.loads(words[-1]) == {"query": question, "reranking": {"enabled": True}}
