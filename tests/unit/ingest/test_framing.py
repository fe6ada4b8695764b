"""Frames come out as they went in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.ingest.framing import LENGTHS, make_frame, read_head


@given(st.dictionaries(st.text(max_size=9), st.integers() | st.text(max_size=9), max_size=4), st.binary(max_size=99))
def test_a_frame_is_read_back(head: dict[str, object], body: bytes) -> None:
    frame = make_frame(head, body)
    head_size, body_size = LENGTHS.unpack(frame[: LENGTHS.size])
    rest = frame[LENGTHS.size :]
    assert read_head(rest[:head_size]) == head
    assert rest[head_size:] == body
    assert len(body) == body_size


@pytest.mark.parametrize("told", [b"", b"{", b"[]", b"\xff"])
def test_what_is_no_head(told: bytes) -> None:
    with pytest.raises(ValueError):
        read_head(told)
