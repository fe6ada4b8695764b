"""Spans of cells are filled, and bounded."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.errors import FileUnreadableError
from secondlook.ingest.formats.grids import LONGEST_LABEL, Cell, span_of, spread


def grid(*rows: str) -> list[str]:
    """Rows of cells apart by blanks, such as ``a:2:3`` for two columns and three rows; / begins a group."""
    groups: list[list[list[Cell]]] = [[]]
    for row in rows:
        if row == "/":
            groups.append([])
            continue
        cells = [one.split(":") for one in row.split()]
        groups[-1].append([Cell(one[0], *(int(number) for number in one[1:])) for one in cells])
    return [" ".join(cell or "." for cell in line) for line in spread(groups)]


@pytest.mark.parametrize(
    ("rows", "filled"),
    [
        (["a b", "c d"], ["a b", "c d"]),
        (["Plan Region Price", "Pro:1:2 EU 10", "US 12"], ["Plan Region Price", "Pro EU 10", "Pro US 12"]),
        (["Name Limits:2 Cost", "A 1 2 5"], ["Name Limits Limits Cost", "A 1 2 5"]),
        (["a x:1:3", "b", "c"], ["a x", "b x", "c x"]),
        (["x:2:2 a", "b", "c d e"], ["x x a", "x x b", "c d e"]),
        (["a:1:2 b c:1:2", "d", "e f g"], ["a b c", "a d c", "e f g"]),
        (["a:1:0 b", "c", "/", "d e"], ["a b", "a c", "d e"]),
        (["a:1:9 b", "c", "/", "d e"], ["a b", "a c", "d e"]),
        (["a b", "Title:2", "c d"], ["a b", "Title .", "c d"]),
        (["a b", "Title:1000", "c d"], ["a b", "Title .", "c d"]),
        (["a:3 b:3", "c:3 d:3"], ["a b", "c d"]),
        (["a:1:2 b:1:2", "", "c d"], ["a b", "c d"]),
        (["a b c", "d"], ["a b c", "d . ."]),
        (["a:0:1 b"], ["a b"]),
        ([], []),
        ([""], []),
    ],
)
def test_spans(rows: list[str], filled: list[str]) -> None:
    assert grid(*rows) == filled


def test_a_long_text_is_no_label() -> None:
    long = "x" * (LONGEST_LABEL + 1)
    assert spread([[[Cell(long, 1, 2), Cell("a")], [Cell("b")]]]) == [[long, "a"], ["", "b"]]
    assert spread([[[Cell(long, 2)], [Cell("a"), Cell("b")]]])[0] == [long, ""]
    assert spread([[[Cell(long, 2), Cell("c")], [Cell("a"), Cell("b")]]])[0] == [long, "", "c"]


@pytest.mark.parametrize(
    ("value", "number"), [("2", 2), (" 3 ", 3), ("0", 0), ("99999999", 999999), (None, 1), ("", 1), ("-2", 1), ("x", 1)]
)
def test_what_an_attribute_says(value: str | None, number: int) -> None:
    assert span_of(value) == number


@given(
    st.lists(
        st.lists(st.builds(Cell, st.sampled_from(["a", "b", ""]), st.integers(0, 4), st.integers(0, 4)), max_size=4),
        max_size=6,
    )
)
def test_no_cell_is_lost_and_all_rows_are_alike(rows: list[list[Cell]]) -> None:
    found = spread([rows])
    assert len({len(line) for line in found}) <= 1
    assert len(found) == sum(1 for row in rows if row)
    for line, row in zip(found, (row for row in rows if row), strict=True):
        assert all(sum(one == cell.text for one in line) >= sum(one.text == cell.text for one in row) for cell in row)


@pytest.mark.parametrize(
    "rows",
    [
        [[Cell("x", 1, 65534)] * 2_000] + [[Cell("y")]] * 20_000,
        [[Cell("x")] * 20_000] + [[Cell("y")]] * 20_000,
        [[Cell("x" * 200, 1, 65534)] * 500] + [[Cell("y")]] * 20_000,
    ],
)
def test_a_table_that_would_fill_the_memory_is_refused(rows: list[list[Cell]]) -> None:
    started = time.process_time()
    with pytest.raises(FileUnreadableError, match="markdown_too_large"):
        spread([rows])
    assert time.process_time() - started < 5


def test_wide_spans_cost_little() -> None:
    started = time.process_time()
    assert len(spread([[[Cell("x", 1000), Cell("y", 1000, 65534)], *[[Cell("z", 1000)]] * 10_000]])) == 10_001
    assert time.process_time() - started < 5


def test_rows_without_cells_cost_little() -> None:
    started = time.process_time()
    assert spread([[[Cell("x", 1, 0)] * 8_000, *[[] for _ in range(20_000)], [Cell("y")]]])[1] == ["x"] * 8_000 + ["y"]
    assert time.process_time() - started < 2
