"""The text in pictures, by the program Tesseract where it is installed."""

import shutil
import subprocess

from secondlook.errors import FileUnreadableError
from secondlook.ingest.confinement import die_with_parent
from secondlook.ingest.formats.reading import Reading, Wanted
from secondlook.ingest.kinds import RECOGNISER

MISSING = (
    "reading text in images requires Tesseract OCR, which is not installed (Debian package"
    " tesseract-ocr): install it and index the item again"
)


def can_recognise() -> bool:
    """Whether the program is there."""
    return shutil.which(RECOGNISER) is not None


def read_picture(content: bytes, wanted: Wanted) -> Reading:
    """The text in the picture; raises ``FileUnreadableError``."""
    return Reading(recognise(content, wanted))


def recognise(picture: bytes, wanted: Wanted, dpi: int = 0) -> str:
    """The text in a picture of any format that Tesseract reads.

    Args:
        dpi: pixels an inch, where they are known.

    Raises:
        FileUnreadableError: the program is missing, lacks the language, or cannot read the picture.
    """
    if not can_recognise():
        raise FileUnreadableError("unable_to_convert_to_markdown", MISSING)
    command = [RECOGNISER, "stdin", "stdout", "-l", wanted.languages, *(["--dpi", str(dpi)] if dpi else [])]
    done = subprocess.run(command, input=picture, capture_output=True, check=False, preexec_fn=die_with_parent)
    said = done.stderr.decode(errors="replace").strip().splitlines()
    if done.returncode and any("loading language" in line or "tessdata" in line for line in said):
        raise FileUnreadableError(
            "unable_to_convert_to_markdown",
            f"Tesseract lacks data for {wanted.languages!r} ({said[0]}): install it (for example with the"
            " Debian package tesseract-ocr-deu)"
            " or change SECONDLOOK_OCR_LANGUAGES",
        )
    if done.returncode:
        raise FileUnreadableError(
            "file_is_corrupt", f"could not read the image ({said[-1] if said else f'code {done.returncode}'})"
        )
    lines = [line.strip() for line in done.stdout.decode(errors="replace").replace("\f", "").splitlines()]
    return "\n".join(lines).strip()
