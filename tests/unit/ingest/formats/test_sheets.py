"""Workbooks and rows become tables."""

import datetime as dt
import io

import openpyxl
import pytest

from secondlook.errors import FileUnreadableError
from secondlook.ingest.formats import sheets
from secondlook.ingest.formats.reading import Wanted
from secondlook.ingest.formats.sheets import read_rows, read_sheets
from tests.documents import ENCRYPTED, make_ods, make_xls, make_xlsb, make_xlsx, make_zip

STOCK = [["Grade", "Litres", "Since"], ["B", 12.5, dt.datetime(2026, 7, 1)], ["C", 3, dt.datetime(2026, 7, 1, 8, 30)]]
TABLE = """## Stock

| Grade | Litres | Since |
| --- | --- | --- |
| B | 12.5 | 2026-07-01 |
| C | 3 | 2026-07-01 08:30:00 |"""


def test_sheets_of_today() -> None:
    content = make_xlsx({"Stock": STOCK, "Nothing": [], "Lamps": [["Name"], ["North"]]})
    assert read_sheets(content, Wanted()).text == f"{TABLE}\n\n## Lamps\n\n| Name |\n| --- |\n| North |"


def book_of(**states: str) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, state in states.items():
        sheet = book.create_sheet(name)
        sheet.sheet_state = state
        sheet.append([name, "x"])
    return book


def saved(book: openpyxl.Workbook) -> bytes:
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def test_hidden_sheets_are_left_out() -> None:
    found = read_sheets(saved(book_of(Stock="visible", Old="hidden", Secret="veryHidden")), Wanted())
    assert found.text == "## Stock\n\n| Stock | x |\n| --- | --- |"
    assert found.notes == ["hidden sheets were skipped: Old, Secret"]


def test_merged_cells_are_filled() -> None:
    book = book_of(Stock="visible")
    sheet = book["Stock"]
    sheet.delete_rows(1)
    rows = [["Oil of 2026"], ["Plan", "Price", None], ["Pro", 1, 2], [None, 3, 4], ["x" * 300, 5, 6]]
    for at, row in enumerate(rows):
        for place, value in enumerate(row):
            sheet.cell(at + 3, place + 2, value)
    for area in ("B3:D3", "C4:D4", "B5:B6", "B7:B8"):
        sheet.merge_cells(area)
    sheet["C8"] = 7
    assert read_sheets(saved(book), Wanted()).text.split("\n")[2:] == [
        "| Oil of 2026 |  |  |", "| --- | --- | --- |", "| Plan | Price | Price |", "| Pro | 1 | 2 |",
        "| Pro | 3 | 4 |", f"| {'x' * 300} | 5 | 6 |", "|  | 7 |  |",
    ]  # fmt: skip


def test_sheets_of_before_2007() -> None:
    rows = [["Grade", "Litres"], ["B", 12.5], ["C", 3]]
    assert read_sheets(make_xls("Stock", rows), Wanted()).text.splitlines()[2:] == [
        "| Grade | Litres |", "| --- | --- |", "| B | 12.5 |", "| C | 3 |",
    ]  # fmt: skip


def test_binary_sheets() -> None:
    content = make_xlsb("Stock", [["Grade", "Litres"], ["B", "12"]])
    assert read_sheets(content, Wanted()).text == "## Stock\n\n| Grade | Litres |\n| --- | --- |\n| B | 12 |"


def test_sheets_of_libreoffice() -> None:
    content = make_ods([["Grade", "Litres"], ["B", "12"]])
    assert read_sheets(content, Wanted()).text == "## Stock\n\n| Grade | Litres |\n| --- | --- |\n| B | 12 |"


def refused(content: bytes) -> str:
    with pytest.raises(FileUnreadableError) as caught:
        read_sheets(content, Wanted())
    return caught.value.kind


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = make_xlsx({"Stock": STOCK})
    assert refused(make_ods([["a"]], ENCRYPTED)) == "file_is_password_locked"
    assert refused(whole[: len(whole) // 2]) == "file_is_corrupt"
    assert refused(make_zip({"a.txt": "no workbook"})) == "file_is_corrupt"
    assert refused(make_xls("Stock", [["a"]])[:600]) == "file_is_corrupt"
    monkeypatch.setattr(sheets, "MOST_CELLS", 5)
    assert refused(whole) == "markdown_too_large"


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_rows(mark: str) -> None:
    content = f'Grade{mark}"Where{mark} how"\r\nB{mark}"two\nlines"\r\n\r\n'.encode()
    cell = f"Where{mark} how".replace("\t", "").replace("|", "\\|")
    assert read_rows(content, Wanted()).text == f"| Grade | {cell} |\n| --- | --- |\n| B | two lines |"


def test_rows_below_a_title_and_of_windows() -> None:
    content = "sep=;\r\nReport, 2026\r\nName;Price, net\r\nKäse;5,50 €\r\n".encode("cp1252")
    assert read_rows(content, Wanted()).text == (
        "| Report, 2026 |  |\n| --- | --- |\n| Name | Price, net |\n| Käse | 5,50 € |"
    )


def test_rows_without_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(read_rows(b"a\n" + b"x" * 200_000, Wanted()).text) > 200_000
    monkeypatch.setattr(sheets, "MOST_CELLS", 5)
    with pytest.raises(FileUnreadableError, match="markdown_too_large"):
        read_rows(b"a,b,c\n1,2,3\n", Wanted())
