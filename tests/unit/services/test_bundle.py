"""The use cases travel together and are not swapped underway."""

from dataclasses import FrozenInstanceError

import pytest

from secondlook.services.bundle import Services
from tests.unit.services.conftest import House


def test_one_of_each(idle: House) -> None:
    made = Services(idle.access, idle.instances, idle.indexing, idle.searching, idle.reranking, idle.explaining)
    assert (made.access, made.instances, made.indexing, made.searching, made.reranking, made.explaining) == (
        idle.access, idle.instances, idle.indexing, idle.searching, idle.reranking, idle.explaining,
    )  # fmt: skip
    with pytest.raises(FrozenInstanceError):
        made.access = idle.access  # type: ignore[misc]  # what is shown
