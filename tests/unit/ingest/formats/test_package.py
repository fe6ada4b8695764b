"""Archives and XML are opened with limits: bombs, paths that lead out, entities, endless nesting."""

import io
import time
import zipfile
from pathlib import Path

import pytest

from secondlook.errors import FileUnreadableError
from secondlook.ingest.formats import package
from secondlook.ingest.formats.package import (
    DEEPEST,
    MOST_ENTRIES,
    attribute,
    bare,
    check_markup,
    check_parts,
    check_unlocked,
    named,
    open_package,
    read_part,
    read_tree,
)
from tests.documents import ENCRYPTED, make_odt, make_zip

LAUGHS = '<!DOCTYPE l [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {chr(98 + at)} "{f"&{chr(97 + at)};" * 10}">' for at in range(9)
)


def why(content: bytes) -> FileUnreadableError:
    with pytest.raises(FileUnreadableError) as caught:
        check_parts(open_package(content))
    return caught.value


def test_an_entry_that_unpacks_to_too_much() -> None:
    error = why(make_zip({"word/document.xml": b" " * (300 << 20)}))
    assert (error.kind, "314,572,800 bytes" in error.why) == ("over_size", True)


def test_a_small_entry_that_grows_too_much_is_a_bomb_and_a_tiny_one_is_none() -> None:
    assert why(make_zip({"a.xml": b" " * (5 << 20)})).kind == "over_size"
    check_parts(open_package(make_zip({"a.xml": "<a>" + " " * (3 << 20) + "</a>"})))


def test_many_entries_that_together_are_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "LARGEST_ARCHIVE", 10_000_000)
    error = why(make_zip({f"{at}.xml": b" " * 4_000_000 for at in range(3)}))
    assert (error.kind, "12,000,000 bytes" in error.why) == ("over_size", True)


def test_entries_without_number() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for at in range(MOST_ENTRIES + 1):
            archive.writestr(str(at), b"")
    assert why(target.getvalue()).why.startswith("the archive unpacks to 10,001 entries")


def test_a_directory_that_claims_a_million_entries() -> None:
    content = bytearray(make_zip({"a.xml": "<a/>"}))
    end = content.rindex(b"PK\5\6")
    content[end + 8 : end + 12] = b"\xff\xfe\xff\xfe"
    assert len(open_package(bytes(content)).infolist()) == 1


@pytest.mark.parametrize("name", ["../../evil.xml", "/etc/evil.xml", "..\\evil.xml"])
def test_nothing_is_ever_written(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    archive = open_package(make_zip({name: "<a/>"}))
    check_parts(archive)
    assert read_part(archive, archive.namelist()[0]) == b"<a/>"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\3\4", make_zip({"a": "b"})[:-30], b"PK\5\6" + b"\xff" * 18],
    ids=["empty", "head", "cut", "end"],
)
def test_broken_archives(content: bytes) -> None:
    assert why(content).kind == "file_is_corrupt"


def test_an_entry_whose_bytes_were_changed() -> None:
    content = bytearray(make_zip({"a.xml": "<a>" + "lamp oil " * 90 + "</a>"}))
    content[45] ^= 0xFF
    assert why(bytes(content)).kind == "file_is_corrupt"


def test_entries_under_a_password() -> None:
    content = bytearray(make_zip({"a.xml": "<a/>"}))
    content[content.index(b"PK\1\2") + 8] |= 1
    assert why(bytes(content)).kind == "file_is_password_locked"
    with pytest.raises(FileUnreadableError, match="file_is_password_locked"):
        check_unlocked(open_package(make_odt("", ENCRYPTED)))
    check_unlocked(open_package(make_odt("")))


@pytest.mark.parametrize(
    "content",
    [
        f"{LAUGHS}]><l>&j;</l>".encode(),
        b'<!DOCTYPE q [<!ENTITY a "' + b"a" * 100_000 + b'">]><q>' + b"&a;" * 100_000 + b"</q>",
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'.encode("utf-16"),
    ],
    ids=["billion laughs", "quadratic", "external", "utf-16"],
)
def test_declarations_are_refused(content: bytes) -> None:
    started = time.process_time()
    assert "declares a document type" in why(make_zip({"a.xml": content})).why
    assert time.process_time() - started < 1


def test_nesting_ends() -> None:
    check_markup(b"<a>" * DEEPEST + b"</a>" * DEEPEST)
    error = why(make_zip({"a.rels": "<a>" * 20_000 + "</a>" * 20_000}))
    assert "nested more than 300 levels" in error.why


@pytest.mark.parametrize("content", [b"", b"<a>", b"<a/><b/>", b"words", b"\xff"])
def test_broken_xml(content: bytes) -> None:
    with pytest.raises(FileUnreadableError, match="file_is_corrupt: its XML is broken"):
        check_markup(content)


def test_what_is_read() -> None:
    archive = open_package(make_zip({"a.xml": '<x:a xmlns:x="urn:y" x:id="7"><x:b/><b><x:b/></b></x:a>'}))
    root = read_tree(archive, "a.xml")
    assert (bare(root), attribute(root, "id"), attribute(root, "none")) == ("a", "7", "")
    assert len(list(named(root, "b"))) == 3
    with pytest.raises(FileUnreadableError, match=r"lacks its part b\.xml"):
        read_part(archive, "b.xml")
