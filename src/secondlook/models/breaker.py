"""A circuit breaker: what failed several times in a row is left alone for a while, and failing costs nothing then."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from secondlook.errors import OverloadedError, RerankerError


class CircuitBreaker:
    """Opens after ``failures`` in a row; after ``pause`` seconds one call may try, and its outcome decides.

    A call that was cancelled, or refused by our own queue, says nothing about the other side and is not counted.

    Args:
        name: who failed, for the message.
        clock: seconds that only rise.
    """

    def __init__(
        self, name: str, *, failures: int = 5, pause: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = name
        self._most = failures
        self._pause = pause
        self._clock = clock
        self._failed = 0
        self._until = 0.0
        self._probing = False
        self._last = ""

    @property
    def state(self) -> str:
        """``closed``, ``open``, or ``half open`` when the pause is over."""
        if self._failed < self._most:
            return "closed"
        return "open" if self._clock() < self._until else "half open"

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Lets the call through and notes how it ends.

        Raises:
            RerankerError: the breaker is open, or another call is just trying.
        """
        trying = self._enter()
        try:
            yield
        except OverloadedError:
            raise
        except Exception as error:
            self._failed += 1
            self._last = str(error)
            if self._failed >= self._most:
                self._until = self._clock() + self._pause
            raise
        else:
            self._failed = 0
        finally:
            if trying:
                self._probing = False

    def _enter(self) -> bool:
        """Whether this call is the one that tries."""
        state = self.state
        if state == "closed":
            return False
        wait = max(0.0, self._until - self._clock())
        if state == "open" or self._probing:
            raise RerankerError(
                f"{self._name} is paused for another {wait:.0f} s after {self._failed} failures in a row;"
                f" the latest: {self._last}",
                "breaker",
            )
        self._probing = True
        return True
