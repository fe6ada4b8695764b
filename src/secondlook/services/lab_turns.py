"""Whose turn it is to measure an instance: one process at a time, which says again and again that it is still there."""

import asyncio
import contextlib
import hashlib
import logging
import os
import platform
import secrets
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from secondlook.errors import SecondlookError
from secondlook.ledgers import LabBook

log = logging.getLogger(__name__)

LEASE = 30.0
"""Seconds after which a lease expires without a heartbeat."""
BEATS = 6
"""Times that a turn is renewed before it would be over."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A run's, over its instance; ``owner`` is a name that no other turn has."""

    instance_uid: str
    run_id: str
    owner: str


class LabTurns:
    """Takes turns, and keeps them while the work goes on."""

    def __init__(self, book: LabBook) -> None:
        self._book = book
        self._kind = "command"
        self.process = process_name(os.getpid())

    async def serve(self) -> None:
        """This process is the server, of which there is one: the turns of an earlier one are over."""
        await self._book.end_all("server-")
        self._kind = "server"

    async def take(self, instance_uid: str, run_id: str) -> Turn | None:
        """None while another run is at that instance, here or in another process that may be alive."""
        turn = Turn(instance_uid, run_id, f"{self._kind}-{self.process}-{secrets.token_hex(12)}")
        now = _now()
        holder = await self._book.owner_of(instance_uid, now=now)
        gone = holder if _is_left(holder) else ""
        taken = await self._book.take(instance_uid, run_id, turn.owner, now=now, until=now + _length(), gone=gone)
        return turn if taken else None

    async def is_taken(self, instance_uid: str) -> bool:
        """Whether a run is at that instance, here or in another process that may be alive."""
        holder = await self._book.owner_of(instance_uid, now=_now())
        return bool(holder) and not _is_left(holder)

    async def wait(self, instance_uid: str, run_id: str) -> Turn:
        """The turn, once it can be had."""
        while True:
            with contextlib.suppress(SecondlookError):  # the next look may have it
                if turn := await self.take(instance_uid, run_id):
                    return turn
            await asyncio.sleep(LEASE / BEATS)

    async def keep(self, turn: Turn, work: Coroutine[Any, Any, None]) -> None:
        """The work to its end; it is broken off when the turn is lost, or the run was ended elsewhere."""
        task = asyncio.create_task(work)
        over = asyncio.Event()
        beat = asyncio.create_task(self._beat(turn, task, over))
        try:
            await asyncio.wait([task])
        finally:
            over.set()  # a write that was broken off would outlive this
            task.cancel()
            await asyncio.gather(beat, task, return_exceptions=True)
            await self.end(turn)
        if not task.cancelled():
            task.result()

    async def end(self, turn: Turn) -> None:
        """Let others have theirs; where that cannot be kept now, it lapses."""
        with contextlib.suppress(SecondlookError):
            await self._book.leave(turn.owner)

    async def _beat(self, turn: Turn, task: "asyncio.Task[None]", over: asyncio.Event) -> None:
        while not over.is_set():
            try:
                held = await self._book.hold(turn.run_id, turn.owner, until=_now() + _length())
            except SecondlookError as error:
                log.warning("could not renew the lease of Lab run %s: %s", turn.run_id, error)
                held = True  # what is written meanwhile is held against the turn
            if not held:
                log.warning("stopping Lab run %s: it was ended, or another process took it over", turn.run_id)
                task.cancel()
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEASE / BEATS):
                    await over.wait()


def process_name(pid: int) -> str:
    """What no other process of this machine is called: the machine as it runs now, and number and start of the process.

    The machine is its name, its boot, and the namespaces in which such numbers and times are counted, so that nobody
    looks for a process of one container in another. Empty where that cannot be known, which is all but Linux.

    Source:
        proc(5): ``starttime`` is the twentieth field after the name, which stands in brackets.
    """
    try:
        if str(Path("/proc/self").readlink()) != str(os.getpid()):
            return ""  # what is there are the processes of another namespace
        spaces = [str(Path("/proc/self/ns", kind).readlink()) for kind in ("pid", "time")]
        told = "\n".join([platform.node(), Path("/proc/sys/kernel/random/boot_id").read_text(), *spaces])
        start = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
    return f"{hashlib.sha256(told.encode()).hexdigest()[:12]}.{pid}.{start}"


def is_gone(name: str) -> bool:
    """Whether the process of that name has certainly exited; False if it may still run, or runs on another machine."""
    machine, _, rest = name.partition(".")
    pid = rest.partition(".")[0]
    if not pid.isdecimal() or int(pid) < 1 or not process_name(os.getpid()).startswith(f"{machine}."):
        return False
    with contextlib.suppress(PermissionError):  # another user's, which is there
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return True
    now = process_name(int(pid))
    return bool(now) and now != name


def _is_left(owner: str) -> bool:
    """Whether the process of that turn is no more."""
    parts = owner.split("-")
    return len(parts) == 3 and is_gone(parts[1])


def _length() -> int:
    return round(1000 * LEASE)


def _now() -> int:
    return int(time.time() * 1000)
