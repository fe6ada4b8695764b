"""Names of encodings, as browsers take them."""

import pytest

from secondlook.domain.charsets import codec_of


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
