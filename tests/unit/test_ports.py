"""What a reranker declares is read, and what it does not has a default."""

from secondlook.models.fakes import FakeReranker
from secondlook.models.late_interaction import LateInteraction
from secondlook.ports import Declared, declared


class Talkative(FakeReranker):
    slice_size = 3
    uses_evidence = True
    languages = ("en", "de")


class Ranks(FakeReranker):
    slice_size = 3
    score_kind = "rank"


def test_defaults_stand_for_what_is_not_said() -> None:
    assert declared(FakeReranker()) == Declared()
    assert declared(Talkative()) == Declared(3, True, ("en", "de"))


def test_one_that_compares_passages_reads_all_at_once_and_is_not_remembered() -> None:
    assert declared(Ranks()) == Declared(0, True, None)


def test_the_built_in_one_reads_all_at_once_and_looks_at_the_evidence() -> None:
    assert (LateInteraction.slice_size, LateInteraction.uses_evidence, LateInteraction.languages) == (0, True, ("en",))
