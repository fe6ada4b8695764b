"""Text of websites arrives as it was meant, whatever it says of its encoding."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.charsets import CODECS
from secondlook.sources.charsets import to_utf8

HTML = "text/html"
SCRIPT = "<html><head><script charset='iso-8859-1' src=x></script></head><p>Käse €</p>"
PROSE = "<p>Set charset=iso-8859-1, or <code>&lt;meta charset=latin1></code>, for Käse</p>"
HIDDEN = (
    "<!-- <meta charset=koi8-r> --><script>'<meta charset=koi8-r>'</script><title><meta charset=koi8-r></title>Käse"
)


@pytest.mark.parametrize("text", [SCRIPT, PROSE, HIDDEN, "Käse", '<meta charset="utf-8">Käse', "<meta charset=utf8>x"])
@pytest.mark.parametrize("content_type", [HTML, "text/html; charset=utf-8", 'text/html; x=y; charset="UTF-8"', ""])
def test_utf_8_stays_byte_for_byte(text: str, content_type: str) -> None:
    assert to_utf8(text.encode(), content_type) == text.encode()


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("<meta charset='latin-1'>Öl".encode("latin-1"), HTML, "<meta charset='utf-8'>Öl"),
        ("<meta charset=iso-8859-1>5 €".encode("cp1252"), HTML, "<meta charset=utf-8>5 €"),
        ("<META name=x CHARSET = koi8-r />масло".encode("koi8-r"), HTML, "<META name=x CHARSET = utf-8 />масло"),
        (
            "<meta http-equiv='Content-Type' content='text/html; charset=shift_jis'>灯台".encode("cp932"), HTML,
            "<meta http-equiv='Content-Type' content='text/html; charset=utf-8'>灯台",
        ),
        (
            "<meta content='text/html; charset=gb2312' http-equiv=content-type>灯塔\u20ac".encode("gb18030"), HTML,
            "<meta content='text/html; charset=utf-8' http-equiv=content-type>灯塔\u20ac",
        ),
        ("<meta charset=latin1>Öl €".encode(), HTML, "<meta charset=utf-8>Öl €"),  # it is UTF-8, whatever it says
        ("<meta name=d content='charset=koi8-r'>Öl".encode("cp1252"), HTML, "<meta name=d content='charset=koi8-r'>Öl"),
        (b"<meta charset=utf-16>plain", HTML, "<meta charset=utf-8>plain"),
        ("<meta charset=koi8-r>масло".encode("cp1251"), "text/html;charset=windows-1251", "<meta charset=utf-8>масло"),
        ("Öl 5 €".encode("cp1252"), HTML, "Öl 5 €"),
        ("Öl".encode("cp1252"), "text/html; charset=utf-8", "Öl"),  # it cannot be what the header says
        ("Öl".encode(), "text/html; charset=unicode_escape", "Öl"),  # no name of the web
        (b"\x81\x80", HTML, "\ufffd€"),
        ("<?xml version='1.0' encoding='ISO-8859-2'?><a>łódź</a>".encode("iso8859-2"), "application/xhtml+xml",
         "<?xml version='1.0' encoding='utf-8'?><a>łódź</a>"),
        (codecs.BOM_UTF16_LE + "<meta charset=utf-16>Öl".encode("utf-16-le"), HTML, "<meta charset=utf-8>Öl"),
        (codecs.BOM_UTF32_LE + "Öl".encode("utf-32-le"), HTML, "Öl"),
        (codecs.BOM_UTF32_BE + "<meta charset=utf-32>Öl".encode("utf-32-be"), HTML, "<meta charset=utf-8>Öl"),
        (codecs.BOM_UTF16_BE + "Öl".encode("utf-16-be"), "text/html; charset=utf-8", "Öl"),
        (codecs.BOM_UTF8 + "<meta charset=koi8-r>Öl".encode(), "text/html; charset=latin1",
         "\ufeff<meta charset=utf-8>Öl"),
    ],
)  # fmt: skip
def test_text_in_other_encodings(body: bytes, content_type: str, text: str) -> None:
    assert to_utf8(body, content_type).decode() == text


FLAWED = "<p>Öl für Zürich</p>".encode() + b"\xff"
CYRILLIC = "Привет".encode("cp1251") + b"\x98"


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        (FLAWED, "text/html; charset=utf-8", "<p>Öl für Zürich</p>\ufffd"),
        (b"<meta charset=utf-8>" + FLAWED, HTML, "<meta charset=utf-8><p>Öl für Zürich</p>\ufffd"),
        (FLAWED + "für".encode(), HTML, "<p>Öl für Zürich</p>\ufffdfür"),
        (b"<meta charset=latin1>\xc3\x96l" + FLAWED, "text/html; charset=utf-8",
         "<meta charset=utf-8>Öl<p>Öl für Zürich</p>\ufffd"),  # the header, and what the bytes tell, over the page
        ("сыр и мясо".encode() + b"\xff", "text/html; charset=iso-8859-1", "сыр и мясо\ufffd"),
        (codecs.BOM_UTF8 + "Öl".encode() + b"\xff\xff", HTML, "\ufeffÖl\ufffd\ufffd"),
        (CYRILLIC, "text/html; charset=windows-1251", "Привет\ufffd"),
        (b"<meta charset=windows-1251>" + CYRILLIC, HTML, "<meta charset=utf-8>Привет\ufffd"),
        (b"<meta charset=windows-1251>" + CYRILLIC, "text/html; charset=utf-8", "<meta charset=utf-8>Привет\ufffd"),
        ("油と灯台".encode("cp932") + b"\x82", "text/html; charset=shift_jis", "油と灯台\ufffd"),
        ("灯塔".encode("gb18030") + b"\xff", "text/html; charset=gbk", "灯塔\ufffd"),
        ("Öl für Zürich".encode("cp1252"), "text/html; charset=utf-8", "Öl für Zürich"),  # no flaw: it is another one
    ],
)  # fmt: skip
def test_one_flaw_costs_one_character(body: bytes, content_type: str, text: str) -> None:
    assert to_utf8(body, content_type).decode() == text


def test_plain_text_is_prose_to_its_end() -> None:
    text = "<meta charset=koi8-r> makes a page \xd6"
    assert to_utf8(text.encode("cp1252"), "text/plain", markup=False).decode() == text
    assert to_utf8("масло".encode("koi8-r"), "text/plain; charset=koi8-r", markup=False).decode() == "масло"


def test_every_label_means_an_encoding_that_reads() -> None:
    assert len(CODECS) > 150
    for label in CODECS:
        body = "lamp oil".encode(CODECS[label])
        assert to_utf8(body, f"text/plain; charset={label.upper()}", markup=False) == b"lamp oil", label


@given(
    st.binary(max_size=80)
    | st.text(alphabet="<meta charset=\"'koi8-r>/!-ä ", max_size=80).map(lambda text: text.encode("latin-1"))
)
def test_whatever_comes_ends_in_utf_8(body: bytes) -> None:
    found = to_utf8(body, "text/html")
    found.decode()
    assert to_utf8(found, "text/html; charset=utf-8") == found
