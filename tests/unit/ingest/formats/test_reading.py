"""Every kind has its converter, and what comes out is neither empty nor too large."""

from typing import get_args

import pytest

from secondlook.errors import FileUnreadableError
from secondlook.ingest.formats import reading
from secondlook.ingest.formats.reading import CONVERTERS, Wanted, convert, join_pages
from secondlook.ingest.kinds import Kind
from tests.documents import make_pptx, shape


def test_every_kind_that_is_not_read_here_has_a_converter() -> None:
    assert set(CONVERTERS) == set(get_args(Kind)) - {"text", "markup", "gzip"}


def test_what_is_empty_or_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    assert convert("page", b"<p>oil", Wanted()).text == "oil"
    with pytest.raises(FileUnreadableError, match="markdown_conversion_empty: the document contains no text"):
        convert("page", b"<script>oil</script>", Wanted())
    slides = make_pptx([shape("secret")], hidden=[1])
    with pytest.raises(
        FileUnreadableError, match="markdown_conversion_empty: the document contains no text: hidden slides"
    ):
        convert("slides", slides, Wanted())
    monkeypatch.setattr(reading, "TEXT_LIMIT", 2)
    with pytest.raises(FileUnreadableError, match="markdown_too_large: the document yields more than 2 bytes"):
        convert("page", b"<p>oil", Wanted())


def test_pages_are_joined() -> None:
    text, starts = join_pages(["Öl", "", "fog"])
    assert text == "Öl\n\n\n\nfog"
    assert list(starts) == [0, 5, 7]
    assert join_pages([]) == ("", [])
