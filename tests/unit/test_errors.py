"""One tree of errors, split by who must act, and every class has its words."""

import inspect

import pytest

from secondlook import errors

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]
HANDS = (errors.CallerError, errors.BackendError, errors.SetupError)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_each_has_one_who_must_act(kind: type[errors.SecondlookError]) -> None:
    assert issubclass(kind, errors.SecondlookError)
    if kind is not errors.SecondlookError:
        assert sum(issubclass(kind, hand) for hand in HANDS) == 1
    assert kind.__name__.endswith("Error")
    assert (kind.__doc__ or "").endswith("."), "says what it means"


def test_the_message_is_the_sentence() -> None:
    assert str(errors.ItemNotFoundError("there is no item 'x'")) == "there is no item 'x'"
