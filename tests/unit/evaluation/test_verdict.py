"""A verdict is earned: significant, within budget, not flagged, and cheap if others do the same."""

import re

import pytest

from secondlook.evaluation.comparison import FEWEST_MATERIAL, Comparison, compare
from secondlook.evaluation.verdict import FEWEST_QUERIES, FEWEST_UNCHANGED, WORTH, Basis, Measured, judge, pareto_front

HUNDRED = Basis(100)
HOLES, FAILURES = (
    "50% of its results were never judged, compared with 20% of off",
    "its reranker failed on 100 of 100 queries",
)


def arm(name: str, difference: float, *, p: float = 0.001, width: float = 0.02, **more: object) -> Measured:
    low, high = difference - width, difference + width
    told: dict[str, object] = {"ceiling": high, "adjusted": p, "material": 12}
    told |= {one: more.pop(one) for one in told.keys() & more.keys()}
    adjusted, ceiling, material = told["adjusted"], told["ceiling"], told["material"]
    found = Comparison(0.6 + difference, 0.6, low, high, p, adjusted, 30, 60, 10, 0.03, 240, ceiling, material, 4)  # type: ignore[arg-type]  # numbers
    return Measured(name, found, **more)  # type: ignore[arg-type]  # words of the class


def test_the_cheapest_of_those_that_are_as_good() -> None:
    told = judge([arm("large", 0.06, p95=900), arm("small", 0.055, p95=80), arm("weak", 0.03, p95=10)], HUNDRED)
    assert (told.answer, told.arm) == ("on", "small")
    assert "0.6000 to 0.6550" in told.sentence and "p = 0.0010" in told.sentence


def test_a_weight_is_part_of_the_answer() -> None:
    told = judge([arm("half", 0.05, weight=0.5)], HUNDRED)
    assert (told.answer, told.weight) == ("on with weight", 0.5)


def test_a_budget_shuts_out_what_is_slow() -> None:
    arms = [arm("large", 0.06, p95=900), arm("small", 0.04, p95=80)]
    assert judge(arms, HUNDRED, budget=150).arm == "small"
    told = judge(arms, HUNDRED, budget=10)
    assert told.answer == "off" and "10 ms" in told.sentence
    slow = judge([arm("slow", 0.06, p95=900, unjudged=HOLES)], HUNDRED, budget=10)
    assert slow.answer == "off", "it is too slow whatever its results are worth"
    broken = judge([arm("broken", 0.0, p95=900, failed=FAILURES)], HUNDRED, budget=10)
    assert broken.answer == "not enough evidence", "who waits for a server that is gone is slow for that"


@pytest.mark.parametrize("difference", [0.06, 0.0, -0.2])
@pytest.mark.parametrize(("kind", "todo"), [("unjudged", "results judged"), ("failed", "fix its reranker")])
def test_a_flagged_arm_is_neither_rewarded_nor_taken_for_useless(difference: float, kind: str, todo: str) -> None:
    words = {"unjudged": HOLES, "failed": FAILURES}[kind]
    told = judge([arm("flawed", difference, width=0.005, **{kind: words})], HUNDRED)
    assert (told.answer, told.arm) == ("not enough evidence", "flawed")
    assert words in told.sentence and todo in told.sentence
    assert "harm and gain" not in told.sentence
    beside = judge([arm("flawed", difference, **{kind: words}), arm("same", 0.0, p=1.0, width=0.005)], HUNDRED)
    assert beside.answer == "not enough evidence" and words in beside.sentence
    decided = judge([arm("flawed", difference, **{kind: words}), arm("good", 0.05)], HUNDRED)
    assert (decided.answer, decided.arm) == ("on", "good"), "what is sound decides"


def test_no_hope_is_off() -> None:
    told = judge([arm("random", -0.2, p=0.0001), arm("same", 0.0, p=1.0, width=0.005)], Basis(300))
    assert told.answer == "off" and "same" in told.sentence


def test_a_ceiling_that_few_changes_leave_high_is_not_off() -> None:
    told = judge([arm("same", 0.0, p=1.0, width=0.0, ceiling=0.03)], HUNDRED)
    assert (told.answer, told.arm) == ("not enough evidence", "same")
    assert "only 12 of them by 0.05 or more" in told.sentence and "a gain of 0.0300" in told.sentence
    assert f"{FEWEST_UNCHANGED} queries may settle it" in told.sentence
    more = judge([arm("same", 0.0, p=1.0, width=0.0, ceiling=0.03)], Basis(FEWEST_UNCHANGED))
    assert more.answer == "not enough evidence" and "may settle" not in more.sentence


def test_a_ceiling_that_a_large_change_leaves_high_is_not_for_want_of_changes() -> None:
    told = judge([arm("same", 0.0, p=1.0, width=0.0, ceiling=0.03, material=FEWEST_MATERIAL)], HUNDRED)
    assert (told.answer, told.arm) == ("not enough evidence", "same")
    assert "one more change as large as the largest observed would still allow a gain of 0.0300" in told.sentence
    assert "few" not in told.sentence and str(FEWEST_UNCHANGED) not in told.sentence
    seen = [0.0] * 160 + [-0.05] * 34 + [0.5] * 3
    real = compare([0.5] * len(seen), {"rare": [0.5 + one for one in seen]}, rounds=2000)["rare"]
    assert real.high < WORTH <= real.ceiling and real.material > FEWEST_MATERIAL, "which does happen"


def test_wide_intervals_and_few_queries_say_nothing() -> None:
    told = judge([arm("maybe", 0.02, p=0.3, width=0.05)], HUNDRED)
    assert told.answer == "not enough evidence" and "240 queries" in told.sentence
    assert "-0.0300 to +0.0700 includes both harm and gain" in told.sentence
    few = judge([arm("great", 0.3)], Basis(FEWEST_QUERIES - 1, left_out=7))
    assert few.answer == "not enough evidence" and "29 queries (7 more have no known relevant" in few.sentence
    assert judge([], HUNDRED).answer == "not enough evidence"


def test_the_sentence_says_what_stands_against_a_gain() -> None:
    """An interval above 0 is not said to hold harm."""
    several = judge([arm("better", 0.03, p=0.02, adjusted=0.08)], HUNDRED)
    assert several.answer == "not enough evidence" and "harm and gain" not in several.sentence
    assert "p = 0.0200 does not survive the correction for testing 4 configurations (p = 0.0800)" in several.sentence
    chance = judge([arm("better", 0.03, p=0.06)], HUNDRED)
    assert chance.answer == "not enough evidence" and "may be chance (p = 0.0600)" in chance.sentence


def test_synthetic_queries_are_named_and_never_say_off() -> None:
    useless, good, slow = arm("same", 0.0, p=1.0, width=0.005), arm("good", 0.05), arm("slow", 0.05, p95=90)
    made, mixed = Basis(120, synthetic=120), Basis(120, synthetic=80)
    off = judge([useless], made)
    assert off.answer == "not enough evidence"
    assert off.sentence.startswith("over 120 synthetic queries (made from the documents), no configuration can be")
    assert "30 real queries" in off.sentence
    assert judge([slow], made, budget=10).answer == "not enough evidence"
    assert judge([useless], Basis(120, synthetic=100)).answer == "not enough evidence", "20 of people are too few"
    on = judge([good], made)
    assert on.answer == "on"
    assert on.sentence.startswith("over 120 synthetic queries (made from the documents), “good” raises nDCG@10 from")
    both = judge([useless], mixed)
    assert both.answer == "off" and "120 queries (80 of them synthetic" in both.sentence
    for told in (judge([arm("open", 0.02, p=0.3, width=0.05)], made), judge([arm("bad", 0.0, failed=FAILURES)], made)):
        assert "120 synthetic queries" in told.sentence


def test_nothing_found_is_a_fault_of_the_queries() -> None:
    told = judge([arm("same", 0.0, p=1.0, width=0.0)], Basis(400, found=False, unknown_items=380), budget=1)
    assert told.answer == "not enough evidence"
    assert "380 judged items not in the index" in told.sentence and "keys of items in this instance" in told.sentence
    known = judge([arm("same", 0.0, p=1.0, width=0.0)], Basis(400, found=False))
    assert known.answer == "not enough evidence" and not re.search(r"are not in the index", known.sentence)


def test_the_front_holds_what_none_beats() -> None:
    arms = {"off": (0.5, 10.0), "slow": (0.6, 90.0), "slower": (0.6, 95.0), "bad": (0.4, 20.0), "best": (0.7, 200.0)}
    assert pareto_front(arms) == ["off", "slow", "best"]
