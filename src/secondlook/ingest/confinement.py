"""What a child process that reads foreign files may use: it dies with its parent, writes no file, opens no socket."""

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1
"""Of ``prctl`` (Linux); it is cleared by fork, so each process asks for itself."""
NETWORK = ("socket.bind", "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
"""What Python announces before it uses a network (PEP 578)."""


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it is gone; Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def confine(memory: int) -> None:
    """Limit this process, and what it starts, to ``memory`` bytes; it can write no file and dump no core."""
    _lower(resource.RLIMIT_AS, memory)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_CORE, 0)
    sys.addaudithook(_refuse_network)


def allow_seconds(seconds: float) -> None:
    """Let the process live for that long from now, and use as much of a processor; then the kernel kills it.

    Unlike the limit that the parent holds, these need nobody who watches.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime + seconds) + 2, hard))
    signal.setitimer(signal.ITIMER_REAL, seconds + 1)


def allow_for_ever() -> None:
    """Take back ``allow_seconds``, between two documents."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def parent_is_gone(parent: int) -> bool:
    """Whether the process of that id no longer is the parent: it may have died before ``die_with_parent``."""
    return os.getppid() != parent


def _lower(limit: int, value: int) -> None:
    hard = resource.getrlimit(limit)[1]
    if hard == resource.RLIM_INFINITY or value <= hard:
        resource.setrlimit(limit, (value, value))


def _refuse_network(event: str, _arguments: object) -> None:
    if event in NETWORK:
        raise PermissionError(f"{event}: processes that read documents have no network access")
