"""Documents of Word and PowerPoint before 2007, by the program catdoc where it is installed."""

import mmap
import os
import subprocess
import tempfile

from secondlook.errors import FileUnreadableError
from secondlook.ingest.confinement import die_with_parent
from secondlook.ingest.formats.package import locked
from secondlook.ingest.formats.reading import Reading, Wanted, join_pages
from secondlook.ingest.formats.rtf import read_rtf
from secondlook.ingest.kinds import RICH_LIMIT, RTF

SLIDES = "PowerPoint Document".encode("utf-16-le")
"""The stream that holds a presentation (MS-PPT, 2.1.2)."""
ENCRYPTED = 69
"""What catdoc ends with when the document is."""


class Scratch:
    """A file without a name for a program that can read no pipe; its size is fixed, so nothing need be written to it.

    It is made before its process loses the right to write files: memory that is mapped may change all the same. What
    lies behind the content is zero, which the container of these documents ignores.
    """

    def __init__(self) -> None:
        if hasattr(os, "memfd_create"):
            self.number = os.memfd_create("secondlook", 0)
        else:
            with tempfile.TemporaryFile() as file:
                self.number = os.dup(file.fileno())
        os.ftruncate(self.number, RICH_LIMIT)
        self._memory = mmap.mmap(self.number, RICH_LIMIT)

    def fill(self, content: bytes) -> None:
        """Hold this and nothing else."""
        self._memory[: len(content)] = content
        self._memory[len(content) :] = bytes(RICH_LIMIT - len(content))


_scratches: list[Scratch] = []


def make_ready() -> None:
    """Make what is needed while files can still be made."""
    if not _scratches:
        _scratches.append(Scratch())


def read_legacy(content: bytes, wanted: Wanted) -> Reading:
    """Paragraphs, or slides with their first lines as headings; raises ``FileUnreadableError``."""
    if content.lstrip().startswith(RTF):
        return read_rtf(content, wanted)
    if SLIDES in content:
        slides = [part for part in _run("catppt", content).split("\f") if part.strip()]
        text, starts = join_pages([_write_slide(part) for part in slides])
        return Reading(text, pages=starts)
    return Reading("\n\n".join(line.strip() for line in _run("catdoc", content, "-w").splitlines() if line.strip()))


def _write_slide(text: str) -> str:
    title, *lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "\n\n".join([f"## {title}", *lines])


def _run(program: str, content: bytes, *flags: str) -> str:
    make_ready()
    [scratch] = _scratches
    scratch.fill(content)
    path = f"/dev/fd/{scratch.number}"
    try:
        done = subprocess.run(
            [program, "-d", "utf-8", *flags, path],
            capture_output=True, check=False, pass_fds=(scratch.number,), preexec_fn=die_with_parent,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise FileUnreadableError(
            "unable_to_convert_to_markdown",
            f"{program} is not installed: install catdoc (Debian package catdoc), or save the document in a current"
            " format",
        ) from error
    if done.returncode == ENCRYPTED:
        raise locked()
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip() or f"code {done.returncode}"
        raise FileUnreadableError("file_is_corrupt", f"could not read the document ({said[-200:]})")
    return done.stdout.decode(errors="replace").replace("\0", "")
