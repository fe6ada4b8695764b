"""Failed sign-ins leave lines, and no flood of them fills the log."""

import logging

import pytest
from starlette.requests import Request

from secondlook.api.refused import EVERY, MOST_LINES, FailedSignIns
from secondlook.errors import NotAuthenticatedError

WRONG = NotAuthenticatedError("the token is wrong")


def asked(address: str, path: str = "/client/v4/accounts") -> Request:
    return Request({"type": "http", "method": "GET", "path": path, "headers": [], "client": (address, 1)})


class Log:
    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.now = 100.0
        self._caplog = caplog
        self.failed = FailedSignIns(lambda: self.now)

    def lines(self) -> list[str]:
        found = [one.getMessage() for one in self._caplog.records if one.levelno == logging.WARNING]
        self._caplog.clear()
        return found


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Log:
    return Log(caplog)


def test_a_line_says_where_from_and_why(log: Log) -> None:
    log.failed.note(asked("203.0.113.9"), WRONG)
    assert log.lines() == ["sign-in failed from 203.0.113.9: GET '/client/v4/accounts': the token is wrong"]


def test_an_address_has_one_line_a_minute(log: Log) -> None:
    for _ in range(500):
        log.failed.note(asked("203.0.113.9"), WRONG)
    assert len(log.lines()) == 1
    log.now += EVERY
    log.failed.note(asked("203.0.113.9"), WRONG)
    [line] = log.lines()
    assert line.endswith("(499 more since the last line)")


def test_many_addresses_have_few_lines(log: Log) -> None:
    for number in range(MOST_LINES + 340):
        log.failed.note(asked(f"2001:db8::{number:x}"), WRONG)
    assert len(log.lines()) == MOST_LINES
    log.now += EVERY
    log.failed.note(asked("203.0.113.9"), WRONG)
    first, second = log.lines()
    assert first == "sign-in failed 340 more times, from other addresses"
    assert second.startswith("sign-in failed from 203.0.113.9")


def test_a_path_cannot_begin_a_line(log: Log) -> None:
    log.failed.note(asked("203.0.113.9", "/a\n2026 WARNING all is well" + "x" * 10_000), WRONG)
    [line] = log.lines()
    assert "\n" not in line
    assert len(line) < 400
