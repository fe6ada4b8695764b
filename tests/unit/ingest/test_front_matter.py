"""Front matter gives flat values, whatever its YAML would make."""

import datetime as dt

import pytest

from secondlook.ingest.front_matter import MOST_ALIASES, read_front_matter


def test_scalars_dates_and_lists_of_them() -> None:
    block = "title: Oil\nwhen: 2026-07-01\nn: 1.5\nyes: true\ntags: [a, 2]\nnone:\nnested: {a: 1}\ndeep: [[a]]\n"
    assert read_front_matter(block) == {
        "title": "Oil", "when": dt.date(2026, 7, 1), "n": 1.5, "True": True, "tags": ["a", 2]
    }  # fmt: skip


@pytest.mark.parametrize("block", ["- a", "words", "a: [1", "", "a: &a [*a]\n- b"])
def test_what_is_no_mapping(block: str) -> None:
    assert read_front_matter(block) is None


def test_nothing_that_is_kept_is_still_a_mapping() -> None:
    assert read_front_matter("a: {b: 1}") == {}


@pytest.mark.parametrize("number", ["0x" + "f" * 5000, "9" * 30, "-9223372036854775809"])
def test_numbers_that_nothing_carries_are_left_out(number: str) -> None:
    assert read_front_matter(f"title: Oil\nn: {number}") == {"title": "Oil"}


def test_a_few_references_are_followed_where_they_stay_flat() -> None:
    block = "a: &a oil\nb: *a\nl: &l [x, y]\nm: *l\nn: [*l]"
    assert read_front_matter(block) == {"a": "oil", "b": "oil", "l": ["x", "y"], "m": ["x", "y"]}


def bomb(levels: int, name: str = "tags") -> str:
    """Each level names the one before ten times."""
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{at}: &a{at} [{','.join([f'*a{at - 1}'] * 10)}]" for at in range(1, levels)]
    return "\n".join([*lines, f"{name}: *a{levels - 1}"])


def merging(levels: int) -> str:
    """Each mapping takes in the one before twice."""
    lines = ["a0: &a0 {k: x}"]
    lines += [f"a{at}: &a{at} {{<<: [*a{at - 1}, *a{at - 1}]}}" for at in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize("block", [bomb(9), bomb(40), merging(30)])
def test_bombs_are_no_front_matter(block: str) -> None:
    assert read_front_matter(block) is None


def test_references_below_the_bound_make_nothing_large() -> None:
    found = read_front_matter(bomb(2))
    assert found == {"a0": ["x"] * 10}
    assert MOST_ALIASES < 22
