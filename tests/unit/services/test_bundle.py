"""The use cases travel together and are not swapped underway."""

from dataclasses import FrozenInstanceError

import pytest

from tests.unit.services.conftest import House


def test_one_of_each(idle: House) -> None:
    made = idle.services
    assert (made.access, made.instances, made.indexing, made.searching, made.reranking, made.explaining) == (
        idle.access, idle.instances, idle.indexing, idle.searching, idle.reranking, idle.explaining,
    )  # fmt: skip
    assert (made.joint, made.endpoints) == (idle.joint, idle.endpoints)
    with pytest.raises(FrozenInstanceError):
        made.access = idle.access  # type: ignore[misc]  # what is shown
