"""Names of encodings, and where pages say them, as browsers take both."""

import pytest

from secondlook.domain.charsets import codec_of, declared_codec, guess_text, places_declared, read_utf8


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("iso-8859-1", "cp1252"),
        (" Latin1 ", "cp1252"),
        ("us-ascii", "cp1252"),
        ("ISO-8859-9", "cp1254"),
        ("windows-1251", "cp1251"),
        ("x-cp1251", "cp1251"),
        ("windows-874", "cp874"),
        ("windows-31j", "cp932"),
        ("x-sjis", "cp932"),
        ("gb2312", "gb18030"),
        ("ks_c_5601-1987", "cp949"),
        ("big5", "big5hkscs"),
        ("iso-8859-8-i", "iso8859-8"),
        ("koi8-r", "koi8-r"),
        ("UTF8", "utf-8"),
        ("utf-16", "utf-16-le"),
    ],
)
def test_labels(label: str, codec: str) -> None:
    assert codec_of(label) == codec


@pytest.mark.parametrize(
    "label", ["", "none-such", "punycode", "idna", "unicode_escape", "utf-7", "hex", "rot13", "a\0b"]
)
def test_what_no_page_is_written_in(label: str) -> None:
    assert codec_of(label) == ""


@pytest.mark.parametrize(
    ("page", "names"),
    [
        (b"<meta charset=koi8-r>", [b"koi8-r"]),
        (b"<META name=x CHARSET='koi8-r'/>", [b"koi8-r"]),
        (b"""<meta content='text/html; charset="koi8-r"' http-equiv=content-type>""", [b"koi8-r"]),
        (b"<meta name=description content='charset=koi8-r'>", []),
        (b"<!-- <meta charset=koi8-r> --><script>'<meta charset=cp866>'</script><meta charset=big5>", [b"big5"]),
        (b"<metadata charset=koi8-r>", []),
        (b"<?xml version='1.0' encoding='koi8-r'?><meta charset=big5>", [b"koi8-r", b"big5"]),
        (b"text <?xml version='1.0' encoding='koi8-r'?>", []),
        (b" " * 5000 + b"<meta charset=koi8-r>", []),
    ],
)
def test_where_a_page_says_it(page: bytes, names: list[bytes]) -> None:
    assert [page[at:end] for at, end in places_declared(page)] == names


@pytest.mark.parametrize(
    ("page", "codec"),
    [
        (b"<meta charset=latin1><meta charset=big5>", "cp1252"),
        (b"<meta charset=utf-16le>", ""),
        (b"<meta charset=none-such>", ""),
        (b"<p>charset=latin1</p>", ""),
    ],
)
def test_what_it_says_first(page: bytes, codec: str) -> None:
    assert declared_codec(page) == codec


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"oil", "oil"),
        ("Öl".encode(), "Öl"),
        ("Öl für äußerst".encode() + b"\xff", "Öl für äußerst\ufffd"),
        ("Öl für äu".encode() + b"\xff", "Öl für äu\ufffd"),
        ("Wärter".encode() + b"\xff", "Wärter\ufffd"),
        ("Wärter".encode() + b"\xff\xff", None),
        ("Öl".encode("cp1252"), None),
        ("\ufffd\ufffd\ufffd\ufffd".encode() + b"\xff", "\ufffd" * 5),  # four that were written so
    ],
)
def test_utf_8_has_few_flaws(content: bytes, text: str | None) -> None:
    assert read_utf8(content) == text


def test_what_fits_nothing_is_in_the_first_encoding_that_somebody_named() -> None:
    content = "Привет".encode("cp1251") + b"\x98"
    assert guess_text(content, "utf-8", "", "cp1251", "cp1253") == "Привет\ufffd"
    assert guess_text(content) == guess_text(content, "utf-8") == "Ïðèâåò˜"
    assert guess_text("Привет".encode() + b"\x98", "cp1251") == "Привет\ufffd"
