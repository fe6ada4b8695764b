"""Front matter gives flat values, whatever its YAML would make."""

import datetime as dt
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.ingest.front_matter import MOST_ALIASES, MOST_MERGED, read_front_matter
from secondlook.ingest.metadata import Written


def test_scalars_dates_and_lists_of_them() -> None:
    block = "title: Oil\nwhen: 2026-07-01\nn: 1.5\nyes: true\ntags: [a, 2]\nnone:\nnested: {a: 1}\ndeep: [[a]]\n"
    assert read_front_matter(block) == {
        "title": "Oil", "when": "2026-07-01", "n": "1.5", "yes": "true", "tags": ["a", "2"]
    }  # fmt: skip
    assert read_front_matter("when: !!timestamp 2026-07-01") == {"when": dt.date(2026, 7, 1)}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("False", False), ("TRUE", True), ("7", 7), ("007", 7), ("-12", -12), ("+3", 3), ("0o17", 15),
        ("0xFF", 255), ("1.10", 1.1), (".5", 0.5), ("5.", 5.0), ("1e3", 1000.0), ("-1.5E-2", -0.015),
        (".inf", math.inf), ("-.Inf", -math.inf), ("9" * 30, 10**30 - 1), ("-9223372036854775809", -(1 << 63) - 1),
    ],
)  # fmt: skip
def test_numbers_and_truth_values_keep_how_they_are_written(text: str, value: bool | float) -> None:
    """By the core schema of YAML 1.2."""
    found = read_front_matter(f"a: {text}\nb: [{text}, x]\nc: '{text}'")
    assert found == {"a": text, "b": [text, "x"], "c": text}
    assert isinstance(found["a"], Written)
    assert (found["a"].value, type(found["a"].value)) == (value, type(value))
    assert type(found["c"]) is str, "what is quoted is text"


@pytest.mark.parametrize(
    "text",
    [
        "NO", "no", "yes", "Yes", "on", "off", "y", "tRUE", "12:30:45", "1_000", "0b11", "0o8", "1.2.3", "2026-07-01",
        "2026-07-01 12:00:00", "+", ".", "1e", "0xG", "nan", "Infinity", "1,5", "190:20:30",
    ],
)  # fmt: skip
def test_what_looks_like_a_value_in_older_yaml_alone_is_text(text: str) -> None:
    found = read_front_matter(f"a: {text}\n{text}: b")
    assert found == {"a": text, text: "b"}
    assert [type(one) for one in found.values()] == [str, str]


@pytest.mark.parametrize("nothing", ["", "~", "null", "Null", "NULL"])
def test_null_is_no_value(nothing: str) -> None:
    assert read_front_matter(f"a: {nothing}\nb: nothing") == {"b": "nothing"}


@pytest.mark.parametrize("block", ["- a", "words", "a: [1", "", "a: &a [*a]\n- b"])
def test_what_is_no_mapping(block: str) -> None:
    assert read_front_matter(block) is None


def test_nothing_that_is_kept_is_still_a_mapping() -> None:
    assert read_front_matter("a: {b: 1}") == {}


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
        ("0x" + "f" * 200 + "g", "0x" + "f" * 200 + "g"),
        ("1" + ":1" * 400 + ".5", "1" + ":1" * 400 + ".5"),
        ("!!binary 'a'", "a"),
        ("=", "="),
    ],
)
def test_a_value_that_cannot_be_made_is_text_alone(value: str, text: str) -> None:
    assert read_front_matter(f"a: &a {value}\nb: *a\nn: 1") == {"a": text, "b": text, "n": "1"}


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
