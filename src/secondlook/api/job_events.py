"""A sync as it goes on, told by server-sent events."""

import logging
import time
from collections.abc import AsyncIterator, Mapping
from typing import Annotated

from fastapi import Header

from secondlook.api.errors import to_wire
from secondlook.api.jobs import job_of, line_of
from secondlook.api.wire import event
from secondlook.domain.instance import Instance
from secondlook.errors import CallerError, SecondlookError
from secondlook.services.syncing import JobNews, Syncing

log = logging.getLogger(__name__)

LastEvent = Annotated[int, Header(alias="Last-Event-ID", ge=0, le=2**53)]
"""The number of the last line that the client has; it goes on after it."""
LOOK_EVERY = 0.5
"""Seconds between two looks at a job."""
COUNT_EVERY = 2.0
"""Seconds between two counts of the items of its instance, which cost more."""
BEAT_EVERY = 15.0
"""Seconds without news after which a comment says that the connection holds; proxies often cut it after 60."""
BEAT = b": beat\n\n"


async def follow(syncing: Syncing, instance: Instance, job_id: str, after: int) -> AsyncIterator[bytes]:
    """Frames ``log``, one a line, with its number as id; ``job`` at first and when something of it changes; ``end``.

    The stream ends with the job, or without ``end`` when the server stops: the client then comes again, and says which
    line it had last. If the job is gone with its instance, the last frame is ``error``.
    """
    told: Mapping[str, object] = {}
    heard_at = time.monotonic()
    try:
        while True:
            news = await syncing.look(instance, job_id, after, counted_within=COUNT_EVERY)
            frames = [f"id: {line.number}\n".encode() + event(line_of(line), "log") for line in news.lines]
            after = news.lines[-1].number if news.lines else after
            if (now := _told_of(news)) != told:
                told = now
                frames.append(event(now, "job"))
            if news.last:
                frames.append(event(job_of(news.job), "end"))
            if not frames and time.monotonic() - heard_at >= BEAT_EVERY:
                frames.append(BEAT)
            for frame in frames:
                heard_at = time.monotonic()
                yield frame
            if news.last or await syncing.pause(0.0 if news.more else LOOK_EVERY):
                return
    except CallerError as error:  # any other is no reason to end for good: the client comes again
        yield event(to_wire(error)[1], "error")
    except SecondlookError:
        log.warning("the event stream of job %s failed", job_id, exc_info=True)


def _told_of(news: JobNews) -> dict[str, object]:
    return {"job": job_of(news.job), "items": dict(news.counts)}
