"""Counts with their nouns, and scores in digits that pass as thresholds."""

from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.wording import DIGITS, figure, plural, reaches


def test_the_noun_agrees_with_the_count() -> None:
    assert [plural(count, "page") for count in (0, 1, 2, 1200)] == ["0 pages", "1 page", "2 pages", "1,200 pages"]


def test_an_irregular_plural_is_given() -> None:
    assert [plural(count, "query", "queries") for count in (1, 3)] == ["1 query", "3 queries"]


@given(st.floats(0, 1), st.integers(1, DIGITS))
def test_a_shown_score_passes_as_a_threshold(score: float, digits: int) -> None:
    """As commands and the dashboard show it, and rounded as the API does."""
    assert reaches(score, float(figure(score, digits)))
    assert reaches(score, round(score, DIGITS))
    assert score - float(figure(score, digits)) < 1.01 * 10**-digits


def test_a_decimal_fraction_is_shown_as_it_is() -> None:
    assert [figure(one / 100) for one in (0, 29, 57, 58, 100)] == ["0.000", "0.290", "0.570", "0.580", "1.000"]
    assert figure(0.3999999) == "0.399"
    assert not reaches(0.39, 0.4)
