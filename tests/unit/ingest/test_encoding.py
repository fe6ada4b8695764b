"""Bytes become characters: Unicode with and without marks, and what pages declare."""

import pytest

from secondlook.ingest.encoding import decode, decode_page


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode(encoding: str) -> None:
    assert decode("Öl 🦊".encode(encoding)) == decode_page("Öl 🦊".encode(encoding)) == "Öl 🦊"


def test_what_is_no_utf_8() -> None:
    assert decode(b"12 \xb0C \x80") == "12 °C \x80"
    assert decode_page(b"12 \xb0C \x80") == "12 °C €"


@pytest.mark.parametrize(
    ("head", "text"),
    [
        (b"<meta charset=koi8-r>", "Масло"),
        (b"<meta http-equiv='Content-Type' content='text/html; charset=\"koi8-r\"'>", "Масло"),
        (b"<meta charset=none-such>", "íÁÓÌÏ"),
        (b" " * 2000 + b"<meta charset=koi8-r>", "íÁÓÌÏ"),
    ],
)
def test_what_a_page_declares(head: bytes, text: str) -> None:
    assert decode_page(head + "Масло".encode("koi8-r")).endswith(text)


def test_a_page_in_utf_8_that_says_otherwise() -> None:
    assert decode_page(b"<meta charset=latin1>" + "Öl".encode()).endswith("Öl")
