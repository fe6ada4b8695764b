"""Kappa is that of the paper, and is not told where it says nothing."""

import pytest

from secondlook.evaluation.agreement import cohen_kappa, share_agreed


def test_kappa_by_hand() -> None:
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    assert cohen_kappa(pairs) == pytest.approx(0.4), "0.7 observed, 0.5 expected"
    assert share_agreed(pairs) == pytest.approx(0.7)
    assert cohen_kappa([(True, False), (False, True)]) == -1.0
    assert cohen_kappa([]) is None and share_agreed([]) is None


def test_people_who_judged_only_what_is_relevant_leave_no_kappa() -> None:
    pairs = [(True, True)] * 99 + [(True, False)]
    assert cohen_kappa(pairs) is None, "by the formula it is 0, as if the two agreed by chance"
    assert share_agreed(pairs) == 0.99
    assert cohen_kappa([(True, True), (False, True)]) == 0.0, "a judge that always says one is of no use"
