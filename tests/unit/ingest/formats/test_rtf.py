"""Rich Text Format as word processors write it."""

import pytest

from secondlook.ingest.formats.reading import Wanted
from secondlook.ingest.formats.rtf import read_rtf


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (rb"{\rtf1\ansi{\b Lamp oil}\par Warm the caf\'e9 \u8364?\par}", "Lamp oil\n\nWarm the café €"),
        (
            b"{\\rtf1\\ansi{\\fonttbl\\f0\\fswiss Helvetica;}\\f0 First\\\nSecond\\\n\\\nThird}",
            "First\n\nSecond\n\nThird",
        ),
        (
            rb"{\rtf1 before\par\trowd\cellx1\cellx2 Price\cell 42\cell\row\trowd Weight\cell 3 kg\cell\row after}",
            "before\n\n| Price | 42 |\n| --- | --- |\n| Weight | 3 kg |\n\nafter",
        ),
        (rb"{\rtf1 text\line next\tab x\page more}", "text\n\nnext\tx\n\nmore"),
        (rb"{\rtf1\ansicpg932 \'93\'fa\'96\'7b}", "日本"),
        (rb"{\rtf1\uc2 \u26085 ??\u-10179 ??\u-8704 ?? x}", "日😀 x"),
        (rb"{\rtf1 a{\pict\pngblip 89504e47}{\*\unknown secret}b{\info{\title T}}c\{x\}}", "abc{x}"),
        (rb"{\rtf1 open{\b group", "opengroup"),
        (rb"{\rtf1}", ""),
    ],
)
def test_documents(content: bytes, text: str) -> None:
    assert read_rtf(content, Wanted()).text == text
