"""The process that reads foreign files, one at a time: ``python -m secondlook.ingest.child PARENT MEMORY``.

It takes frames on its standard input and answers on its standard output, and ends when the input does.
"""

import os
import sys
from typing import IO, cast

from secondlook.errors import FileUnreadableError
from secondlook.ingest.confinement import allow_for_ever, allow_seconds, confine, die_with_parent, parent_is_gone
from secondlook.ingest.formats import legacy
from secondlook.ingest.formats.reading import Reading, Wanted, convert
from secondlook.ingest.framing import LENGTHS, make_frame, read_head
from secondlook.ingest.kinds import Kind


def main() -> None:
    """Serve until the input ends."""
    parent, memory = int(sys.argv[1]), int(sys.argv[2])
    die_with_parent()
    if parent_is_gone(parent):
        return
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    legacy.make_ready()
    confine(memory)
    serve(sys.stdin.buffer, answers)


def serve(asked: IO[bytes], answers: IO[bytes]) -> None:
    """Answer each frame of ``asked``."""
    while len(lengths := asked.read(LENGTHS.size)) == LENGTHS.size:
        head_size, body_size = LENGTHS.unpack(lengths)
        head = read_head(asked.read(head_size))
        allow_seconds(float(str(head["seconds"])))
        answers.write(answer(head, asked.read(body_size)))
        answers.flush()
        allow_for_ever()


def answer(head: dict[str, object], content: bytes) -> bytes:
    """The frame for one document: its text, or why there is none.

    Here everything that a library may raise ends, even what is no ``Exception``, as Rust panics are none.
    """
    kind = cast(Kind, head["kind"])  # the parent's word
    wanted = Wanted(ocr=bool(head["ocr"]), languages=str(head["languages"]))
    try:
        found = convert(kind, content, wanted)
        return _frame(found)
    except FileUnreadableError as error:
        return make_frame({"type": error.kind, "why": error.why}, b"")
    except MemoryError:
        return _failed("it needs more memory than SECONDLOOK_PARSE_MEMORY_MB allows")
    except RecursionError:
        return make_frame({"type": "file_is_corrupt", "why": "the document is nested too deeply"}, b"")
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        return _failed(f"{type(error).__name__}: {str(error)[:300]}")


def _frame(found: Reading) -> bytes:
    head = {"title": found.title, "pages": list(found.pages), "fields": dict(found.fields), "notes": list(found.notes)}
    return make_frame(head, found.text.encode(errors="replace"))


def _failed(why: str) -> bytes:
    return make_frame({"type": "unable_to_convert_to_markdown", "why": why}, b"")


if __name__ == "__main__":
    main()
