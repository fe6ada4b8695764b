"""Bytes become text: which files, which encodings, what front matter, what of HTML."""

import datetime as dt
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.errors import FileTooLargeError, UnsupportedFileError
from secondlook.ingest.parse import PLAIN, PLAIN_LIMIT, Document, check_file, file_type, parse_file

TEXTS = st.text(st.characters(exclude_characters="\0\r\ufeff", exclude_categories=["Cs"]), max_size=80)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("a/b/oil.md", ".md"),
        ("OIL.MD", ".md"),
        ("archive.tar.gz", ".gz"),
        (".env", ".env"),
        ("conf/.gitignore", ".gitignore"),
        (".env.local", ".local"),
        ("Makefile", ""),
        ("a.b/Makefile", ""),
        ("", ""),
    ],
)
def test_file_types(key: str, kind: str) -> None:
    assert file_type(key) == kind


@pytest.mark.parametrize("key", ["oil.md", "a/.env", ".GITIGNORE", "page.HTML", "rows.jsonl", "x.py"])
def test_files_that_are_indexed(key: str) -> None:
    check_file(key, PLAIN_LIMIT)
    assert file_type(key) in PLAIN


@pytest.mark.parametrize(
    ("key", "size", "error", "words"),
    [
        ("oil.md", PLAIN_LIMIT + 1, FileTooLargeError, "10,485,761 bytes; the limit is 10,485,760"),
        ("oil.pdf", 1, UnsupportedFileError, r"type \.pdf are not indexed"),
        ("Makefile", 1, UnsupportedFileError, r"type \(none\)"),
        (".npmrc", 1, UnsupportedFileError, r"type \.npmrc"),
    ],
)
def test_files_that_are_refused(key: str, size: int, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        check_file(key, size)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@given(text=TEXTS)
def test_what_is_encoded_is_decoded(encoding: str, text: str) -> None:
    content = text.encode(encoding)
    assert parse_file("a.txt", content).text == text


@pytest.mark.parametrize("mark", [(b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")])
def test_both_orders_of_utf_16(mark: tuple[bytes, str]) -> None:
    assert parse_file("a.txt", mark[0] + "Öl 🦊".encode(mark[1])).text == "Öl 🦊"
    assert parse_file("a.txt", mark[0] + "Öl".encode(mark[1]) + b"\xd8").text.startswith("Öl")


def test_what_is_no_utf_8_is_latin_1() -> None:
    assert parse_file("a.txt", "Öl für 12 °C".encode("latin-1")).text == "Öl für 12 °C"


@given(st.binary(max_size=60).filter(lambda content: b"\0" not in content))
def test_any_bytes_without_nul_become_text_that_can_be_stored(content: bytes) -> None:
    found = parse_file("a.md", content)
    found.text.encode()
    assert "\0" not in found.text
    assert "\r\n" not in found.text


def test_binary_is_no_text() -> None:
    with pytest.raises(UnsupportedFileError, match=r"file_is_corrupt: logo\.md holds binary"):
        parse_file("logo.md", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")


def test_a_late_nul_is_dropped() -> None:
    assert parse_file("a.txt", b"x" * 9000 + b"\0y").text == "x" * 9000 + "y"


def test_line_ends_of_windows() -> None:
    assert parse_file("a.txt", b"one\r\ntwo\rthree\n").text == "one\ntwo\rthree\n"


def test_front_matter() -> None:
    content = b"---\r\ntitle: Oil\r\ndate: 2026-07-01\r\ntags: [a, b]\r\n7: seven\r\n---\r\nWarm it."
    found = parse_file("a.md", content)
    assert found.text == "Warm it."
    assert found.front_matter == {"title": "Oil", "date": dt.date(2026, 7, 1), "tags": ["a", "b"], "7": "seven"}


def test_front_matter_alone() -> None:
    assert parse_file("a.md", b"---\ntitle: Oil\n---") == Document("", {"title": "Oil"})


@pytest.mark.parametrize(
    "block",
    [
        "- a\n- b",
        "just words",
        "a: [1",
        "a: !!python/object:os.system x",
        "a: " + "[" * 3000 + "]" * 3000,
        "? [a, b]\n: 1",
        "",
    ],
)
def test_what_is_no_front_matter_stays_text(block: str) -> None:
    text = f"---\n{block}\n---\nWarm it."
    assert parse_file("a.md", text.encode()) == Document(text, {})


@pytest.mark.parametrize(
    ("name", "value"), [("date", "2026-02-30"), ("date", "2026-01-01T99:00:00"), ("n", "9" * 5000)]
)
def test_values_that_do_not_exist_are_kept_as_text(name: str, value: str) -> None:
    found = parse_file("a.md", f"---\ntitle: Oil\n{name}: {value}\n---\nx".encode())
    assert found == Document("x", {"title": "Oil", name: value})


def test_half_a_character_in_front_matter_is_mended() -> None:
    found = parse_file("a.md", b'---\n"k\\ud800": "v\\udfff"\nlist: ["\\ud800"]\n---\nx')
    assert found.front_matter == {"k?": "v?", "list": ["?"]}


def test_front_matter_of_markdown_only() -> None:
    text = "---\ntitle: Oil\n---\nx"
    assert parse_file("a.txt", text.encode()) == Document(text, {})
    assert parse_file("a.mdx", text.encode()) == Document("x", {"title": "Oil"})
    assert parse_file("a.md", b"\n" + text.encode()).front_matter == {}


def test_html_is_read_without_its_tags() -> None:
    page = (
        b"<!DOCTYPE html><html><head><title>Oil &amp; lamp</title><style>p {color: red}</style>"
        b"<script>if (1 < 2) alert('x')</script ></head><body><!-- not\nshown --><p>Warm it.</p>"
        b"\n \n\n <p>To 12&nbsp;&deg;C, if t &lt; 0.</p></body></html>"
    )
    text = parse_file("a.html", page).text
    assert text.split() == "Oil & lamp Warm it. To 12 °C, if t < 0.".split()
    assert "\n\n\n" not in text
    for word in ("color", "alert", "shown", "<p>"):
        assert word not in text


def test_xml_and_code() -> None:
    assert parse_file("a.xml", b"<a b='c'>one</a>").text.strip() == "one"
    assert parse_file("a.js", b"a < b && '<p>'").text == "a < b && '<p>'"


@pytest.mark.parametrize("piece", [" ", "<div>", "<!--", "<script>", "<style ", "<", "<a ", "\n \t", "</script", "-->"])
def test_markup_takes_linear_time(piece: str) -> None:
    """Quadratic time would hold the whole server for hours, as regular expressions let nobody else in."""
    started = time.process_time()
    parse_file("page.html", piece.encode() * 200_000)
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("a<!-- <b> -->c", "a c"),
        ("a<!-->b-->c", "a c"),
        ("a<!-- b", "a<!-- b"),
        ("a<SCRIPT>if (a < b) c</script >d", "a d"),
        ("a<script>b<p>c", "a b c"),
        ("a<style>b</script>c</style>d", "a d"),
        ("a<scripted>b</script>c", "a b c"),
        ("a < b and c > d", "a   d"),
        (f"a<{'b' * 2000}>c", "a c"),
        (f"a<{'b' * 2001}>c", f"a<{'b' * 2001}>c"),
    ],
)
def test_what_is_markup(markup: str, text: str) -> None:
    assert parse_file("page.html", markup.encode()).text == text


def test_front_matter_without_end_is_text() -> None:
    page = f"---\na: {'b' * 70_000}\n---\ntext"
    assert parse_file("a.md", page.encode()) == Document(page, {})
