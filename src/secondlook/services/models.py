"""The models that an instance can name, and their downloads."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Literal

from secondlook.domain.model import KnownModel
from secondlook.errors import InvalidModelError, InvalidOptionError, SecondlookError, SetupError

log = logging.getLogger(__name__)
Progress = Callable[[str, int, int], None]
MOST_AT_ONCE = 2
"""Downloads at the same time; a further one is refused."""


@dataclass(frozen=True, slots=True)
class ModelDownload:
    """One download of a model, and how far it is: of the current ``file``, in bytes; ``total`` is 0 if unknown."""

    name: str
    state: Literal["running", "completed", "failed", "cancelled"] = "running"
    file: str = ""
    done: int = 0
    total: int = 0
    error: str = ""


class _CancelledError(Exception):
    """Raised inside the download when it is no longer wanted."""


class ModelList:
    """Looks anew each time, since models are pulled and added while the server runs.

    Args:
        look: lists the models.
        check: the name under which a model is downloaded; raises ``InvalidModelError`` or ``SetupError``.
        fetch: downloads name and revision, and reports its progress; a broken download resumes.
    """

    def __init__(
        self,
        look: Callable[[], Sequence[KnownModel]],
        *,
        check: Callable[[str, str], str] | None = None,
        fetch: Callable[[str, str, Progress], Path] | None = None,
    ) -> None:
        self._look = look
        self._check = check
        self._fetch = fetch
        self._downloads: dict[str, ModelDownload] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._unwanted: dict[str, Event] = {}

    async def all(self) -> Sequence[KnownModel]:
        """Every model that is known here, built-in ones first."""
        return await asyncio.to_thread(self._look)

    def downloads(self) -> Mapping[str, ModelDownload]:
        """Each download since the server started, by the name of its model; the last one of each."""
        return dict(self._downloads)

    async def download(self, name: str, revision: str = "") -> ModelDownload:
        """The download, which runs in the background; the same one if the model is being downloaded already.

        Raises:
            InvalidModelError: there is no such model to download, or it cannot be run here.
            InvalidOptionError: a revision is missing, or too many downloads run.
        """
        if self._check is None or self._fetch is None:
            raise InvalidModelError("model downloads are disabled on this server")
        try:
            wanted = await asyncio.to_thread(self._check, name, revision)
        except SetupError as error:
            raise InvalidModelError(str(error)) from error
        if wanted in self._tasks:
            return self._downloads[wanted]
        if len(self._tasks) >= MOST_AT_ONCE:
            raise InvalidOptionError(f"{MOST_AT_ONCE} models are already being downloaded: wait until one is done")
        self._downloads[wanted] = ModelDownload(wanted)
        self._unwanted[wanted] = Event()
        self._tasks[wanted] = asyncio.create_task(self._run(wanted, revision, self._fetch))
        return self._downloads[wanted]

    def cancel(self, name: str) -> ModelDownload:
        """Stop a download; what has arrived is kept, and the next download resumes. Raises ``InvalidModelError``."""
        if name not in self._downloads:
            raise InvalidModelError(f"model {name!r} is not being downloaded")
        if name in self._tasks:
            self._unwanted[name].set()
        return self._downloads[name]

    async def stop(self) -> None:
        """Stop every download."""
        for one in self._unwanted.values():
            one.set()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _run(self, name: str, revision: str, fetch: Callable[[str, str, Progress], Path]) -> None:
        unwanted = self._unwanted[name]

        def heard(file: str, done: int, total: int) -> None:
            if unwanted.is_set():
                raise _CancelledError
            self._downloads[name] = ModelDownload(name, "running", file, done, total)

        try:
            await asyncio.to_thread(fetch, name, revision, heard)
            end = replace(self._downloads[name], state="completed")
        except _CancelledError:
            end = replace(self._downloads[name], state="cancelled")
        except SecondlookError as error:
            end = replace(self._downloads[name], state="failed", error=str(error))
        except OSError as error:
            log.warning("the download of %s failed: %s", name, error)
            end = replace(self._downloads[name], state="failed", error=f"the model could not be stored: {error}")
        self._downloads[name] = end
        del self._tasks[name]
