"""Kappa is that of the paper."""

import pytest

from secondlook.evaluation.agreement import cohen_kappa


def test_kappa_by_hand() -> None:
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    assert cohen_kappa(pairs) == pytest.approx(0.4), "0.7 observed, 0.5 expected"
    assert cohen_kappa([(True, True), (True, True)]) == 1.0
    assert cohen_kappa([(True, False), (False, True)]) == -1.0
    assert cohen_kappa([]) is None
