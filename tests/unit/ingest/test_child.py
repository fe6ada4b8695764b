"""The process that reads: it answers each frame, says why it cannot, and ends with its input."""

import io
import json
import signal
from collections.abc import Iterator

import pytest

from secondlook.ingest import child
from secondlook.ingest.confinement import allow_for_ever
from secondlook.ingest.formats.reading import Reading, Wanted
from secondlook.ingest.framing import LENGTHS, make_frame

HEAD = {"kind": "page", "seconds": 60, "ocr": False, "languages": "eng"}


@pytest.fixture(autouse=True)
def no_alarm() -> Iterator[None]:
    yield
    allow_for_ever()


def heads(answers: bytes) -> list[tuple[dict[str, object], bytes]]:
    found = []
    while answers:
        head_size, body_size = LENGTHS.unpack(answers[:8])
        body_at = 8 + head_size
        found.append((json.loads(answers[8:body_at]), answers[body_at : body_at + body_size]))
        answers = answers[body_at + body_size :]
    return found


def test_frame_after_frame_until_the_input_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed: list[float] = []
    monkeypatch.setattr(child, "allow_seconds", allowed.append)
    answers = io.BytesIO()
    asked = make_frame(HEAD, b"<title>Oil</title><p>\xc3\x96l") + make_frame(HEAD, b"<p>") + b"\0\0"
    child.serve(io.BytesIO(asked), answers)
    first, second = heads(answers.getvalue())
    assert first == ({"title": "Oil", "pages": [], "fields": {"title": "Oil"}, "notes": []}, "# Oil\n\nÖl".encode())
    assert second[0]["type"] == "markdown_conversion_empty"
    assert allowed == [60, 60]
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (MemoryError(), "unable_to_convert_to_markdown", "SECONDLOOK_PARSE_MEMORY_MB"),
        (RecursionError(), "file_is_corrupt", "nested too deeply"),
        (ZeroDivisionError("x" * 999), "unable_to_convert_to_markdown", "ZeroDivisionError: xxx"),
        (BaseException("panic"), "unable_to_convert_to_markdown", "panic"),
    ],
)
def test_whatever_a_library_raises_is_an_answer(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, kind: str, words: str
) -> None:
    def convert(*_: object) -> Reading:
        raise error

    monkeypatch.setattr(child, "convert", convert)
    [(head, body)] = heads(child.answer(dict(HEAD), b""))
    assert head["type"] == kind
    assert words in str(head["why"])
    assert len(str(head["why"])) < 400
    assert body == b""


def test_an_interrupt_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def convert(*_: object) -> Reading:
        raise KeyboardInterrupt

    monkeypatch.setattr(child, "convert", convert)
    with pytest.raises(KeyboardInterrupt):
        child.answer(dict(HEAD), b"")


def test_half_characters_are_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "convert", lambda *_: Reading("a\ud800b"))
    assert heads(child.answer(dict(HEAD), b""))[0][1] == b"a?b"
    assert Wanted() == Wanted(False, "eng")
