"""Separators of rows, outside of quotes and over several lines."""

import csv
import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.ingest.formats.separators import SAMPLE, find_separator


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("Name,Age\nBob,5\n", ","),
        ("Report 2024\nName;Age\nBob;5\n", ";"),
        ("Report 2024, draft\nas of May, June, July\nName;Age\nBob;5\nEve;7\n", ";"),
        ("Name;Age (years, months)\nBob;5\n", ";"),
        ('"Name, first, mid";Age\n"Bob";5\n', ";"),
        ('"a;b;c",x\n"d;e;f",y\n', ","),
        ("Name;Price\nOil;1,50\nLamp;12,00\n", ";"),
        ("1,5;2,5\n3,5;4,5\n", ";"),
        ("id,notes\n1,a; b\n2,c; d\n3,e\n", ","),
        ("id,tags,more\n1,x;y,z\n2,x;y,z\n", ","),
        ('id;notes\n1;"one\ntwo, three\nfour, five\nsix, seven"\n2;b\n', ";"),
        ("a\tb, c\td\n1\t2\t3\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ("Grade, colour, size; more", ","),
        ("Name\nBob\n", ","),
        ("", ","),
        ("Name;Age\rBob;5\r", ";"),
        ('"Bob" Jr;5, or 6\n"Eve" x;7\n', ";"),
    ],
)
def test_separators(text: str, mark: str) -> None:
    assert find_separator(text) == (mark, text)


@pytest.mark.parametrize("line", ["sep=;\n", "SEP=;\r\n", '"sep=;"\r\n', "sep=; \r"])
def test_a_line_that_tells_of_it_is_obeyed_and_dropped(line: str) -> None:
    assert find_separator(f"{line}Name;Age, years\nBob, Jr;5\n") == (";", "Name;Age, years\nBob, Jr;5\n")


def test_a_word_that_begins_like_it_is_a_value() -> None:
    assert find_separator("sep=;x\nb;c\n") == (";", "sep=;x\nb;c\n")
    assert find_separator("sep,oct\n1,2\n") == (",", "sep,oct\n1,2\n")


CELLS = st.text(st.sampled_from('ab 1,;\t|"\n.'), max_size=8)


@given(st.sampled_from(",;\t|"), st.integers(2, 5), st.data())
def test_what_is_written_with_quotes_is_found(mark: str, width: int, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=2, max_size=8))
    target = io.StringIO()
    csv.writer(target, delimiter=mark, quoting=csv.QUOTE_ALL).writerows(rows)
    assert find_separator(target.getvalue())[0] == mark


def test_large_files_are_looked_at_in_part() -> None:
    started = time.process_time()
    text = "a;b, c\n" + "1;2,5\n" * 1_000_000
    assert find_separator(text)[0] == ";"
    assert find_separator("x" * 5_000_000)[0] == ","
    assert find_separator('"' * (SAMPLE * 4))[0] == ","
    assert time.process_time() - started < 3
