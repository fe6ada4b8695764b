"""Records are read as they were written, and a report is whole JSON."""

import json

from secondlook.domain.lab import ArmSpec
from secondlook.domain.options import RerankStage
from secondlook.evaluation.queries import JudgedQuery, Judgment
from secondlook.evaluation.report import OFF, ArmRow, QueryRow, sum_up
from secondlook.services.lab_records import (
    LabRequest,
    query_of,
    read_request,
    read_row,
    report_json,
    report_of,
    request_json,
    rows_json,
    settings_for,
    words_of_judge,
    words_of_left_out,
)

ARM = ArmSpec("m", 20, 0.5)
COST = {"seconds": 1.0, "memory_mb": 10.0, "index_changed": False}


def rows() -> list[QueryRow]:
    def arms(at: int) -> dict[str, ArmRow]:
        pairs = ((0.5, at % 3), (0.25, None))
        found = ArmRow(0.9, 1.0, 0.5, 0.0, 9.0, ("b", "a"), pairs, "m@1")
        return {OFF: ArmRow(0.2, 0.2, 0.5, 0.1, 3.0, ("a",)), ARM.name: found}

    return [QueryRow(f"q{at}", arms(at), {"b": 1, "a": 0}, (("language", "en"),), at % 2 == 0) for at in range(40)]


def test_agreement_in_words() -> None:
    told = {"graded": 24, "agreed": 10, "agreement": 0.9, "kappa": None}
    assert "it agrees with people on 90% of the 10 that they judged too (kappa is undefined" in words_of_judge(told)
    assert "on 90% of the 10 that they judged too (kappa 0.62)" in words_of_judge({**told, "kappa": 0.62})
    assert "people judged none" in words_of_judge({**told, "agreed": 0, "agreement": None})
    before = {"graded": 24, "agreed": 10, "kappa": 0.62}
    assert words_of_judge(before) == "a language model graded 24 passages; kappa with people is 0.62"
    assert words_of_left_out({}) == "" and words_of_left_out({"left_out": 1200}).startswith("1,200 queries")


def test_requests_and_rows_survive() -> None:
    queries = (JudgedQuery("ö", (Judgment("a", 2, 1, 9, "ab"), Judgment("b"))), JudgedQuery("q", (), True))
    staged = ArmSpec(stages=(RerankStage("a", 9, 3),), match_mode="or")
    request = LabRequest(queries, (ARM, ArmSpec(), staged), 150.0, 2, "x.csv", 3, 77)
    assert read_request(request_json(request)) == request
    assert [read_row(one) for one in rows_json(rows())] == rows()


def test_the_report_names_settings_to_apply() -> None:
    request = LabRequest((), (ARM,), origin="x.csv")
    report = report_of(sum_up(rows(), {ARM.name: 0.5}), request, COST)
    told = json.loads(report_json(report))
    assert told["verdict"]["answer"] == "on with weight" and told["verdict"]["weight"] == 0.5
    assert told["verdict"]["settings"] == {
        "reranking": True,
        "reranking_model": "m",
        "reranking_weight": 0.5,
        "reranking_stages": [{"model": "m", "window": 20, "keep": None}],
    }
    assert (told["queries"], told["synthetic"], told["origin"], told["seconds"]) == (40, 20, "x.csv", 1.0)
    first, second = told["arms"]
    assert first["comparison"] is None and first["spec"] is None
    assert second["comparison"]["wins"] == 40 and second["spec"]["window"] == 20
    assert second["calibration"]["pairs"] == 40, "of the half that was not fitted"
    assert second["calibration"]["assumed"], "fourteen judged not to be relevant are too few to stand for the rest"
    assert (told["left_out"], told["unknown_items"]) == (0, 0)


def test_settings_of_each_answer() -> None:
    assert settings_for("off", None) == {"reranking": False}
    assert settings_for("not enough evidence", ARM) == {}
    chain = settings_for("on", ArmSpec("a>b", None))
    assert chain["reranking_model"] == "a>b" and chain["reranking_stages"] == []
    other = settings_for("on", ArmSpec(match_mode="or", fusion_method="max", min_score=0.0))
    assert (other["match_mode"], other["fusion_method"], other["min_score"]) == ("or", "max", 0.0)
    staged = settings_for("on", ArmSpec(stages=(RerankStage("a", 9, 3),)))
    assert staged["reranking_stages"] == [{"model": "a", "window": 9, "keep": 3}]


def test_a_query_under_two_arms() -> None:
    told = query_of(rows()[0], ARM.name)
    assert told["difference"] == 0.7 and told["relevant"] == {"b": 1}
    assert set(told["arms"]) == {OFF, ARM.name}  # type: ignore[arg-type]  # a dictionary
