"""The use cases travel together and are not swapped underway."""

from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from secondlook.services.bundle import Services


def test_one_of_each() -> None:
    given: dict[str, Any] = {one.name: object() for one in fields(Services)}
    made = Services(**given)
    assert {name: getattr(made, name) for name in given} == given
    with pytest.raises(FrozenInstanceError):
        made.access = given["access"]  # type: ignore[misc]  # what is shown
