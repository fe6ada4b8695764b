"""Text in pictures, by the real Tesseract."""

import pytest

from secondlook.errors import FileUnreadableError
from secondlook.ingest.formats.pictures import can_recognise, read_picture
from secondlook.ingest.formats.reading import Wanted
from tests.documents import make_picture, need_tesseract

pytestmark = pytest.mark.system


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_text_is_recognised(kind: str) -> None:
    need_tesseract()
    assert read_picture(make_picture("Warm the lamp oil", kind), Wanted()).text == "Warm the lamp oil"


def test_what_cannot_be_recognised() -> None:
    need_tesseract()
    picture = make_picture("oil")
    with pytest.raises(FileUnreadableError, match=r"lacks data for 'xxx'.*SECONDLOOK_OCR_LANGUAGES") as caught:
        read_picture(picture, Wanted(languages="xxx"))
    assert caught.value.kind == "unable_to_convert_to_markdown"
    with pytest.raises(FileUnreadableError, match="file_is_corrupt: could not read the image"):
        read_picture(picture[:60], Wanted())


def test_without_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert not can_recognise()
    with pytest.raises(FileUnreadableError, match=r"unable_to_convert_to_markdown: .*requires Tesseract OCR"):
        read_picture(b"", Wanted())
