"""Spreadsheets of Numbers, written by the library that reads them."""

import datetime as dt
import io
import sys
import zipfile

import pytest

from secondlook.errors import FileUnreadableError
from secondlook.ingest.formats import numbers
from secondlook.ingest.formats.numbers import read_numbers
from secondlook.ingest.formats.reading import Wanted
from tests.documents import make_numbers, make_zip

ROWS = [["Grade", "Litres", "Since", "Sold"], ["B", 12.5, dt.datetime(2026, 7, 1), True], ["C", 3, "", False]]
TABLE = """| Grade | Litres | Since | Sold |
| --- | --- | --- | --- |
| B | 12.5 | 2026-07-01 | True |
| C | 3 |  | False |"""


def test_sheets_and_tables() -> None:
    content = make_numbers(
        {
            "Stock": {"Oil": ROWS},
            "Lamps": {"North": [["Name"], ["Fresnel"]], "South": [["Name"], ["Argand"]]},
        }
    )
    assert read_numbers(content, Wanted()).text == (
        f"## Stock\n\n{TABLE}\n\n## Lamps\n\n### North\n\n| Name |\n| --- |\n| Fresnel |\n\n### South\n\n"
        "| Name |\n| --- |\n| Argand |"
    )


def test_another_document_after_one() -> None:
    first, second = (make_numbers({"S": {"T": [[word], ["x"]]}}) for word in ("walrus", "seal"))
    assert "walrus" in read_numbers(first, Wanted()).text
    assert "seal" in read_numbers(second, Wanted()).text


def refused(content: bytes) -> str:
    with pytest.raises(FileUnreadableError) as caught:
        read_numbers(content, Wanted())
    return caught.value.kind


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = make_numbers({"Stock": {"Oil": [["Grade", "Litres"], ["B", 12]]}})
    assert refused(make_numbers({"Stock": {"Oil": [["Grade"]]}}, password="salt")) == "file_is_password_locked"
    assert refused(whole[: len(whole) // 2]) == "file_is_corrupt"
    assert refused(make_zip({"a.txt": "no spreadsheet"})) == "file_is_corrupt"
    assert refused(damaged(whole)) == "file_is_corrupt"
    monkeypatch.setattr(numbers, "MOST_CELLS", 3)
    assert refused(whole) == "markdown_too_large"


def damaged(content: bytes) -> bytes:
    """The same archive with another list of its objects."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w") as made:
        for entry in source.infolist():
            data = source.read(entry)
            made.writestr(
                entry.filename,
                data[:40] + b"\xff" * 40 + data[80:] if entry.filename.endswith("Document.iwa") else data,
            )
    return target.getvalue()


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    content = make_numbers({"S": {"T": [["a"]]}})
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "numbers_parser")
    monkeypatch.setattr(sys, "path_importer_cache", {})
    with pytest.raises(
        FileUnreadableError, match=r"unable_to_convert_to_markdown: .*pip install 'secondlook\[numbers\]'"
    ):
        read_numbers(content, Wanted())
