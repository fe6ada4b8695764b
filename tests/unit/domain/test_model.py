"""A listed model is read by people."""

import math
from dataclasses import replace

from secondlook.domain.model import WORDS, KnownModel, UnitCheck


def test_details_leave_out_what_is_unknown() -> None:
    assert KnownModel("mine/own", "reranking", "yours", True, False).details == "yours"
    assert KnownModel("far", "reranking", "-", True, False, remote=True).details == ""
    told = KnownModel("a/b", "reranking", "MIT", False, False, "en zh", 278, 8192, "logit")
    assert told.details == "MIT, en zh, 278 M parameters, 8,192 tokens, logit scores"


def test_whether_it_can_be_used_is_said_in_words() -> None:
    assert WORDS[KnownModel("far", "reranking", "-", True, False, remote=True).status] == "remote"
    assert WORDS[KnownModel("near", "embedding", "MIT", True, True).status] == "built in"
    assert WORDS[KnownModel("a/b", "reranking", "MIT", False, False).status] == "not downloaded"
    assert WORDS[KnownModel("mine/own", "reranking", "yours", True, False).status] == "downloaded"


def test_a_unit_agrees_where_both_cosines_are_reached() -> None:
    check = UnitCheck("avx2", "avx2-int7", True, 0.98, 0.997, 0.995, 1.0, 0.9999, rate=2.5e11)
    assert check.agrees
    assert check.cells == ("avx2", "avx2-int7", "0.99700 (0.9800)", "1.00000", "250", "agrees")
    for change in ({"mean": 0.99}, {"portable_mean": 0.99}, {"mean": math.nan}, {"portable_mean": math.nan}):
        assert not replace(check, **change).agrees
        assert replace(check, **change).cells[-1] == "DIFFERS"
    assert replace(check, rate=0.0).cells[4] == ""
