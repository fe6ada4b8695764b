"""Trouble that repeats itself a thousand times is one line a minute."""

import errno
import logging
import sqlite3
from collections.abc import Iterator

import pytest

from secondlook.errors import BackendError
from secondlook.log_limits import OpenFilesFilter, limit_lines


class Time:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Lines(logging.Handler):
    """Keeps what is logged, as it would be printed."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, logger = Lines(), logging.getLogger("crowded")
    logger.propagate = False
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def fail(error: Exception) -> None:
    logging.getLogger("crowded").error("socket.accept() out of system resource", exc_info=error)


def test_one_line_a_minute_without_traceback(lines: Lines) -> None:
    clock = Time()
    lines.addFilter(OpenFilesFilter(clock))
    for _ in range(1000):
        fail(OSError(errno.EMFILE, "Too many open files"))
    [line] = lines.said
    assert line.startswith("No more files can be opened") and "\n" not in line
    clock.now += 60
    fail(OSError(errno.ENFILE, "Too many open files in system"))
    assert "999 more" in lines.said[1]


def test_what_was_caused_by_it_counts(lines: Lines) -> None:
    lines.addFilter(OpenFilesFilter(Time()))
    for _ in range(3):
        error = BackendError("could not read")
        error.__cause__ = OSError(errno.EMFILE, "Too many open files")
        fail(error)
    assert len(lines.said) == 1


def test_what_sqlite_says_of_it_counts(lines: Lines) -> None:
    lines.addFilter(OpenFilesFilter(Time()))
    for _ in range(3):
        fail(sqlite3.OperationalError("unable to open database file"))
    assert len(lines.said) == 1


def test_everything_else_is_logged_as_it_is(lines: Lines) -> None:
    lines.addFilter(OpenFilesFilter(Time()))
    for _ in range(3):
        fail(OSError(errno.ENOSPC, "No space left on device"))
        logging.getLogger("crowded").error("no error at all")
    assert len(lines.said) == 6
    assert "Traceback" not in lines.said[1] and "No space left" in lines.said[0]


def test_a_loop_of_causes_ends(lines: Lines) -> None:
    lines.addFilter(OpenFilesFilter(Time()))
    one, other = ValueError("one"), ValueError("other")
    one.__context__, other.__context__ = other, one
    record = logging.LogRecord("crowded", logging.ERROR, "", 0, "it", None, (ValueError, one, None))
    assert OpenFilesFilter(Time()).filter(record)


def test_each_handler_of_the_loggers_is_limited(lines: Lines) -> None:
    last = logging.lastResort
    assert last is not None
    before = list(last.filters)
    try:
        limit_lines("crowded")
        for _ in range(5):
            fail(OSError(errno.EMFILE, "Too many open files"))
        assert len(lines.said) == 1
        assert len(last.filters) == len(before) + 1
    finally:
        last.filters[:] = before
        for handler in logging.getLogger().handlers:
            handler.filters[:] = [one for one in handler.filters if not isinstance(one, OpenFilesFilter)]
