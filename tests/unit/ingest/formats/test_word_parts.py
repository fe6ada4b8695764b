"""Hidden text, fields and formulas of Word."""

import time
from xml.etree import ElementTree

import pytest

from secondlook.ingest.formats.reading import Wanted
from secondlook.ingest.formats.word import read_word
from secondlook.ingest.formats.word_parts import hidden_styles, make_ready
from tests.documents import OFFICE, make_word

W = f'xmlns:w="{OFFICE}/wordprocessingml/2006/main"'
M = f'xmlns:m="{OFFICE}/officeDocument/2006/math"'
STYLES = f"""<w:styles {W}>
<w:style w:styleId="Shy" w:type="character"><w:name w:val="Shy"/><w:rPr><w:vanish/></w:rPr></w:style>
<w:style w:styleId="Child" w:type="paragraph"><w:name w:val="Child"/><w:basedOn w:val="Shy"/></w:style>
<w:style w:styleId="Open" w:type="paragraph"><w:basedOn w:val="Child"/>
<w:rPr><w:vanish w:val="false"/></w:rPr></w:style>
<w:style w:styleId="Round" w:type="paragraph"><w:basedOn w:val="Ring"/></w:style>
<w:style w:styleId="Ring" w:type="paragraph"><w:basedOn w:val="Round"/></w:style>
<w:style w:styleId="T" w:type="paragraph"><w:name w:val="Title"/></w:style></w:styles>"""


def run(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>"


def read(body: str, styles: str = "") -> str:
    relations = (
        f'<Relationships xmlns="{OFFICE}/package/2006/relationships"><Relationship Id="s" Target="styles.xml"'
        f' Type="{OFFICE}/officeDocument/2006/relationships/styles"/></Relationships>'
    )
    parts = {"word/styles.xml": styles, "word/_rels/document.xml.rels": relations} if styles else {}
    return read_word(make_word(body, **parts), Wanted()).text


def styled(style: str, *runs: str) -> str:
    return f"<w:p><w:pPr><w:pStyle w:val='{style}'/></w:pPr>{''.join(runs)}</w:p>"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (f"<w:p>{run('seen')}{run('secret', '<w:vanish/>')}</w:p>", "seen"),
        ("<w:p>" + run("seen", "<w:vanish w:val='0'/>") + "</w:p>", "seen"),
        ("<w:p>" + run("seen") + run("secret", "<w:rStyle w:val='Shy'/>") + "</w:p>", "seen"),
        (styled("Child", run("secret"), run("seen", "<w:vanish w:val='off'/>")), "seen"),
        (styled("Open", run("seen")), "seen"),
        (f"<w:p><w:pPr><w:rPr><w:vanish/></w:rPr></w:pPr>{run('seen')}</w:p>", "seen"),
        (styled("T", run("Lamp")) + "<w:p>" + run("words") + "</w:p>", "# Lamp\n\nwords"),
    ],
)
def test_hidden_text_and_titles(body: str, text: str) -> None:
    assert read(body, STYLES) == text


def test_styles_that_hide() -> None:
    assert hidden_styles(ElementTree.fromstring(STYLES)) == {"Shy", "Child"}


def test_fields_and_formulas() -> None:
    field = f"<w:p>{run('See ')}<w:fldSimple w:instr='REF x'>{run('page 7')}</w:fldSimple>.</w:p>"
    inner = "<m:sSup><m:e><m:r><m:t>c</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup>"
    formula = f"<w:p>{run('It is ')}<m:oMath {M}><m:r><m:t>E=m</m:t></m:r>{inner}</m:oMath></w:p>"
    shown = f"<w:p><m:oMathPara {M}><m:oMath><m:r><m:t>a+b</m:t></m:r></m:oMath></m:oMathPara></w:p>"
    assert read(field + formula + shown) == "See page 7\n\nIt is E=mc^2\n\na+b"


def test_a_hidden_run_keeps_the_ends_of_its_field() -> None:
    part = f"<w:document {W}>{run('a', '<w:vanish/>')}<w:r><w:rPr><w:vanish/></w:rPr><w:fldChar/></w:r></w:document>"
    found = ElementTree.fromstring(make_ready(part.encode(), set()))
    assert [one.tag.rpartition("}")[2] for one in found.iter()] == "document r rPr vanish r rPr vanish fldChar".split()


def test_what_needs_nothing_is_left_as_it_is() -> None:
    part = f"<w:document {W}>{run('a')}</w:document>".encode()
    assert make_ready(part, set()) is part


def test_linear_time() -> None:
    started = time.process_time()
    make_ready(f"<w:document {W}><w:p>{run('a', '<w:vanish/>') * 20_000}</w:p></w:document>".encode(), set())
    assert time.process_time() - started < 5
