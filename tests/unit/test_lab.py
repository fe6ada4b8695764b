"""``secondlook lab``: from a file of queries to a verdict, a page, and a gate."""

import json
from pathlib import Path

import pytest

from secondlook import lab
from secondlook.domain.instance import Instance, InstanceSettings
from secondlook.domain.lab import ArmSpec
from secondlook.domain.options import RerankStage
from secondlook.evaluation.report import ArmRow, QueryRow
from secondlook.lab import judge_gate, spec_of
from tests.unit.conftest import Cli

GRADES = ("amber", "blue", "crimson", "dun", "ebony", "fawn", "green", "hazel")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def filled(cli: Cli, folder: Path, tmp_path: Path) -> Path:
    """The data folder with the instance ``docs``."""
    if not (folder / "catalog.sqlite").is_file():
        pages = tmp_path / "pages"
        pages.mkdir()
        for at, grade in enumerate(GRADES):
            text = f"# How to keep {grade} lamp oil\n\nThe {grade} oil freezes at minus {at + 5} degrees.\n"
            (pages / f"{grade}.md").write_text(text, encoding="utf-8")
        done = cli("index", "docs", pages, "--data-dir", folder)
        assert done.code == 0, done.err
    return folder


def write_queries(path: Path, number: int = 40) -> Path:
    lines = [f"when does {GRADES[at % 8]} oil freeze {at},{GRADES[at % 8]}.md,1" for at in range(number)]
    path.write_text("query,item,grade\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_run_shows_its_arms_and_writes_what_it_found(cli: Cli, filled: Path, tmp_path: Path) -> None:
    queries, figures, page = write_queries(tmp_path / "q.csv"), tmp_path / "figures.json", tmp_path / "report.html"
    done = cli(
        "lab", "run", "docs", "--queries", queries, "--queries", queries, "--arm", "window=20", "--arm", "weight=0.5",
        "--json", figures, "--html", page, "--data-dir", filled,
    )  # fmt: skip
    assert done.code == 0, done.err
    told = json.loads(figures.read_text(encoding="utf-8"))
    assert [arm["name"] for arm in told["arms"]] == [
        "as created",
        "off",
        "built-in, 20 candidates",
        "built-in, 50 candidates, weight 0.5",
    ]
    assert told["queries"] == len(told["by_query"]) == 40 and told["origin"] == "q.csv, q.csv", "one text is one query"
    assert told["verdict"]["sentence"] in done.out and "built-in, 20 candidates" in done.out
    assert "Reranking on docs" in page.read_text(encoding="utf-8")
    again = cli("lab", "show", "docs", "--json", "--data-dir", filled)
    assert json.loads(again.out)["verdict"] == told["verdict"]
    assert told["verdict"]["sentence"] in cli("lab", "show", "docs", "--data-dir", filled).out


def test_headings_are_told_to_be_made(cli: Cli, filled: Path) -> None:
    done = cli("lab", "run", "docs", "--headings", "--limit", 5, "--arm", "window=20", "--data-dir", filled)
    assert done.code == 0, done.err
    assert "5 of 5 queries were made from the documents" in done.out
    assert "not enough evidence" in done.out


def test_apply_changes_what_the_verdict_says_and_nothing_without_one(
    cli: Cli, filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab, "SOME", 3)
    few = tmp_path / "few.jsonl"
    rows = [{"query": f"when does {grade} oil freeze", "items": [f"{grade}.md"]} for grade in GRADES[:5]]
    rows[0]["items"] = ["amber.md", "x.md", {"item": "blue.md", "hash": "0" * 64}]
    few.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    done = cli("lab", "run", "docs", "--queries", few, "--arm", "window=20", "--apply", "--data-dir", filled)
    assert done.code == 0 and "Not applied: not enough evidence." in done.out
    assert "5 queries are too few" in done.out and "sampled" not in done.err, "files are measured whole"
    assert "unjudged" in done.out and "1 judgment left out" in done.out
    assert "1 judged item not in the index" in done.out


def test_a_gate_holds_and_fails(cli: Cli, filled: Path, tmp_path: Path) -> None:
    queries, before = write_queries(tmp_path / "q.csv", 44), tmp_path / "before.json"
    done = cli(
        "lab",
        "gate",
        "docs",
        "--queries",
        queries,
        "--min-ndcg",
        0.5,
        "--no-regression",
        "--json",
        before,
        "--limit",
        40,
        "--data-dir",
        filled,
    )
    assert done.code == 0, done.err
    assert "40 of 44 queries sampled evenly" in done.err
    assert "gate passed: nDCG@10 is" in done.out and "40 queries with reranking off" in done.out
    shown = cli("lab", "show", "docs", "--json", "--data-dir", filled)
    assert shown.code == 2 or json.loads(shown.out)["origin"] != "q.csv" or len(json.loads(shown.out)["arms"]) > 2
    told = json.loads(before.read_text(encoding="utf-8"))
    for row in told["by_query"]:
        row["ndcg@10"] = dict.fromkeys(row["ndcg@10"], 1.0)
    before.write_text(json.dumps(told), encoding="utf-8")
    worse = write_queries(tmp_path / "worse.csv")
    worse.write_text(
        worse.read_text(encoding="utf-8").replace("amber.md", "x.md").replace("blue.md", "y.md"), encoding="utf-8"
    )
    failed = cli(
        "lab",
        "gate",
        "docs",
        "--queries",
        worse,
        "--min-ndcg",
        0.99,
        "--no-regression",
        "--before",
        before,
        "--data-dir",
        filled,
    )
    assert failed.code == 1
    assert "below the required 0.99" in failed.err and "nDCG@10 fell from 1.0000 before to" in failed.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("run", "docs"), "no queries to measure"),
        (("run", "docs", "--headings", "--queries", "q.csv"), "--queries and --headings cannot be combined"),
        (("run", "docs", "--generated"), "SECONDLOOK_LLM_URL"),
        (("run", "docs", "--headings", "--judge"), "SECONDLOOK_LLM_URL"),
        (("run", "docs", "--queries", "no.csv"), "could not read no.csv"),
        (("run", "docs", "--headings", "--arm", "speed=1"), "word is one of"),
        (("run", "lost", "--headings"), "no instance 'lost' in account 'default'"),
        (("run", "docs", "--headings", "--arm", "model=nobody/knows"), "nobody/knows"),
        (("gate", "docs", "--headings"), "nothing to compare with"),
        (
            ("gate", "docs", "--headings", "--min-ndcg", "0.1", "--before", "b.json"),
            "--before b.json needs --no-regression",
        ),
        (("run", "docs", "--headings", "--arm", "model=a>b,window=20"), "leave out the window 20"),
        (("gate", "docs", "--headings", "--no-regression", "--before", "no.json"), "no.json was not written by"),
    ],
)
def test_errors_are_one_line(cli: Cli, filled: Path, arguments: tuple[str, ...], told: str) -> None:
    done = cli("lab", *arguments, "--data-dir", filled)
    assert done.code == 2 and told in done.err and len(done.err.strip().splitlines()) == 1


def test_nothing_was_measured_yet(cli: Cli, tmp_path: Path) -> None:
    page = tmp_path / "a.md"
    page.write_text("# Oil\n\nWarm it.\n", encoding="utf-8")
    assert cli("index", "fresh", page, "--data-dir", tmp_path / "data").code == 0
    done = cli("lab", "show", "fresh", "--data-dir", tmp_path / "data")
    assert done.code == 2 and "secondlook lab run" in done.err


def test_the_arm_that_an_instance_is() -> None:
    def made(**settings: object) -> Instance:
        return Instance("u", "acc", "default", "docs", InstanceSettings(**settings), 0, 0)  # type: ignore[arg-type]  # words of the class

    assert spec_of(made()) is None
    assert spec_of(made(reranking=True, reranking_weight=0.5)) == ArmSpec("", None, 0.5)
    assert spec_of(made(reranking=True, reranking_model="a>b")) == ArmSpec("a>b", None)
    stages = (RerankStage("a", 30), RerankStage("b", 9))
    assert spec_of(made(reranking=True, reranking_stages=stages[:1])) == ArmSpec("a", 30)
    assert spec_of(made(reranking=True, reranking_stages=stages)) == ArmSpec(window=None, stages=stages)
    keeps = (RerankStage("a", 30, 12),)
    assert spec_of(made(reranking=True, reranking_stages=keeps)) == ArmSpec(window=None, stages=keeps)


def test_a_gate_fails_where_the_reranker_does() -> None:
    def rows(failed: int) -> list[QueryRow]:
        arms = [ArmRow(0.9, 1.0, 1.0, 0.0, 1.0, fell_back=at < failed) for at in range(200)]
        return [QueryRow(f"q{at}", {"off": arm, "m": arm}, {}) for at, arm in enumerate(arms)]

    assert judge_gate(rows(2), "m", 0.5, None) == [], "one in a hundred, as for a verdict"
    [told] = judge_gate(rows(3), "m", 0.5, None)
    assert told.startswith("the reranker failed on 3 of 200 queries")
