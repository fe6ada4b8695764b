<<<<<<< HEAD
"""What the demo indexes and shows."""

import json
import shlex

from rich.console import Console

from secondlook.demo import comparison_table, sample_files, show, show_curl
from secondlook.domain.candidate import Candidate, Evidence, Ranking, Receipt
from secondlook.domain.chunk import Chunk
from secondlook.domain.query import Query


def ranking(*names: str, relevance: float | None = None) -> Ranking:
    """These chunks in this order."""
    evidence = Evidence(retrieval_score=0.5, relevance=relevance)
    found = tuple(Candidate(Chunk(name, name, f"{name}.md", name), 0.5, evidence) for name in names)
    receipt = Receipt("ran", model="some model", candidates_in=len(names), milliseconds=12.4)
    return Ranking(Query("why?"), found, receipt=receipt)


def printed(console: Console) -> str:
    return console.export_text()


def test_the_sample_is_the_handbook_and_the_documents() -> None:
    keys = [key for key, _ in sample_files()]
    assert 40 <= len(keys) <= 48
    assert len(set(keys)) == len(keys)
    assert {key.split("/")[0] for key in keys} == {"handbook", "docs"}
    assert "docs/quickstart.md" in keys
    assert not any("decisions" in key for key in keys)
    assert all(path.is_file() for _, path in sample_files())


def test_the_comparison_says_what_moved() -> None:
    console = Console(record=True, width=100)
    console.print(comparison_table("[why]?", ranking("a", "b", "c"), ranking("c", "a", "d", "b", relevance=0.25)))
    lines = [line.split("│") for line in printed(console).splitlines() if "│" in line and ".md" in line]
    assert [line[3].strip() for line in lines] == ["▲ 2", "▼ 1", "new", "▼ 2"]
    assert [line[6].strip() for line in lines] == ["c.md", "a.md", "d.md", "b.md"]
    assert lines[0][5].strip() == "0.250"


def test_what_the_reranker_did_is_shown() -> None:
    console = Console(record=True, width=100)
    show(console, "[why]?", ranking("a"), ranking("a"))
    text = printed(console)
    assert "[why]?" in text
    assert "reranking ran: 1 candidates in 12 ms by some model" in text


def test_the_line_to_paste_survives_quotes() -> None:
    console = Console(record=True, width=100)
    show_curl(console, "http://here", "sl_x", "it's [red]")
    words = shlex.split(printed(console).split("\n")[-2])
    assert words[2] == "http://here/accounts/demo/autorag/rags/sample/search"
    assert json.loads(words[-1]) == {"query": "it's [red]", "reranking": {"enabled": True}}
=======
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
from secondlook.services.bundle import Services
from secondlook.services.indexing import Upload
from tests.unit.services.conftest import House


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("demo"))
    made.run(made.indexing.start())
    yield made
    made.close()


def runtime_of(house: House) -> Runtime:
    services = Services(house.access, house.instances, house.indexing, house.searching)
    return Runtime(services, house.tools, house.engine)


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
    rows = re.findall(r"│ +(\d+) │ +(\d+) │ +(\S[^│]*?) │ +([\d.]+) │ +([\d.]+) │ (\S+) +│", text)
    assert [int(row[0]) for row in rows] == list(range(1, demo.SHOWN + 1))
    places = {one.chunk.id: rank for rank, one in enumerate(before.candidates, 1)}
    for row, candidate in zip(rows, after.candidates, strict=False):
        rank, was = int(row[0]), int(row[1])
        assert was == places[candidate.chunk.id]
        assert row[2] == (f"▲ {was - rank}" if was > rank else f"▼ {rank - was}" if was < rank else "=")
        assert row[4] == f"{candidate.evidence.relevance:.3f}"
        assert row[5] == candidate.chunk.item_key
    assert f"reranking ran: {after.receipt.candidates_in} candidates in" in text
    assert "fake-reranker@1" in text


def test_what_was_not_there_before_is_new(house: House) -> None:
    before, after = compare(house)
    fell_back = after.kept(
        replace(one, evidence=replace(one.evidence, relevance=None, retrieval_score=None)) for one in after.candidates
    )
    text = shown(lambda console: console.print(demo.comparison_table("q", before.kept(()), fell_back)))
    assert text.count("new") == demo.SHOWN
    assert re.search(r"│ +1 │ +- │ +new │ +0\.000 │ +- │", text)


def test_the_request_can_be_pasted(house: House) -> None:
    question = "what's \"[b]\" to 'do' & $HOME?"
    text = shown(lambda console: demo.show_curl(console, "http://127.0.0.1:8787", "sl_x", question))
    [line] = [one for one in text.splitlines() if one.startswith("curl ")]
    words = shlex.split(line)
    assert words[2] == "http://127.0.0.1:8787/accounts/demo/autorag/rags/sample/search"
    assert "Authorization: Bearer sl_x" in words
    assert json.loads(words[-1]) == {"query": question, "reranking": {"enabled": True}}
>>>>>>> tests
