"""The page of benchmarks is what its generator makes of the figures that were measured."""

import importlib.util

from tests.house.yard import ROOT


def test_the_page_is_made_from_the_figures() -> None:
    path = ROOT / "benchmarks" / "speed" / "report.py"
    spec = importlib.util.spec_from_file_location("report", path)
    assert spec and spec.loader
    report = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(report)
    assert list(report.FIGURES.glob("rerank-*.json"))
    assert report.TARGET.read_text(encoding="utf-8") == report.render()
