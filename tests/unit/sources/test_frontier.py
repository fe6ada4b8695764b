"""What is to be visited comes in order, and a host that is busy holds up nothing but itself."""

import time

import pytest

from secondlook.sources.frontier import MOST_AT_ONCE, Frontier, Target
from secondlook.sources.pacing import Pace, Patience


class Hosts:
    """Paces by host, and a frontier over them."""

    def __init__(self) -> None:
        self.paces: dict[str, Pace] = {}
        self.looks = 0
        self.frontier = Frontier(self.pace_of)

    def pace_of(self, url: str) -> Pace:
        self.looks += 1
        host = url.split("/")[2]
        return self.paces.setdefault(host, Pace(Patience(first=100.0, longest=100.0, in_all=150.0), 2))

    def put(self, *urls: str) -> None:
        for url in urls:
            self.frontier.put(Target(f"http://{url}"))

    def refuse(self, host: str) -> None:
        self.pace_of(f"http://{host}/").note(503, {}, 1e12)

    def take(self) -> list[str]:
        """All that may be taken now."""
        found = []
        while target := self.frontier.take():
            found.append(target.url.removeprefix("http://"))
        return found

    def end(self, url: str) -> None:
        self.frontier.end(Target(f"http://{url}"))


def test_in_order_and_two_at_a_time() -> None:
    hosts = Hosts()
    hosts.put("a/1", "a/2", "b/1", "a/3", "b/2")
    assert hosts.take() == ["a/1", "a/2", "b/1", "b/2"]
    assert hosts.frontier.opens_in() is None, "one of them must end"
    hosts.end("a/2")
    assert hosts.frontier.opens_in() == 0
    assert hosts.take() == ["a/3"] and not hosts.frontier


def test_a_host_that_has_enough_waits_alone() -> None:
    hosts = Hosts()
    hosts.put("a/1", "a/2", "b/1")
    hosts.refuse("a")
    assert hosts.take() == ["b/1"]
    assert 90 < (hosts.frontier.opens_in() or 0) <= 100
    hosts.end("b/1")
    hosts.put("b/2")
    assert hosts.take() == ["b/2"]
    assert hosts.frontier, "the others still wait"


def test_of_a_host_that_was_waited_for_long_enough_the_rest_is_left() -> None:
    hosts = Hosts()
    hosts.put("a/1", "a/2", "a/3", "b/1")
    assert hosts.frontier.take() == Target("http://a/1")
    for _ in range(2):
        hosts.refuse("a")
        hosts.paces["a"]._next = 0.0
    hosts.end("a/1")
    hosts.put("a/4")
    assert hosts.frontier.left == {"a": 3}
    assert hosts.take() == ["b/1"] and not hosts.frontier


def test_many_hosts_are_not_asked_all_at_once() -> None:
    hosts = Hosts()
    hosts.put(*(f"host{number}/" for number in range(100)))
    assert len(hosts.take()) == MOST_AT_ONCE
    assert hosts.frontier.opens_in() is None


def test_few_hosts_are_looked_at_however_many_wait() -> None:
    hosts = Hosts()
    names = [f"host{number}" for number in range(500)]
    hosts.put(*(f"{name}/{page}" for page in range(2) for name in names))
    for name in names[:250]:
        hosts.refuse(name)
    hosts.frontier.opens_in()  # those that have enough are put off once
    hosts.looks = 0
    for name in names[250:]:
        assert hosts.frontier.take() == Target(f"http://{name}/0")
        assert hosts.frontier.opens_in() == 0
        hosts.end(f"{name}/0")
    assert hosts.looks < 10 * 250


def test_a_host_is_taken_up_again_when_it_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    hosts = Hosts()
    hosts.put("a/1", "a/2", "a/3", "b/1")
    assert hosts.frontier.take() == Target("http://a/1")
    hosts.refuse("a")
    hosts.end("a/1")
    assert hosts.take() == ["b/1"]
    assert hosts.frontier.opens_in() == 100.0
    now[0] += 100.0
    assert hosts.take() == ["a/2"] and hosts.frontier, "one at a time, as it had enough"
    hosts.end("a/2")
    hosts.frontier.clear()
    assert not hosts.frontier and hosts.frontier.opens_in() is None
    hosts.put("a/4")
    assert hosts.take() == ["a/4"]
