"""Front matter gives flat values, whatever its YAML would make."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.ingest.front_matter import MOST_ALIASES, MOST_MERGED, read_front_matter


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


def merging(levels: int, pairs: int = 1, times: int = 2) -> str:
    """Each mapping takes in the one before so often."""
    lines = [f"a0: &a0 {{{', '.join(f'k{at}: x' for at in range(pairs))}}}"]
    lines += [f"a{at}: &a{at} {{<<: [{', '.join([f'*a{at - 1}'] * times)}]}}" for at in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "block",
    [
        bomb(9),
        bomb(40),
        merging(30),
        merging(2, MOST_MERGED // 2 + 1),
        merging(5, MOST_MERGED // 32 + 1, 5),
        merging(10, MOST_MERGED // 512 + 1),  # twenty references would be a thousand times what stands there
    ],
)
def test_bombs_are_no_front_matter(block: str) -> None:
    assert read_front_matter(block) is None


def test_a_mapping_may_take_in_another() -> None:
    assert read_front_matter("base: &b {tag: a, b: c}\n<<: *b\ntag: d") == {"tag": "d", "b": "c"}
    assert read_front_matter("\n".join(f"k{at}: x" for at in range(MOST_MERGED + 1))) is not None
    assert read_front_matter(merging(9, MOST_MERGED // 256)) == {}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("!!bool maybe", "maybe"),
        ("!!int ''", ""),
        ("!!int '-'", "-"),
        ("!!float x", "x"),
        ("!!float ''", ""),
        ("!!timestamp foo", "foo"),
        ("2026-02-31", "2026-02-31"),
        ("2026-02-01t21:59:43-25:99", "2026-02-01t21:59:43-25:99"),
        ("9" * 5000, "9" * 5000),
        ("1" + ":1" * 400 + ".5", "1" + ":1" * 400 + ".5"),
        ("!!binary 'a'", "a"),
        ("=", "="),
    ],
)
def test_a_value_that_cannot_be_made_is_text_alone(value: str, text: str) -> None:
    assert read_front_matter(f"a: &a {value}\nb: *a\nn: 1") == {"a": text, "b": text, "n": 1}


@pytest.mark.parametrize(
    "block",
    [
        'a: "\\UFFFFFFFF"',
        'a: "\\U00110000"',
        f"%YAML {'1' * 5000}.1\n---\na: 1",
        "a: !!int [1]",
        "a: !secret key",
        "<<: x",
        "a: !!set x",
    ],
)
def test_what_yaml_cannot_make_is_no_front_matter(block: str) -> None:
    assert read_front_matter(block) is None


def test_references_below_the_bound_make_nothing_large() -> None:
    found = read_front_matter(bomb(2))
    assert found == {"a0": ["x"] * 10}
    assert MOST_ALIASES < 22


PIECES = (
    *("!!int ", "!!bool ", "!!float ", "!!timestamp ", "!!binary ", "!!omap ", "!!set ", "!x ", "&a ", "*a", "<<: "),
    *(
        "k: ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "=",
        "? ",
        ": ",
        "\n",
        " ",
        "1",
        ":1",
        ".",
        "0x",
        "'",
        '"',
        "\\U",
        "%",
        "x",
    ),
)


@given(st.lists(st.sampled_from(PIECES), max_size=16).map("".join))
def test_whatever_stands_there_raises_nothing(block: str) -> None:
    read_front_matter("k: " + block)
