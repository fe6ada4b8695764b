"""Documents of before 2007 by the real catdoc, also in a process that may write no file."""

import asyncio

import pytest

from secondlook.errors import FileUnreadableError, UnsupportedFileError
from secondlook.ingest.formats.legacy import Scratch, read_legacy
from secondlook.ingest.formats.reading import Wanted
from secondlook.ingest.kinds import RICH_LIMIT, check_file, is_readable, kind_of
from secondlook.ingest.pool import ParseLimits, ReaderPool
from tests.documents import make_doc, make_ppt, need_catdoc

pytestmark = pytest.mark.system

RTF = rb"{\rtf1\ansi{\b Lamp oil}\par Warm the caf\'e9 \u8364?\par}"


def test_documents() -> None:
    need_catdoc()
    content = make_doc(["Lamp oil", "", "Warm the café before lighting."])
    assert read_legacy(content, Wanted()).text == "Lamp oil\n\nWarm the café before lighting."
    assert read_legacy(RTF, Wanted()).text == "Lamp oil\n\nWarm the café €", "under the ending .doc"
    assert read_legacy(make_doc(["Short"]), Wanted()).text == "Short", "nothing of the one before is left"


def test_slides() -> None:
    need_catdoc()
    found = read_legacy(make_ppt([["Oil", "Warm it\rslowly"], ["Horn"]]), Wanted())
    assert found.text == "## Oil\n\nWarm it\n\nslowly\n\n## Horn"
    assert found.text[found.pages[1] :] == "## Horn"


def test_what_is_refused() -> None:
    need_catdoc()
    with pytest.raises(FileUnreadableError) as caught:
        read_legacy(make_doc(["Lamp oil"], encrypted=True), Wanted())
    assert caught.value.kind == "file_is_password_locked"


def test_where_no_file_can_be_written() -> None:
    need_catdoc()

    async def work() -> list[str]:
        pool = ReaderPool(ParseLimits())
        try:
            contents = (make_doc(["First"]), RTF, make_ppt([["Third"]]))
            return [(await pool.read("legacy", one, Wanted())).text for one in contents]
        finally:
            await pool.close()

    assert asyncio.run(work()) == ["First", "Lamp oil\n\nWarm the café €", "## Third"]


def test_without_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    need_catdoc()
    assert kind_of("a.doc") == "legacy" and is_readable("a.PPT")
    check_file("a.doc", RICH_LIMIT)
    monkeypatch.setenv("PATH", "")
    assert not is_readable("a.doc")
    with pytest.raises(UnsupportedFileError, match=r"install catdoc \(Debian: catdoc\), or save it as \.docx"):
        check_file("a.doc", 10)
    with pytest.raises(FileUnreadableError, match=r"unable_to_convert_to_markdown: .*catdoc is not installed"):
        read_legacy(make_doc(["Oil"]), Wanted())


def test_the_whole_limit_fits() -> None:
    Scratch().fill(b"x" * RICH_LIMIT)
