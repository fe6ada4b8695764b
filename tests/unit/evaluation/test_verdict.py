"""A verdict is earned: significant, within budget, not flagged, and cheap if others do the same."""

from secondlook.evaluation.comparison import Comparison
from secondlook.evaluation.verdict import FEWEST_QUERIES, Measured, judge, pareto_front


def arm(name: str, difference: float, *, p: float = 0.001, width: float = 0.02, **more: object) -> Measured:
    low, high = difference - width, difference + width
    found = Comparison(0.6 + difference, 0.6, low, high, p, p, 30, 60, 10, 0.03, 240)
    return Measured(name, found, **more)  # type: ignore[arg-type]  # words of the class


def test_the_cheapest_of_those_that_are_as_good() -> None:
    told = judge([arm("large", 0.06, p95=900), arm("small", 0.055, p95=80), arm("weak", 0.03, p95=10)], queries=100)
    assert (told.answer, told.arm) == ("on", "small")
    assert "0.6000 to 0.6550" in told.sentence and "p = 0.0010" in told.sentence


def test_a_weight_is_part_of_the_answer() -> None:
    told = judge([arm("half", 0.05, weight=0.5)], queries=100)
    assert (told.answer, told.weight) == ("on with weight", 0.5)


def test_a_budget_shuts_out_what_is_slow() -> None:
    arms = [arm("large", 0.06, p95=900), arm("small", 0.04, p95=80)]
    assert judge(arms, queries=100, budget=150).arm == "small"
    told = judge(arms, queries=100, budget=10)
    assert told.answer == "off" and "10 ms" in told.sentence


def test_a_flagged_arm_is_never_rewarded() -> None:
    told = judge([arm("holes", 0.06, flagged=True)], queries=100)
    assert told.answer == "not enough evidence"


def test_no_hope_is_off() -> None:
    told = judge([arm("random", -0.2, p=0.0001), arm("same", 0.0, p=1.0, width=0.005)], queries=300)
    assert told.answer == "off" and "same" in told.sentence


def test_wide_intervals_and_few_queries_say_nothing() -> None:
    told = judge([arm("maybe", 0.02, p=0.3, width=0.05)], queries=100)
    assert told.answer == "not enough evidence" and "240 queries" in told.sentence
    assert judge([arm("great", 0.3)], queries=FEWEST_QUERIES - 1).answer == "not enough evidence"
    assert judge([], queries=100).answer == "not enough evidence"


def test_the_front_holds_what_none_beats() -> None:
    arms = {"off": (0.5, 10.0), "slow": (0.6, 90.0), "slower": (0.6, 95.0), "bad": (0.4, 20.0), "best": (0.7, 200.0)}
    assert pareto_front(arms) == ["off", "slow", "best"]
