"""So much at once, a share for each tenant and for slow work, and a plain refusal beyond."""

from contextlib import ExitStack

import pytest

from secondlook.errors import OverloadedError
from secondlook.services.admission import Room


def test_a_room_is_full_and_then_has_room_again() -> None:
    room = Room("searches", 4)
    with ExitStack() as inside:
        for tenant in "abcd":
            inside.enter_context(room.enter(tenant))
        with pytest.raises(OverloadedError, match=r"too many searches at once \(4\)") as caught, room.enter("e"):
            pass
        assert caught.value.retry_after == 1
    with room.enter("e"):
        pass


def test_one_tenant_leaves_a_quarter_to_the_others() -> None:
    room = Room("searches", 4)
    with ExitStack() as inside:
        for _ in range(3):
            inside.enter_context(room.enter("a"))
        with pytest.raises(OverloadedError), room.enter("a"):
            pass
        with room.enter("b"):
            pass


def test_slow_work_leaves_half_to_the_rest() -> None:
    room = Room("searches", 4)
    with ExitStack() as inside:
        for tenant in "ab":
            inside.enter_context(room.enter(tenant, slow=True))
        with pytest.raises(OverloadedError), room.enter("c", slow=True):
            pass
        with room.enter("c"):
            pass


def test_an_error_inside_gives_the_place_back() -> None:
    room = Room("searches", 1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), room.enter("a"):
            raise ZeroDivisionError
