"""What a filter means: every operator on every kind of value, and the laws of and, or and not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.chunk import MetadataValue
from secondlook.domain.filters import AllOf, AnyOf, Comparison, Filter, Operator, clipped, matches

VALUES: st.SearchStrategy[MetadataValue] = (
    st.sampled_from(["", "a", "b", "é", "1", "true"])
    | st.integers(-2, 2)
    | st.sampled_from([0.0, 1.0, 0.5])
    | st.booleans()
)
METADATA = st.dictionaries(st.sampled_from(["x", "y", "filename", "folder"]), VALUES, max_size=4)
FIELDS = st.sampled_from(["x", "y", "filename", "absent"])
ORDER: tuple[Operator, ...] = ("lt", "lte", "gt", "gte")


@pytest.mark.parametrize(
    ("operator", "wanted", "found", "holds"),
    [
        ("eq", "a", "a", True),
        ("eq", "a", "A", False),
        ("eq", 1, 1.0, True),
        ("eq", "1", 1, False),
        ("eq", 1, "1", False),
        ("eq", True, 1, False),
        ("eq", 1, True, False),
        ("eq", True, True, True),
        ("eq", True, False, False),
        ("ne", "a", "b", True),
        ("ne", "a", "a", False),
        ("ne", True, 1, True),
        ("in", ("a", 2), 2.0, True),
        ("in", ("a", 2), "b", False),
        ("in", (), "b", False),
        ("nin", ("a", 2), "b", True),
        ("nin", ("a", 2), "a", False),
        ("nin", (), "b", True),
        ("lt", 2, 1.5, True),
        ("lt", 2, 2, False),
        ("lte", 2, 2, True),
        ("gt", 2, 3, True),
        ("gte", 2, 1, False),
        ("lt", "b", "a", True),
        ("gt", "z", "é", True),
        ("gt", "\U0001f600", "\uffee", False),
        ("lt", "2", 1, False),
        ("gt", "2", 3, False),
        ("gt", 2, "3", False),
        ("gte", True, True, False),
        ("gte", 0, True, False),
        ("gte", True, "x", False),
        ("gt", (1, 2), 3, False),
    ],
)
def test_one_comparison(
    operator: Operator, wanted: MetadataValue | tuple[MetadataValue, ...], found: MetadataValue, holds: bool
) -> None:
    assert matches(Comparison("x", operator, wanted), {"x": found}) is holds


@pytest.mark.parametrize("operator", ["eq", "in", *ORDER])
def test_an_absent_field_satisfies_nothing_but_not_equal(operator: Operator) -> None:
    assert not matches(Comparison("x", operator, ("a",) if operator == "in" else "a"), {"y": "a"})
    assert matches(Comparison("x", "ne", "a"), {})
    assert matches(Comparison("x", "nin", ("a",)), {})


@pytest.mark.parametrize(
    ("operator", "value", "holds"),
    [
        ("eq", "oil.md", True),
        ("eq", "winter/oil.md", True),
        ("eq", "winter/", False),
        ("in", ("winter/oil.md",), True),
        ("ne", "oil.md", False),
        ("ne", "winter/oil.md", False),
        ("ne", "fog.md", True),
        ("nin", ("winter/oil.md", "x"), False),
        ("gte", "winter/", True),
        ("gt", "x", False),
    ],
)
def test_a_filename_matches_bare_and_with_its_folder(
    operator: Operator, value: MetadataValue | tuple[MetadataValue, ...], holds: bool
) -> None:
    metadata: dict[str, MetadataValue] = {"folder": "winter/", "filename": "oil.md"}
    assert matches(Comparison("filename", operator, value), metadata) is holds


def test_a_filename_without_folder_or_no_filename() -> None:
    assert matches(Comparison("filename", "eq", "oil.md"), {"filename": "oil.md"})
    assert not matches(Comparison("filename", "eq", "oil.md"), {"folder": "winter/"})
    assert matches(Comparison("filename", "ne", "oil.md"), {"folder": "winter/"})


def test_nothing_to_hold_holds_and_nothing_to_choose_fails() -> None:
    assert matches(AllOf(()), {})
    assert not matches(AnyOf(()), {})


@given(FIELDS, VALUES, METADATA)
def test_not_equal_is_the_opposite_of_equal(
    field: str, value: MetadataValue, metadata: dict[str, MetadataValue]
) -> None:
    assert matches(Comparison(field, "ne", value), metadata) is not matches(Comparison(field, "eq", value), metadata)


@given(FIELDS, st.lists(VALUES, max_size=4).map(tuple), METADATA)
def test_in_is_any_equal_and_nin_its_opposite(
    field: str, values: tuple[MetadataValue, ...], metadata: dict[str, MetadataValue]
) -> None:
    apart = AnyOf(tuple(Comparison(field, "eq", value) for value in values))
    assert matches(Comparison(field, "in", values), metadata) is matches(apart, metadata)
    assert matches(Comparison(field, "nin", values), metadata) is not matches(apart, metadata)


@given(st.sampled_from(["x", "y"]), VALUES, METADATA)
def test_an_order_is_total_or_does_not_apply(
    field: str, value: MetadataValue, metadata: dict[str, MetadataValue]
) -> None:
    less, at_most, more, at_least = (matches(Comparison(field, one, value), metadata) for one in ORDER)
    if at_most or at_least:
        assert less is not at_least
        assert more is not at_most
        assert (at_most and at_least) is matches(Comparison(field, "eq", value), metadata)
    else:
        assert not less and not more


@given(st.lists(st.builds(Comparison, FIELDS, st.just("eq"), VALUES), max_size=4), METADATA)
def test_all_and_any_are_what_python_says(parts: list[Filter], metadata: dict[str, MetadataValue]) -> None:
    each = [matches(part, metadata) for part in parts]
    assert matches(AllOf(tuple(parts)), metadata) is all(each)
    assert matches(AnyOf(tuple(parts)), metadata) is any(each)


@pytest.mark.parametrize(
    ("operator", "wanted", "found", "holds"),
    [
        ("eq", "abcd", "abce", True),
        ("eq", "abc", "abcd", True),
        ("eq", "ab", "abcd", False),
        ("ne", "abcd", "abce", False),
        ("in", ("x", "abcd"), "abce", True),
        ("gt", "abca", "abcz", False),
        ("gte", "abca", "abcz", True),
        ("lt", "abz", "abc", True),
        ("eq", "abé", "abè", True),
        ("eq", 1234, 1235, False),
    ],
)
def test_of_long_texts_the_beginning_counts(
    operator: Operator, wanted: object, found: MetadataValue, holds: bool
) -> None:
    where = clipped(Comparison("x", operator, wanted), 3)  # type: ignore[arg-type]  # one of the values above
    assert where is not None
    assert matches(where, {"x": found}) is holds


@given(st.lists(st.builds(Comparison, FIELDS, st.sampled_from(["eq", "ne", *ORDER]), VALUES)).map(tuple), METADATA)
def test_short_texts_compare_as_before(parts: tuple[Filter, ...], metadata: dict[str, MetadataValue]) -> None:
    where = AllOf((*parts, AnyOf((*parts, Comparison("absent", "ne", 1)))))
    cut = clipped(where, 64)
    assert cut is not None
    assert matches(cut, metadata) is matches(where, metadata)
    assert clipped(where, 0) is where
    assert clipped(None, 64) is None
