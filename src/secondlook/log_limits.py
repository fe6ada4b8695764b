"""Log lines that would come by the thousand, as one a minute."""

import errno
import logging
import time
from collections.abc import Callable, Iterator

EVERY = 60.0
"""Seconds between two lines about the same trouble."""
CANNOT_OPEN = "unable to open database file"
"""What SQLite says of it; it names no cause."""
DEEPEST = 10
"""Errors of a chain that are looked at."""


class OpenFilesFilter(logging.Filter):
    """Lets one record a minute through that says that no more files can be opened, as one line without traceback.

    The event loop logs each connection that it cannot take, every second and with a traceback.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._told = -EVERY
        self._held = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged."""
        if not _lacks_files(record):
            return True
        now = self._clock()
        if now - self._told < EVERY:
            self._held += 1
            return False
        more = f" ({self._held:,} more such errors in the last minute)" if self._held else ""
        self._told, self._held = now, 0
        record.msg = (
            "No more files can be opened: new connections wait until others end. Raise the limit of open files"
            f" (ulimit -n) or lower the number of clients.{more}"
        )
        record.args, record.exc_info, record.exc_text, record.stack_info = None, None, None, None
        return True


def limit_lines(*loggers: str) -> None:
    """Put one filter on the handlers of these loggers, of the root logger, and on what serves where there are none."""
    found = OpenFilesFilter()
    handlers = [one for name in ("", *loggers) for one in logging.getLogger(name).handlers]
    for handler in (*handlers, logging.lastResort):
        if handler:
            handler.addFilter(found)


def _lacks_files(record: logging.LogRecord) -> bool:
    return any(
        (isinstance(one, OSError) and one.errno in (errno.EMFILE, errno.ENFILE)) or CANNOT_OPEN in str(one)
        for one in _chain(record.exc_info[1] if record.exc_info else None)
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(DEEPEST):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__
