"""Waiting until another task or process has done something: the one place in the tests that looks again and again."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
LONGEST = 120.0
BETWEEN = 0.02


def until(look: Callable[[], T], *, longest: float = LONGEST) -> T:
    """The first true value that ``look`` returns; fails after ``longest`` seconds, with the last value."""
    end = time.monotonic() + longest
    while not (found := look()):
        assert time.monotonic() < end, f"still {found!r} after {longest:g} seconds"
        time.sleep(BETWEEN)
    return found
