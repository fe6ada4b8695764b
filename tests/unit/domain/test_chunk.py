"""A chunk, and what a model reads of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.chunk import Chunk, IndexedChunk


def passage(text: str, context: str) -> str:
    return Chunk("c", "i", "k", text, context=context).passage


@pytest.mark.parametrize(
    ("text", "context", "expected"),
    [
        ("Warm it.", "", "Warm it."),
        ("Warm it.", "Lamp oil", "Lamp oil\nWarm it."),
        ("# Lamp oil\n\nWarm it.", "Lamp oil", "# Lamp oil\n\nWarm it."),
        ("## LAMP OIL\n\nWarm it.", "Lamp oil", "## LAMP OIL\n\nWarm it."),
        ("Lamp oil freezes.", "Lamp oil", "Lamp oil freezes."),
        ("Warm it. Lamp oil", "Lamp oil", "Lamp oil\nWarm it. Lamp oil"),
        ("Oil", "Lamp oil", "Lamp oil\nOil"),
        ("", "Lamp oil", "Lamp oil\n"),
    ],
)
def test_the_context_stands_above_the_text_once(text: str, context: str, expected: str) -> None:
    assert passage(text, context) == expected


@given(st.text(max_size=40), st.text(max_size=20))
def test_the_text_is_always_read_whole(text: str, context: str) -> None:
    assert passage(text, context) in (text, f"{context}\n{text}")


def test_metadata_stays_out_of_the_hash() -> None:
    red, blue = (Chunk("c", "i", "k", "t", metadata={"colour": colour}) for colour in ("red", "blue"))
    assert hash(red) == hash(blue)
    assert red != blue
    assert hash(IndexedChunk(red)) == hash(IndexedChunk(blue))
