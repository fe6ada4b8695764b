"""Bytes become text: which files, which encodings, what front matter, what of HTML."""

import asyncio
import gzip
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.letters import as_typed
from secondlook.errors import FileTooLargeError, FileUnreadableError
from secondlook.ingest.formats.reading import Wanted
from secondlook.ingest.kinds import RICH_LIMIT, TEXT_LIMIT
from secondlook.ingest.parse import Document, parse_file, read_file, unpack
from secondlook.ingest.pool import ReaderPool

TEXTS = st.text(st.characters(exclude_characters="\0\r\ufeff", exclude_categories=["Cs"]), max_size=80)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@given(text=TEXTS)
def test_what_is_encoded_is_decoded(encoding: str, text: str) -> None:
    content = text.encode(encoding)
    assert parse_file("a.txt", content).text == as_typed(text)


@pytest.mark.parametrize("mark", [(b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")])
def test_both_orders_of_utf_16(mark: tuple[bytes, str]) -> None:
    assert parse_file("a.txt", mark[0] + "Öl 🦊".encode(mark[1])).text == "Öl 🦊"
    assert parse_file("a.txt", mark[0] + "Öl".encode(mark[1]) + b"\xd8").text.startswith("Öl")


def test_what_is_no_utf_8_is_text_of_windows() -> None:
    assert parse_file("a.txt", "“Öl” für 12 °C, 5 €".encode("cp1252")).text == "“Öl” für 12 °C, 5 €"


def test_xml_in_the_encoding_that_it_declares() -> None:
    page = '<?xml version="1.0" encoding="windows-1251"?><a>Масло</a>'
    assert parse_file("a.xml", page.encode("cp1251")).text.strip() == "Масло"
    assert parse_file("a.xml", page.encode()).text.strip() == "Масло"
    assert parse_file("a.txt", page.encode("cp1251")).text != page


@given(st.binary(max_size=60).filter(lambda content: b"\0" not in content))
def test_any_bytes_without_nul_become_text_that_can_be_stored(content: bytes) -> None:
    found = parse_file("a.md", content)
    found.text.encode()
    assert "\0" not in found.text
    assert "\r\n" not in found.text


def test_binary_is_no_text() -> None:
    with pytest.raises(FileUnreadableError, match=r"file_is_corrupt: logo\.md contains binary"):
        parse_file("logo.md", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")


def test_a_late_nul_is_dropped() -> None:
    assert parse_file("a.txt", b"x" * 9000 + b"\0y").text == "x" * 9000 + "y"


def test_line_ends_of_windows() -> None:
    assert parse_file("a.txt", b"one\r\ntwo\rthree\n").text == "one\ntwo\rthree\n"


def test_front_matter() -> None:
    content = b"---\r\ntitle: Oil\r\ndate: 2026-07-01\r\ntags: [a, b]\r\n7: seven\r\n---\r\nWarm it."
    found = parse_file("a.md", content)
    assert found.text == "Warm it."
    assert found.front_matter == {"title": "Oil", "date": "2026-07-01", "tags": ["a", "b"], "7": "seven"}


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


def test_xml_is_read_without_its_tags() -> None:
    page = (
        b"<!DOCTYPE html><html><head><title>Oil &amp; lamp</title><style>p {color: red}</style>"
        b"<script>if (1 < 2) alert('x')</script ></head><body><!-- not\nshown --><p>Warm it.</p>"
        b"\n \n\n <p>To 12&nbsp;&deg;C, if t &lt; 0.</p></body></html>"
    )
    text = parse_file("a.xml", page).text
    assert text.split() == "Oil & lamp Warm it. To 12 °C, if t < 0.".split()
    assert "\n\n\n" not in text
    for word in ("color", "alert", "shown", "<p>"):
        assert word not in text


@pytest.mark.parametrize(
    "page",
    [
        b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><l>&b;&b;</l>',
        b'<!DOCTYPE l [<!ENTITY a "' + b"h" * 99_000 + b'">]><l>' + b"&a;" * 99_000 + b"</l>",
        b'<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><l>&a;</l>',
        b"<a>" * 200_000 + b"deep",
    ],
    ids=["billion laughs", "quadratic", "external", "deep"],
)
def test_xml_expands_nothing(page: bytes) -> None:
    assert len(parse_file("a.xml", page).text) <= len(page)


def test_xml_and_code() -> None:
    assert parse_file("a.xml", b"<a b='c'>one</a>").text.strip() == "one"
    assert parse_file("a.svg", b"<svg><text>North</text></svg>").text.strip() == "North"
    assert parse_file("a.js", b"a < b && '<p>'").text == "a < b && '<p>'"


@pytest.mark.parametrize(
    "piece",
    [
        " ", "<div>", "<!--", "<script>", "<style ", "<", "<a ", "\n \t", "</script", "-->", "<![CDATA[", "]]>",
        "<![CDATA[ <![CDATA[ a ]]>", "<![CDATA[ <!-- ]]>",
    ],
)  # fmt: skip
def test_markup_takes_linear_time(piece: str) -> None:
    """Quadratic time would hold the whole server for hours, as regular expressions let nobody else in."""
    started = time.process_time()
    parse_file("page.xml", piece.encode() * 200_000)
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
        ("<a><![CDATA[Oil]]></a>", " Oil "),
        ("a<![CDATA[b]]>c", "abc"),
        ("<![CDATA[<p>Warm it.</p> if t < 0 && u > 1, &amp; x<y]]>", " Warm it.  if t < 0 && u > 1, & x<y"),
        ("<![CDATA[ <p]]>b>c", " <pb>c"),
        ("<![CDATA[a <!-- b --> <script>c</script> d]]>", "a     d"),
        ("<![CDATA[a<![CDATA[b]]>c]]>", "a<![CDATA[bc]]>"),
        ("<!-- <![CDATA[ --> a <![CDATA[b]]>", "  a b"),
        ("<script><![CDATA[ a ]]></script>b", " b"),
        ("a <![CDATA[b <i>c", "a b  c"),
    ],
)
def test_what_is_markup(markup: str, text: str) -> None:
    assert parse_file("page.xml", markup.encode()).text == text


def test_front_matter_without_end_is_text() -> None:
    page = f"---\na: {'b' * 70_000}\n---\ntext"
    assert parse_file("a.md", page.encode()) == Document(page, {})


def read(key: str, content: bytes, wanted: Wanted | None = None) -> Document:
    async def work() -> Document:
        pool = ReaderPool()
        try:
            return await read_file(key, content, pool, wanted or Wanted())
        finally:
            await pool.close()

    return asyncio.run(work())


def test_files_are_read_by_their_kind() -> None:
    assert read("a.md", b"---\ntitle: Oil\n---\nWarm it.") == Document("Warm it.", {"title": "Oil"})
    page = read("a.html", b"<title>Oil</title><meta name=station content=north><p>Warm it.")
    assert page == Document("# Oil\n\nWarm it.", {}, "Oil", [], {"title": "Oil", "station": "north"}, [])


@pytest.mark.parametrize(
    ("key", "content", "kind"),
    [
        ("a.md", b"", "file_content_empty"),
        ("a.pdf", b"", "file_content_empty"),
        ("a.txt", b"%PDF-1.7", "unsupported_type"),
        ("a.html", b"<p></p>", "markdown_conversion_empty"),
        ("a.docx", b"PK\3\4", "file_is_corrupt"),
    ],
)
def test_files_that_cannot_be_read(key: str, content: bytes, kind: str) -> None:
    with pytest.raises(FileUnreadableError, match=f"{kind}: ") as caught:
        read(key, content)
    assert caught.value.kind == kind


def test_a_file_that_is_too_large_for_its_type() -> None:
    with pytest.raises(FileTooLargeError, match="over_size"):
        read("a.pdf", b"%PDF-" + b" " * RICH_LIMIT)
    with pytest.raises(FileUnreadableError, match="invalid_pdf"):
        read("a.pdf", b"%PDF-" + b" " * RICH_LIMIT, Wanted(ocr=True))


def test_packed_logs() -> None:
    packed = gzip.compress(b"line one\n") + gzip.compress("Öl\n".encode())
    assert parse_file("a.log.gz", packed).text == "line one\nÖl\n"
    assert unpack("a.log.gz", packed + b"\0" * 10) == b"line one\n" + "Öl\n".encode()


@pytest.mark.parametrize(
    ("packed", "words"),
    [
        (gzip.compress(b"x" * TEXT_LIMIT + b"x"), "over_size: a.log.gz unpacks to more than 10,485,760 bytes"),
        (gzip.compress(b"x" * TEXT_LIMIT) * 3, "over_size"),
        (gzip.compress(b"words " * 99)[:-9], "file_is_corrupt: a.log.gz is truncated"),
        (b"\x1f\x8b" + b"junk" * 9, "file_is_corrupt: could not unpack a.log.gz"),
        (gzip.compress(b"\0\1\2"), "file_is_corrupt: a.log.gz contains binary data"),
    ],
    ids=["bomb", "bomb of parts", "cut", "junk", "binary"],
)
def test_packed_logs_that_are_refused(packed: bytes, words: str) -> None:
    with pytest.raises(FileUnreadableError, match=words):
        parse_file("a.log.gz", packed)


def test_the_largest_packed_log() -> None:
    assert len(unpack("a.log.gz", gzip.compress(b"x" * TEXT_LIMIT))) == TEXT_LIMIT
