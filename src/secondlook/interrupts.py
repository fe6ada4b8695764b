"""Ctrl-C: one line that says what is done and how to go on, and exit code 130."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Literal, TypeVar

T = TypeVar("T")

CODE = 130
"""What shells report for a program that SIGINT ended: 128 + 2."""
NOTHING = "Nothing was changed. Run the same command again."
SHOW_CURSOR = "\x1b[?25h"
"""A progress bar hides the cursor of a terminal (DECTCEM)."""


class Interrupted(BaseException):
    """Ctrl-C was pressed; commands clean up and let it pass."""


class _State:
    """What the handler knows: the stage, what it would say, and which task does the work."""

    def __init__(self) -> None:
        self.stage: Literal["working", "leaving"] = "working"
        self.code = CODE
        self.presses = 0
        self.words: Callable[[], str] = lambda: NOTHING
        self.task: asyncio.Task[Any] | None = None
        self.blocking = self.closing = False


_state = _State()


def explain(words: Callable[[], str] | str) -> None:
    """From now on an interrupt says this: what is done, and how to go on."""
    _state.words = words if callable(words) else lambda: words


@contextmanager
def working() -> Iterator[None]:
    """Inside, the first Ctrl-C raises ``Interrupted`` and the second ends the process.

    A process that started with ``secondlook.__main__`` ends quietly on Ctrl-C afterwards; any other one gets back
    Python's own handler. Nothing changes where the parent process wants Ctrl-C ignored.
    """
    before = signal.getsignal(signal.SIGINT)
    if not callable(before):
        yield
        return
    _state.stage, _state.presses, _state.words = "working", 0, lambda: NOTHING
    signal.signal(signal.SIGINT, _handle)
    try:
        yield
    finally:
        _state.stage = "leaving"
        if before is signal.default_int_handler:
            signal.signal(signal.SIGINT, before)


def leave(code: int) -> None:
    """All is said: from now on Ctrl-C ends the process with this exit code, without another word."""
    _state.stage, _state.code = "leaving", code


def run(work: Coroutine[Any, Any, T]) -> T:
    """What it returns, as ``asyncio.run``; raises ``Interrupted`` if Ctrl-C was pressed meanwhile.

    The press cancels the work. Raising in the handler would leave coroutines half resumed.
    """

    async def inside() -> T:
        _state.task = asyncio.current_task()
        try:
            return await work
        finally:
            _state.task = None

    before = _state.presses
    try:
        with asyncio.Runner() as runner:
            result = runner.run(inside())
    except BaseException as error:
        if _state.presses > before and not isinstance(error, Interrupted):
            raise Interrupted from error
        raise
    if _state.presses > before:
        raise Interrupted
    return result


async def close(work: Coroutine[Any, Any, object]) -> None:
    """Let it come to its end, unless Ctrl-C is pressed a second time."""
    _state.closing = True
    try:
        await work
    finally:
        _state.closing = False


@contextmanager
def blocking() -> Iterator[None]:
    """Inside, which is plain code that awaits nothing, Ctrl-C raises ``Interrupted`` at once."""
    before, _state.blocking = _state.blocking, True
    try:
        yield
    finally:
        _state.blocking = before


def line() -> str:
    """What an interrupt says now."""
    return f"Interrupted. {_state.words()}"


def _handle(number: int, frame: FrameType | None) -> None:
    _state.presses += 1
    if _state.stage == "leaving":
        os._exit(_state.code)
    if _state.presses > 1:
        cursor = SHOW_CURSOR if sys.stderr.isatty() else ""
        os.write(2, f"{cursor}{line()}\n".encode(errors="replace"))
        os._exit(CODE)
    if _state.closing:
        return
    if _state.task and not _state.blocking:
        _state.task.get_loop().call_soon_threadsafe(_state.task.cancel)  # which wakes the loop, too
        return
    raise Interrupted
