"""Idle connections are bounded over all indexes, and none outlives its index."""

import resource
import sqlite3
from pathlib import Path

import pytest

from secondlook.engines.connections import LEAST_IDLE, MOST_IDLE, Counts, IdleConnections, OpenIndex, most_idle
from secondlook.engines.tables import DamagedError


def made(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, check_same_thread=False)


def is_open(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return False
    return True


def test_the_one_unused_for_longest_is_closed(tmp_path: Path) -> None:
    pool, one, other = IdleConnections(2), OpenIndex(tmp_path / "one"), OpenIndex(tmp_path / "other")
    first, second, third = made(one.path), made(other.path), made(one.path)
    for index, connection in ((one, first), (other, second), (one, third)):
        pool.give(index, connection)
    assert (len(pool), [is_open(each) for each in (first, second, third)]) == (2, [False, True, True])
    assert (pool.take(one), pool.take(one), pool.take(other)) == (third, None, second)
    assert len(pool) == 0


def test_a_closed_index_keeps_none(tmp_path: Path) -> None:
    pool, index = IdleConnections(2), OpenIndex(tmp_path / "one")
    idle, used = made(index.path), made(index.path)
    pool.give(index, idle)
    pool.close(index)
    pool.give(index, used)
    assert (len(pool), is_open(idle), is_open(used), pool.take(index)) == (0, False, False, None)


@pytest.mark.parametrize(("soft", "most"), [(128, 10), (16, LEAST_IDLE), (1 << 20, MOST_IDLE)])
def test_the_bound_follows_the_limit_of_open_files(monkeypatch: pytest.MonkeyPatch, soft: int, most: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (soft, soft))
    assert most_idle() == most


def test_counts_keep_the_phrases_used_last() -> None:
    counts, counted = Counts(7, 2), []

    def of(phrase: str) -> int:
        return counts.of(phrase, lambda: counted.append(phrase) or len(phrase))

    assert [of(one) for one in ("a", "bb", "a", "ccc", "a", "bb")] == [1, 2, 1, 3, 1, 2]
    assert counted == ["a", "bb", "ccc", "bb"]
    assert (len(counts), counts.generation) == (2, 7)


def test_an_index_that_was_dropped_this_moment_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(DamagedError, match="its file is missing"):
        OpenIndex.at(tmp_path / "gone")
