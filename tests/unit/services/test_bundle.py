"""The use cases travel together and are not swapped underway."""

from dataclasses import FrozenInstanceError

import pytest

from secondlook.services.bundle import Services
from tests.unit.services.conftest import House


def test_one_of_each(idle: House) -> None:
    made = idle.services
    for name in Services.__slots__:
        assert getattr(made, name) is getattr(idle, name)
    with pytest.raises(FrozenInstanceError):
        made.access = idle.access  # type: ignore[misc]  # what is shown
