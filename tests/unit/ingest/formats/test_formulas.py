"""Formulas of Office become lines."""

from xml.etree import ElementTree

import pytest

from secondlook.ingest.formats.formulas import linear
from secondlook.ingest.formats.package import DEEPEST
from tests.documents import OFFICE

SPACE = f'xmlns:m="{OFFICE}/officeDocument/2006/math" xmlns:w="{OFFICE}/wordprocessingml/2006/main"'


def r(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


def one(name: str, text: str) -> str:
    return f"<m:{name}>{r(text)}</m:{name}>"


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        (r("E=mc2"), "E=mc2"),
        (f"{r('E=m')}<m:sSup>{one('e', 'c')}{one('sup', '2')}</m:sSup>", "E=mc^2"),
        (f"<m:sSup>{one('e', 'x')}{one('sup', 'n+1')}</m:sSup>", "x^(n+1)"),
        (f"<m:sSubSup>{one('e', 'x')}{one('sub', 'i')}{one('sup', '2')}</m:sSubSup>", "x_i^2"),
        (f"<m:f><m:fPr/>{one('num', 'a+b')}{one('den', '2')}</m:f>", "(a+b)/2"),
        (f"<m:rad>{one('deg', '3')}{one('e', 'y')}</m:rad>", "3√(y)"),
        (f"<m:rad><m:deg/>{one('e', 'y')}</m:rad>", "√(y)"),
        (f"<m:d><m:dPr><m:begChr m:val='['/></m:dPr>{one('e', 'a')}{one('e', 'b')}</m:d>", "[a|b)"),
        (f"<m:nary><m:naryPr><m:chr m:val='∑'/></m:naryPr>{one('sub', 'i=1')}{one('sup', 'n')}{one('e', 'x')}</m:nary>",
         "∑_(i=1)^n x"),
        (f"<m:func>{one('fName', 'sin')}{one('e', 'x')}</m:func>", "sin x"),
        (f"<m:m><m:mr>{one('e', '1')}{one('e', '2')}</m:mr><m:mr>{one('e', '3')}{one('e', '4')}</m:mr></m:m>",
         "[1, 2; 3, 4]"),
        (f"<m:bar>{one('e', 'x')}</m:bar>", "x"),
        (f"a<m:r><w:rPr><w:vanish/></w:rPr><m:t>secret</m:t></m:r>{r('b')}", "b"),
        (f"<m:r><w:rPr><w:vanish w:val='0'/></w:rPr><m:t>a</m:t></m:r>{r('b')}", "ab"),
        ("<m:f/>", ""),
    ],
)  # fmt: skip
def test_formulas(inner: str, text: str) -> None:
    assert linear(ElementTree.fromstring(f"<m:oMath {SPACE}>{inner}</m:oMath>")) == text


def test_the_deepest() -> None:
    inner = "<m:f><m:num>" * (DEEPEST // 2) + r("x") + "</m:num></m:f>" * (DEEPEST // 2)
    assert linear(ElementTree.fromstring(f"<m:oMath {SPACE}>{inner}</m:oMath>")) == "x"
