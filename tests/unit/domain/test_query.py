"""A query is a value."""

from dataclasses import FrozenInstanceError

import pytest

from secondlook.domain.query import Message, Query


def test_a_query_is_a_value() -> None:
    turns = (Message("user", "lamp oil"), Message("assistant", "which?"))
    assert Query("oil", turns) == Query("oil", turns)
    assert Query("oil") != Query("oil", turns)
    assert len({Query("oil", turns), Query("oil", turns), Query("oil")}) == 2
    with pytest.raises(FrozenInstanceError):
        Query("oil").text = "fog"  # type: ignore[misc]  # what is shown
