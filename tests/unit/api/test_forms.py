"""File names of parts, in each of the ways that clients spell them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_multipart.multipart import parse_options_header

from secondlook.api.forms import plain_disposition

HEAD = 'form-data; name="file"; '
SPELLED = [
    ("filename*=UTF-8''na%C3%AFve.txt", "naïve.txt"),
    ("filename*=utf-8'en'na%C3%AFve%20a%3Bb.txt", "naïve a;b.txt"),
    ("filename*=iso-8859-1''na%EFve.txt", "naïve.txt"),
    ("filename=\"naive.txt\"; filename*=UTF-8''na%C3%AFve.txt", "naïve.txt"),
    ('filename*=UTF-8\'\'na%C3%AFve.txt; filename="nai\\"ve.txt"', "naïve.txt"),
    ("FileName*=UTF-8''%E6%B2%B9.md", "油.md"),
    ("filename*0*=UTF-8''na%C3; filename*1*=%AFve.txt", "naïve.txt"),
    ('filename="=?utf-8?B?bmHDr3ZlLnR4dA==?="', "naïve.txt"),
    ('filename="=?iso-8859-1?Q?na=EFve_x.txt?="', "naïve x.txt"),
]


@pytest.mark.parametrize(("spelled", "name"), SPELLED)
def test_spelled_names(spelled: str, name: str) -> None:
    kind, options = parse_options_header(plain_disposition(f"{HEAD}{spelled}".encode()))
    assert (kind, options) == (b"form-data", {b"name": b"file", b"filename": name.encode()})


@pytest.mark.parametrize(
    "header",
    [
        'form-data; name="file"; filename="naïve.txt"',
        'form-data; name="file"; filename="a=?b?.txt"',
        'form-data; name="metadata"',
        "form-data",
        "",
    ],
)
def test_others_stay(header: str) -> None:
    found = parse_options_header(plain_disposition(header.encode()))
    assert found == parse_options_header(header.encode())


@given(st.binary(max_size=80))
def test_whatever_is_sent_raises_nothing(raw: bytes) -> None:
    plain_disposition(raw)
    plain_disposition(HEAD.encode() + b"filename*=" + raw)
