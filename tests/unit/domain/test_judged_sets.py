"""Names of query sets, and what one judgment takes the place of."""

import pytest

from secondlook.domain.judged_sets import SetJudgment, is_set_name


@pytest.mark.parametrize("name", ["a", "winter 2026", "Käse-Fragen_1.2", "灯油", "x" * 64])
def test_good_names(name: str) -> None:
    assert is_set_name(name)


@pytest.mark.parametrize("name", ["", " a", "a ", "-a", "a/b", "a\n", "x" * 65, ".."])
def test_bad_names(name: str) -> None:
    assert not is_set_name(name)


def test_a_chunk_and_its_item_are_two_units() -> None:
    whole, chunk = SetJudgment("q", "a.md", 1, 0), SetJudgment("q", "a.md", 1, 0, "c", 3, 9, "h")
    assert (whole.unit, chunk.unit) == ("a.md", "a.md#3-9")
