"""What the commands show of a ranking and of a download."""

import io
from dataclasses import replace

from rich.console import Console

from secondlook.domain.candidate import Candidate, Evidence, Ranking, Receipt, Step, Threshold
from secondlook.domain.chunk import Chunk
from secondlook.domain.query import Query
from secondlook.screen import Downloads, as_dict, make_bars, show_ranking

RANKING = Ranking(
    Query("lamp [oil]"),
    (
        Candidate(
            Chunk("1", "a", "[b]oil.md", "Warm the\nreservoir."),
            0.9,
            Evidence(vector_score=0.5, retrieval_rank=3, retrieval_score=0.25, relevance=0.9),
        ),
    ),
    (Step("rerank", 12.34, 1, "ran"),),
    Receipt("fell_back", "it was late"),
)


def drawn(*, explain: bool, width: int = 160) -> str:
    console = Console(file=io.StringIO(), width=width)
    show_ranking(console, RANKING, explain=explain)
    return console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO


def test_scores_ranks_and_the_receipt_are_shown() -> None:
    shown = drawn(explain=False)
    assert [word for word in ("[b]oil.md", "0.900", "Warm the reservoir.") if word not in shown] == []
    assert "0.250" not in shown
    assert "reranking fell_back: it was late" in shown
    assert "12.3 ms" not in shown


def test_explain_shows_the_stages() -> None:
    shown = drawn(explain=True)
    assert [word for word in ("0.900", "0.250", "0.500", "12.3 ms") if word not in shown] == []


def test_nothing_found_says_what_was_dropped() -> None:
    console = Console(file=io.StringIO(), width=80)
    steps = (Step("fuse", 1, 3), Step("filter", 1, 0, "3 below the match threshold (0.4)"))
    receipt = Receipt("skipped", "reranking is off")
    show_ranking(
        console,
        Ranking(Query("x"), (), steps, receipt, filtered=Threshold("match", 0.4, 3)),
        explain=False,
    )
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]  # a StringIO
    assert lines == ["nothing was found", "3 below the match threshold (0.4)", "reranking skipped: reranking is off"]


def test_each_threshold_says_how_many_it_dropped() -> None:
    receipt = Receipt("ran", threshold=0.3, below=2)
    ranking = replace(RANKING, receipt=receipt, filtered=Threshold("match", 0.4, 1))
    console = Console(file=io.StringIO(), width=80)
    show_ranking(console, ranking, explain=False)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]  # a StringIO
    assert lines[-3:-1] == ["1 below the match threshold (0.4)", "2 below the reranking threshold (0.3)"]
    assert as_dict(ranking)["thresholds"] == [
        {"kind": "match", "value": 0.4, "dropped": 1},
        {"kind": "reranking", "value": 0.3, "dropped": 2},
    ]


def test_a_result_is_one_line_in_a_narrow_terminal() -> None:
    for explain in (False, True):
        lines = drawn(explain=explain, width=80).splitlines()
        [row] = [line for line in lines if "[b]oil.md" in line]
        assert "0.900" in row and "Warm" in row
        assert max(len(line) for line in lines) <= 80


def test_json_has_the_evidence_that_there_is() -> None:
    [row] = as_dict(RANKING)["results"]  # type: ignore[misc, attr-defined]  # a list of rows
    assert row["rank"] == 1
    assert row["evidence"] == {"vector_score": 0.5, "retrieval_rank": 3, "retrieval_score": 0.25, "relevance": 0.9}


def test_a_bar_is_there_once_bytes_come() -> None:
    console = Console(file=io.StringIO(), width=80)
    bars = make_bars(console)
    with Downloads(bars) as heard:
        assert bars.tasks == []
        heard("model.safetensors", 10, 100)
        heard("model.safetensors", 100, 100)
    assert [(task.description, task.completed) for task in bars.tasks] == [("Downloading model.safetensors", 100)]
