"""Text documents of LibreOffice."""

import pytest

from secondlook.errors import FileUnreadableError
from secondlook.ingest.formats.reading import Wanted
from secondlook.ingest.formats.writing import MOST_REPEATS, read_writing
from tests.documents import ENCRYPTED, make_docx, make_odt

BODY = """<text:tracked-changes><text:p>gone</text:p></text:tracked-changes>
<text:h text:outline-level="2">Lamp <text:span>manual</text:span></text:h><text:h>Top</text:h>
<text:p>Warm<text:s text:c="3"/>it<text:tab/>to <text:span>12 <text:span>°C</text:span></text:span>.</text:p>
<text:section><text:p>Inside</text:p></text:section><text:p/>
<text:list><text:list-item><text:p>one</text:p><text:list><text:list-item><text:p>inner</text:p></text:list-item>
</text:list></text:list-item><text:list-item><text:p>two</text:p></text:list-item></text:list>
<table:table><table:table-row><table:table-cell><text:p>Grade</text:p></table:table-cell>
<table:table-cell table:number-columns-repeated="2"><text:p>B</text:p></table:table-cell></table:table-row>
</table:table>"""


def test_a_document() -> None:
    assert read_writing(make_odt(BODY), Wanted()).text == (
        "## Lamp manual\n\n# Top\n\nWarm it to 12 °C.\n\nInside\n\n- one\n  - inner\n- two\n\n| Grade | B | B |"
        "\n| --- | --- | --- |"
    )


def test_cells_that_span_others() -> None:
    def cell(text: str, attributes: str = "") -> str:
        return f"<table:table-cell {attributes}><text:p>{text}</text:p></table:table-cell>"

    rows = [
        cell("Name") + cell("Limits", 'table:number-columns-spanned="2"') + "<table:covered-table-cell/>",
        cell("Pro", 'table:number-rows-spanned="2"') + cell("1") + cell("2"),
        "<table:covered-table-cell><text:p>under</text:p></table:covered-table-cell>" + cell("3") + cell("4"),
    ]
    table = f"<table:table>{''.join(f'<table:table-row>{row}</table:table-row>' for row in rows)}</table:table>"
    assert read_writing(make_odt(table), Wanted()).text == (
        "| Name | Limits | Limits |\n| --- | --- | --- |\n| Pro | 1 | 2 |\n| Pro | 3 | 4 |"
    )


def nested(depth: int) -> str:
    """Tables each in the one cell of another."""
    row = "<table:table><table:table-header-rows><table:table-row><table:table-cell>"
    end = "</table:table-cell></table:table-row></table:table-header-rows></table:table>"
    return f"{row}<text:p>outer</text:p>" * depth + "<text:p>inner</text:p>" + end * depth


def test_tables_in_a_cell_are_words_of_it() -> None:
    assert read_writing(make_odt(nested(3)), Wanted()).text == "| outer outer outer inner |\n| --- |"


def test_a_row_of_an_inner_table_is_read_once() -> None:
    found = read_writing(make_odt(nested(50)), Wanted()).text
    assert (found.count("outer"), found.count("inner"), found.count("\n")) == (50, 1, 1)


def test_repeated_cells_end() -> None:
    cell = '<table:table-cell table:number-columns-repeated="999999999999"><text:p>x</text:p></table:table-cell>'
    many = cell.replace("999999999999", "99999999")
    row = "<table:table><table:table-row>{}</table:table-row></table:table>"
    assert read_writing(make_odt(row.format(cell)), Wanted()).text.startswith("| x |\n")
    assert read_writing(make_odt(row.format(many)), Wanted()).text.count("x") == MOST_REPEATS


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (make_odt(BODY, ENCRYPTED), "file_is_password_locked"),
        (make_docx(), "file_is_corrupt"),
        (make_odt("<text:p>"), "file_is_corrupt"),
    ],
)
def test_what_is_refused(content: bytes, kind: str) -> None:
    with pytest.raises(FileUnreadableError, match=kind):
        read_writing(content, Wanted())
