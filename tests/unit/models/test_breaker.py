"""What fails in a row is paused for a while; one call tries, and its outcome decides."""

import asyncio

import pytest

from secondlook.errors import OverloadedError, RerankerError
from secondlook.models.breaker import CircuitBreaker


class Clock:
    """Seconds, moved by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def make(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker("the server", failures=3, pause=30, clock=clock)


def fail(breaker: CircuitBreaker, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(RerankerError, match="no luck"), breaker.watch():
            raise RerankerError("no luck", "status")


def succeed(breaker: CircuitBreaker) -> None:
    with breaker.watch():
        pass


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker = make(Clock())
    fail(breaker, 2)
    succeed(breaker)
    fail(breaker, 2)
    assert breaker.state == "closed"
    fail(breaker)
    assert breaker.state == "open"


def test_what_our_own_queue_refused_is_not_counted() -> None:
    clock = Clock()
    breaker = make(clock)
    for _ in range(5):
        with pytest.raises(OverloadedError), breaker.watch():
            raise OverloadedError("9 tokens wait")
    assert breaker.state == "closed"
    fail(breaker, 3)
    clock.now += 30
    with pytest.raises(OverloadedError), breaker.watch():
        raise OverloadedError("9 tokens wait")
    assert breaker.state == "half open", "the next one may try"
    succeed(breaker)
    assert breaker.state == "closed"


def test_open_it_fails_at_once_and_says_why() -> None:
    clock = Clock()
    breaker = make(clock)
    fail(breaker, 3)
    clock.now += 10
    message = r"the server is paused for another 20 s after 3 failures in a row; the latest: no luck"
    with pytest.raises(RerankerError, match=message), breaker.watch():
        raise AssertionError("it was let through")


def test_one_call_tries_after_the_pause() -> None:
    clock = Clock()
    breaker = make(clock)
    fail(breaker, 3)
    clock.now += 30
    assert breaker.state == "half open"
    with breaker.watch(), pytest.raises(RerankerError, match="paused"), breaker.watch():
        raise AssertionError("two tried")
    assert breaker.state == "closed"


def test_a_try_that_fails_opens_it_again() -> None:
    clock = Clock()
    breaker = make(clock)
    fail(breaker, 3)
    clock.now += 31
    fail(breaker)
    assert breaker.state == "open"
    clock.now += 31
    succeed(breaker)
    assert breaker.state == "closed"


def test_a_cancelled_call_says_nothing_and_lets_the_next_one_try() -> None:
    clock = Clock()
    breaker = make(clock)
    fail(breaker, 3)
    clock.now += 31
    with pytest.raises(asyncio.CancelledError), breaker.watch():
        raise asyncio.CancelledError
    assert breaker.state == "half open"
    succeed(breaker)
    assert breaker.state == "closed"


def test_calls_from_before_do_not_make_room_for_a_second_try() -> None:
    clock = Clock()
    breaker = make(clock)
    early = breaker.watch()
    early.__enter__()
    fail(breaker, 3)
    clock.now += 31
    with breaker.watch():
        assert not early.__exit__(RerankerError, RerankerError("late", "timeout"), None)
        with pytest.raises(RerankerError, match="paused"), breaker.watch():
            raise AssertionError("two tried")
