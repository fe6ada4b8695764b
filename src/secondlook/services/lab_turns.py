"""Whose turn it is to measure an instance: one process at a time, which says again and again that it is still there."""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from secondlook.errors import SecondlookError
from secondlook.ledgers import LabBook

log = logging.getLogger(__name__)

LEASE = 30.0
"""Seconds after which a turn is over of which nothing was heard."""
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
        self._name = f"command-{secrets.token_hex(8)}"

    async def serve(self) -> None:
        """This process is the server, of which there is one: the turns of an earlier one are over."""
        await self._book.end_all("server-")
        self._name = f"server-{secrets.token_hex(8)}"

    async def take(self, instance_uid: str, run_id: str) -> Turn | None:
        """None while another run is at that instance, here or in another process."""
        turn = Turn(instance_uid, run_id, f"{self._name}-{secrets.token_hex(8)}")
        now = _now()
        taken = await self._book.take(instance_uid, run_id, turn.owner, now=now, until=now + _length())
        return turn if taken else None

    async def is_taken(self, instance_uid: str) -> bool:
        """Whether a run is at that instance, here or in another process."""
        return await self._book.is_taken(instance_uid, now=_now())

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
                log.warning("the turn of run %s of the Lab could not be renewed: %s", turn.run_id, error)
                held = True  # what is written meanwhile is held against the turn
            if not held:
                log.warning("run %s of the Lab is broken off: it was ended, or goes on elsewhere", turn.run_id)
                task.cancel()
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEASE / BEATS):
                    await over.wait()


def _length() -> int:
    return round(1000 * LEASE)


def _now() -> int:
    return int(time.time() * 1000)
