"""Windows of time: never more than the limit, and never longer shut than told."""

from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.endpoint import RateLimit, Technique
from secondlook.services import throttling
from secondlook.services.throttling import Throttle, whole_seconds


class Clock:
    def __init__(self, now: float = 6_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


techniques: st.SearchStrategy[Technique] = st.sampled_from(["fixed", "sliding"])


@given(techniques, st.integers(1, 9), st.lists(st.floats(0, 90), max_size=80))
def test_no_window_of_the_clock_lets_in_more_than_the_limit(kind: Technique, most: int, pauses: list[float]) -> None:
    clock, limit = Clock(), RateLimit(most, 60.0, kind)
    throttle, counts = Throttle(clock), dict[int, int]()
    for pause in pauses:
        clock.now += pause
        if not throttle.admit("a", limit):
            counts[int(clock.now // 60)] = counts.get(int(clock.now // 60), 0) + 1
    assert all(count <= most for count in counts.values())


@given(techniques, st.integers(1, 9), st.integers(0, 30), st.floats(0, 130))
def test_after_the_wait_that_was_told_one_is_let_in(kind: Technique, most: int, before: int, pause: float) -> None:
    clock, limit = Clock(), RateLimit(most, 60.0, kind)
    throttle = Throttle(clock)
    for _ in range(before):
        throttle.admit("a", limit)
    clock.now += pause
    while (wait := throttle.admit("a", limit)) == 0:
        pass
    assert 0 < wait <= 120
    clock.now += wait + 1e-3
    assert throttle.admit("a", limit) == 0


def test_a_sliding_window_remembers_the_one_before() -> None:
    clock, throttle = Clock(), Throttle()
    throttle = Throttle(clock)
    fixed, sliding = RateLimit(4, 60.0), RateLimit(4, 60.0, "sliding")
    for key, limit in (("f", fixed), ("s", sliding)):
        assert [throttle.admit(key, limit) > 0 for _ in range(5)] == [False] * 4 + [True]
    clock.now += 60
    assert throttle.admit("f", fixed) == 0
    assert throttle.admit("s", sliding) == 15
    clock.now += 120  # two windows later nothing is left of it
    assert [throttle.admit("s", sliding) for _ in range(4)] == [0, 0, 0, 0]


def test_keys_do_not_share() -> None:
    throttle, limit = Throttle(Clock()), RateLimit(1, 60.0)
    assert [throttle.admit(key, limit) > 0 for key in ("a", "b", "a")] == [False, False, True]


def test_the_key_unused_for_longest_is_forgotten(monkeypatch: object) -> None:
    throttle, limit = Throttle(Clock()), RateLimit(1, 60.0)
    for at in range(throttling.MOST_WINDOWS):
        throttle.admit(str(at), limit)
    assert throttle.admit("0", limit) > 0  # used again
    throttle.admit("new", limit)
    assert throttle.admit("1", limit) == 0
    assert throttle.admit("0", limit) > 0


def test_whole_seconds() -> None:
    assert [whole_seconds(one) for one in (0.01, 1.0, 1.2)] == [1, 1, 2]
