"""Names of encodings, and where pages say them, as browsers take both."""

import pytest

from secondlook.domain.charsets import codec_of, places_declared


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
