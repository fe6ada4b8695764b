"""The children that read foreign files: few, warm, killed when one takes too long, and started anew."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from secondlook.blas import use_one_thread
from secondlook.errors import FileUnreadableError
from secondlook.ingest.formats.reading import Reading, Wanted
from secondlook.ingest.framing import LENGTHS, make_frame, read_head
from secondlook.ingest.kinds import Kind

MOST_DOCUMENTS = 500
"""Documents after which a child is replaced: what a library never gives back then goes."""
OCR_TIMES = 10
"""Times longer that a document may take whose text has to be recognised: a page takes some 2 s."""
TIMED_OUT = (signal.SIGXCPU, signal.SIGALRM)
MODULE = "secondlook.ingest.child"


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """What one document may take.

    Attributes:
        memory: bytes of address space of a child.
        seconds: from asking to the answer.
        children: documents read at once.
    """

    memory: int = 1 << 30
    seconds: float = 60.0
    children: int = 2


class ReaderPool:
    """Converts documents in child processes; the first starts with the first document."""

    def __init__(self, limits: ParseLimits | None = None) -> None:
        self._limits = limits or ParseLimits()
        self._idle: list[_Child] = []
        self._busy: set[_Child] = set()
        self._slots = asyncio.Semaphore(self._limits.children)

    async def read(self, kind: Kind, content: bytes, wanted: Wanted) -> Reading:
        """The document as Markdown; whatever happens to its child, the next document is read.

        Raises:
            FileUnreadableError: the document cannot be read, or took its reader down.
        """
        times = OCR_TIMES if kind == "picture" or (wanted.ocr and kind == "pdf") else 1
        seconds = self._limits.seconds * times
        head = {"kind": kind, "seconds": seconds, "ocr": wanted.ocr, "languages": wanted.languages}
        async with self._slots:
            child = self._idle.pop() if self._idle else await _Child.start(self._limits.memory)
            self._busy.add(child)
            try:
                async with asyncio.timeout(seconds):
                    told, text = await child.ask(head, content)
            except TimeoutError as error:
                raise _too_slow(seconds) from error
            except (asyncio.IncompleteReadError, ConnectionError, ValueError) as error:
                raise _why_dead(await child.end(), seconds) from error
            else:
                if child.documents < MOST_DOCUMENTS:
                    self._idle.append(child)
            finally:
                self._busy.discard(child)
                if child not in self._idle:
                    await child.end()
        return _reading_of(told, text)

    async def close(self) -> None:
        """End all children; a document that is being read fails."""
        children, self._idle = [*self._idle, *self._busy], []
        await asyncio.gather(*(child.end() for child in children))


class _Child:
    """One process; it leads a group of its own, so that what it starts is killed with it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.documents = 0

    @classmethod
    async def start(cls, memory: int) -> "_Child":
        """A new process. It inherits no secret: of the environment it has only where programs and modules lie."""
        environment: dict[str, str] = {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "OMP_THREAD_LIMIT": "1",  # Tesseract's threads slow each other down
            **{name: value for name in ("TESSDATA_PREFIX", "LANG") if (value := os.environ.get(name))},
        }
        use_one_thread(environment)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-B", "-m", MODULE, str(os.getpid()), str(memory),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )  # fmt: skip
        return cls(process)

    async def ask(self, head: Mapping[str, object], body: bytes) -> tuple[dict[str, object], bytes]:
        """The answer; raises ``IncompleteReadError`` or ``ConnectionError`` if the process dies over it."""
        into, out = cast(asyncio.StreamWriter, self._process.stdin), cast(asyncio.StreamReader, self._process.stdout)
        self.documents += 1
        into.write(make_frame(head, body))
        await into.drain()
        head_size, body_size = LENGTHS.unpack(await out.readexactly(LENGTHS.size))
        return read_head(await out.readexactly(head_size)), await out.readexactly(body_size)

    async def end(self) -> int:
        """Kill the process and its group, and say how it ended, as ``returncode`` does."""
        if self._process.returncode is None:  # else the number may be another's by now
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        if self._process.stdin:
            self._process.stdin.close()
        return await self._process.wait()


def _reading_of(told: Mapping[str, object], text: bytes) -> Reading:
    if "type" in told:
        raise FileUnreadableError(str(told["type"]), str(told["why"]))
    return Reading(
        text.decode(),
        title=str(told["title"]),
        pages=cast(list[int], told["pages"]),  # as the child wrote them
        fields=cast(dict[str, str], told["fields"]),  # the same
        notes=cast(list[str], told["notes"]),  # the same
    )


def _too_slow(seconds: float) -> FileUnreadableError:
    return FileUnreadableError(
        "timeout_error",
        f"reading the document took more than {seconds:g} seconds: split it or raise SECONDLOOK_PARSE_SECONDS",
        passing=True,
    )


def _why_dead(code: int, seconds: float) -> FileUnreadableError:
    if -code in TIMED_OUT:
        return _too_slow(seconds)
    how = f"signal {-code}" if code < 0 else f"code {code}"
    return FileUnreadableError(
        "unable_to_convert_to_markdown",
        f"the process reading it ended with {how}; it may need more memory than SECONDLOOK_PARSE_MEMORY_MB allows",
        passing=True,
    )
