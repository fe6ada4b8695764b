"""Rows become tables that can be read row by row."""

from hypothesis import given
from hypothesis import strategies as st

from secondlook.ingest.formats.tables import ROWS_A_HEAD, write_table


def test_a_table() -> None:
    rows = [["Grade", "Freezes", ""], ["", "", ""], ["B|C", "-20\n degrees"]]
    assert write_table(rows) == "| Grade | Freezes |\n| --- | --- |\n| B\\|C | -20 degrees |"


def test_a_long_table_has_its_head_again() -> None:
    table = write_table([["n"], *([str(at)] for at in range(2 * ROWS_A_HEAD + 1))])
    parts = table.split("\n\n")
    assert [len(part.splitlines()) for part in parts] == [ROWS_A_HEAD + 2, ROWS_A_HEAD + 2, 3]
    assert {part.splitlines()[0] for part in parts} == {"| n |"}


def test_nothing_is_no_table() -> None:
    assert write_table([]) == write_table([[]]) == write_table([["", " "], ["\n"]]) == ""
    assert write_table([["head"]]) == "| head |\n| --- |"


@given(st.lists(st.lists(st.text(max_size=5), max_size=4), max_size=60))
def test_every_line_has_the_same_columns(rows: list[list[str]]) -> None:
    lines = [line for line in write_table(rows).split("\n") if line]
    assert len({line.replace("\\|", "").count("|") for line in lines}) <= 1
