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
