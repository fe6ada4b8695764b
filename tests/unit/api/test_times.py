"""Times on the wire."""

import pytest

from secondlook.api.times import iso_time


@pytest.mark.parametrize(
    ("milliseconds", "text"), [(0, "1970-01-01T00:00:00.000Z"), (1782864000123, "2026-07-01T00:00:00.123Z")]
)
def test_times(milliseconds: int, text: str) -> None:
    assert iso_time(milliseconds) == text
