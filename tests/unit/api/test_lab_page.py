"""A page stands alone, tells everything, and takes no text for markup."""

from typing import Any

from secondlook.api.lab_page import render_page
from secondlook.domain.lab import ArmSpec
from secondlook.evaluation.report import OFF, ArmRow, QueryRow, sum_up
from secondlook.services.lab_records import LabRequest, query_of, report_of

ARM = ArmSpec("<model>", 20)
COST = {"seconds": 1.0, "memory_mb": 10.0, "index_changed": True}


def told(good: bool = True) -> tuple[dict[str, Any], list[dict[str, object]]]:
    rows = []
    for at in range(40):
        pairs = ((0.2 + at / 100, at // 2 % 2), (0.1, 0))
        ranking = ("<b>", "z" if good else "a")
        arm = ArmRow(0.9 if good and at else 0.1, 1.0, 1.0, 0.5, 9.0, ranking, pairs, "m@1", good and at == 0)
        arms = {OFF: ArmRow(0.2, 0.2, 0.5, 0.1, 3.0, ("a", "<b>")), ARM.name: arm}
        rows.append(QueryRow(f"<script>{at}", arms, {"<b>": 1, "a": 0}, (("form", "ab"[at % 2]),), at < 3))
    report = report_of(sum_up(rows, {ARM.name: 1.0}), LabRequest((), (ARM,), stale=2), COST)
    return report, [query_of(row, ARM.name) for row in rows]


def test_everything_is_on_the_page() -> None:
    report, queries = told()
    page = render_page(report, queries, title="Reranking on <docs>")
    assert "<script" not in page and "<model>" not in page and "Reranking on &lt;docs&gt;" in page
    for word in ("never judged", "made from the documents", "2 judgments left out", "the index changed"):
        assert word in page
    for head in ("Configurations", "By kind of query", "Scores as probabilities", "Most lost", "Most gained"):
        assert f"<h2>{head}" in page
    assert page.count("<svg") == 3 and page.count("<details>") == 16
    assert '<li class="hit">&lt;b&gt;</li>' in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_a_verdict_without_an_arm_shows_the_best() -> None:
    report, queries = told(good=False)
    assert report["verdict"]["arm"] is None
    page = render_page(report, queries, title="x")
    assert "Reranking: off" in page and "Most gained" not in page
