"""Bytes become characters: Unicode with and without marks, what pages declare, and what Windows writes."""

import codecs

import pytest

from secondlook.domain.charsets import MARKS, looks_binary
from secondlook.ingest.encoding import decode, decode_page
from secondlook.ingest.kinds import check_content
from secondlook.ingest.parse import parse_file


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode(encoding: str) -> None:
    assert decode("Öl 🦊".encode(encoding)) == decode_page("Öl 🦊".encode(encoding)) == "Öl 🦊"


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE])
def test_marks(mark: bytes) -> None:
    name = {one[0]: one[1] for one in MARKS}[mark]
    content = mark + "Öl 🦊".encode(name)
    assert decode(content) == decode_page(content) == "Öl 🦊"
    assert not looks_binary(content)
    for key in ("a.md", "a.html", "a.csv"):
        check_content(key, content)
    assert parse_file("a.txt", content).text == "Öl 🦊"


def test_what_is_no_utf_8_is_text_of_windows() -> None:
    assert decode("“Öl” – 5 €".encode("cp1252")) == decode_page("“Öl” – 5 €".encode("cp1252")) == "“Öl” – 5 €"
    assert decode(b"\x81") == "\ufffd"


def test_a_flaw_does_not_turn_all_of_it_into_another_encoding() -> None:
    text = "Öl für äußerst kühle Öfen"
    assert decode(text.encode() + b"\xc3") == text + "\ufffd"
    assert decode("Wärter".encode() + b" \xff") == "Wärter \ufffd"
    assert decode("caf\u00e9 “x”".encode()[:-1]) == "café “x\ufffd"
    assert decode("灯台".encode() + b"\x80 oil \xe7\x81") == "灯台\ufffd oil \ufffd"
    assert decode("Ã© é ü ö".encode("cp1252")) == "Ã© é ü ö"
    assert decode(codecs.BOM_UTF8 + "Öl".encode() + b"\xff") == "Öl\ufffd"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (b"<meta charset=utf-8>" + "Öl".encode("cp1252"), "Öl"),  # as the crawler takes it
        (b"<meta charset=windows-1251>" + "сыр и мясо".encode() + b"\x98", "сыр и мясо\ufffd"),
        (b"<meta charset=windows-1251>" + "сыр".encode("cp1251") + b"\x98", "сыр\ufffd"),
    ],
)
def test_a_flaw_and_a_wrong_name_are_told_apart(page: bytes, text: str) -> None:
    assert decode_page(page).endswith(">" + text)


@pytest.mark.parametrize(
    ("head", "text"),
    [
        (b"<meta charset=koi8-r>", "Масло"),
        (b"<meta http-equiv='Content-Type' content='text/html; charset=\"koi8-r\"'>", "Масло"),
        (b'<?xml version="1.0" encoding="koi8-r"?>', "Масло"),
        (b"\n<?xml version='1.0' encoding='koi8-r' standalone='yes'?><meta charset=cp1252>", "Масло"),
        (b"<a encoding='koi8-r'>", "íÁÓÌÏ"),
        (b"<meta charset=none-such>", "íÁÓÌÏ"),
        (b"<meta charset=punycode>", "íÁÓÌÏ"),
        (b" " * 5000 + b"<meta charset=koi8-r>", "íÁÓÌÏ"),
    ],
)
def test_what_a_page_declares(head: bytes, text: str) -> None:
    assert decode_page(head + "Масло".encode("koi8-r")).endswith(text)


@pytest.mark.parametrize("label", ["iso-8859-1", "latin1", "us-ascii"])
def test_latin_1_is_that_of_windows_as_in_browsers(label: str) -> None:
    assert decode_page(f"<meta charset={label}>“Öl” – 5 €".encode("cp1252")).endswith("“Öl” – 5 €")


@pytest.mark.parametrize(
    ("label", "encoding", "text"),
    [("shift_jis", "cp932", "油と①灯"), ("gb2312", "gbk", "油灯鎔"), ("windows-1251", "cp1251", "Масло")],
)
def test_other_alphabets(label: str, encoding: str, text: str) -> None:
    assert decode_page(f"<meta charset={label}>{text}".encode(encoding)).endswith(text)


def test_a_page_in_utf_8_that_says_otherwise() -> None:
    assert decode_page(b"<meta charset=latin1>" + "Öl".encode()).endswith("Öl")
