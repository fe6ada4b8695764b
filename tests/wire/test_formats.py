"""Documents of every format through the API: found by what they say, or in error with the contract's word."""

import gzip
import re
from typing import Any

import pytest

from tests.documents import (
    encrypt_office,
    make_doc,
    make_docx,
    make_numbers,
    make_ods,
    make_odt,
    make_pdf,
    make_picture,
    make_ppt,
    make_pptx,
    make_word,
    make_xls,
    make_xlsb,
    make_xlsx,
    make_zip,
    need_catdoc,
    need_tesseract,
    shape,
)
from tests.wire.conftest import NEW, Wire, error_of

ITEMS = f"{NEW}/handbook/items"
ROWS = [["Grade", "Freezes"], ["B", "walrus"]]
PDF = make_pdf([(11, "The first page.")], [(11, "A walrus on the second.")])
FILES = {
    "a.pdf": PDF,
    "a.docx": make_word("<w:p><w:r><w:t>walrus</w:t></w:r></w:p>"),
    "a.xlsx": make_xlsx({"Stock": ROWS}),
    "a.xlsm": make_xlsx({"Stock": ROWS}),
    "a.xlsb": make_xlsb("Stock", ROWS),
    "a.xls": make_xls("Stock", ROWS),
    "a.et": make_xls("Stock", ROWS),
    "a.ods": make_ods([["Grade", "walrus"]]),
    "a.numbers": make_numbers({"Stock": {"Oil": ROWS}}),
    "a.rtf": rb"{\rtf1 walrus\par}",
    "a.odt": make_odt("<text:p>walrus</text:p>"),
    "a.pptx": make_pptx([shape("walrus")]),
    "a.htm": b"<p>walrus",
    "a.html": b"<h1>walrus</h1>",
    "a.csv": b"Grade,Freezes\nB,walrus\n",
    "a.xml": b"<a>walrus</a>",
    "a.svg": b"<svg><text>walrus</text></svg>",
    "a.log.gz": gzip.compress(b"walrus"),
}


ODD = "The speciﬁcation of the o\u00adil, a\u200bnd ﬂour"
ODD_FILES = {
    "a.md": f"# {ODD}".encode(),
    "a.txt": ODD.encode("utf-16"),
    "a.docx": make_word(f"<w:p><w:r><w:t>{ODD}</w:t></w:r></w:p>"),
    "a.odt": make_odt(f"<text:p>{ODD}</text:p>"),
    "a.xlsx": make_xlsx({"Stock": [[ODD]]}),
    "a.pptx": make_pptx([shape(ODD)]),
    "a.html": f"<p>{ODD}</p>".encode(),
    "a.csv": f"What\n{ODD}\n".encode(),
    "a.xml": f"<a>{ODD}</a>".encode(),
    "a.rtf": rb"{\rtf1 The speci\u64257?cation of the o\u173?il, a\u8203?nd \u64258?our\par}",
    "a.log.gz": gzip.compress(ODD.encode()),
}


@pytest.mark.parametrize("key", list(ODD_FILES))
def test_ligatures_and_hidden_characters(wire: Wire, key: str) -> None:
    """A document with them is found by the words as they are typed, and one without by words that have them."""
    wire.make()
    wire.upload(key, ODD_FILES[key])
    [chunk] = found(wire, "specification oil flour")
    assert {"specification", "oil", "and", "flour"} <= set(re.findall(r"\w+", chunk["text"]))
    assert found(wire, ODD) == [chunk]


def found(wire: Wire, query: str) -> list[dict[str, Any]]:
    """The chunks of a search by keywords."""
    options = {"retrieval": {"retrieval_type": "keyword"}}
    answer = wire.post(f"{NEW}/handbook/search", {"query": query, "ai_search_options": options})
    chunks: list[dict[str, Any]] = answer.json()["result"]["chunks"]
    return chunks


def error_type(wire: Wire, key: str, content: bytes) -> str:
    item = wire.upload(key, content).json()["result"]
    assert item["status"] == "error"
    log = wire.get(f"{ITEMS}/{item['id']}/logs").json()["result"][0]
    kind: str = item["error"].partition(":")[0]
    assert log["errorType"] == kind
    return kind


def test_every_format_is_indexed(wire: Wire) -> None:
    wire.make()
    for key, content in FILES.items():
        assert wire.upload(key, content).json()["result"]["status"] == "completed", key
    [chunk] = found(wire, "walrus second")
    assert (chunk["item"]["key"], chunk["item"]["metadata"]["page"]) == ("a.pdf", 1)
    keys = {item["key"] for page in (1, 2) for item in wire.get(ITEMS, page=page).json()["result"]}
    assert keys == set(FILES)
    for key in FILES:
        [item] = wire.get(ITEMS, key=key).json()["result"]
        chunks = wire.get(f"{ITEMS}/{item['id']}/chunks").json()["result"]
        assert any("walrus" in one["text"] for one in chunks), key


def test_the_log_tells_of_what_is_hidden(wire: Wire) -> None:
    wire.make()
    deck = make_pptx([shape("walrus"), shape("secret narwhal")], hidden=[2])
    item = wire.upload("a.pptx", deck).json()["result"]
    messages = [line["message"] for line in wire.get(f"{ITEMS}/{item['id']}/logs").json()["result"]]
    assert any("hidden slides were skipped: 1" in message for message in messages)
    assert [chunk["item"]["metadata"]["page"] for chunk in found(wire, "walrus")] == [2]
    assert found(wire, "narwhal") == []


@pytest.mark.system
def test_documents_of_before_2007(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    need_catdoc()
    wire.make()
    for key, content in {"a.doc": make_doc(["walrus"]), "b.ppt": make_ppt([["walrus"]])}.items():
        assert wire.upload(key, content).json()["result"]["status"] == "completed", key
    assert {chunk["item"]["key"] for chunk in found(wire, "walrus")} == {"a.doc", "b.ppt"}
    monkeypatch.setenv("PATH", "")
    assert error_of(wire.upload("d.doc", make_doc(["walrus"]))) == (400, 7060, "unsupported_file_type")


def test_the_page_of_a_passage(wire: Wire) -> None:
    wire.make(chunk_size=64)
    long = [[(11, f"Sentence {at} of the page about lamps and oil.") for at in range(20)] for _ in range(2)]
    wire.upload("a.pdf", make_pdf(*long, [(11, "A walrus.")]))
    [chunk] = found(wire, "walrus")
    assert chunk["item"]["metadata"]["page"] in (2, 3)
    wire.upload("a.pdf", make_pdf(*long, [(11, "A walrus.")]), metadata={"page": "cover"})
    assert found(wire, "walrus")[0]["item"]["metadata"]["page"] == "cover"


@pytest.mark.parametrize(("kind", "expected"), [("number", 2), ("text", None)])
def test_filters_by_page(wire: Wire, kind: str, expected: int | None) -> None:
    wire.make(custom_metadata=[{"field_name": "page", "data_type": kind}], chunk_size=64)
    line = "walrus " * 10
    wire.upload("a.pdf", make_pdf(*[[(9, line)] * 9] * 2))
    body = {"query": "walrus", "ai_search_options": {"retrieval": {"filters": {"page": 2}, "match_threshold": 0}}}
    chunks = wire.post(f"{NEW}/handbook/search", body).json()["result"]["chunks"]
    assert {chunk["item"]["metadata"]["page"] for chunk in chunks} == ({expected} if expected else set())


@pytest.mark.parametrize(
    ("key", "content", "kind"),
    [
        ("report.txt", PDF, "unsupported_type"),
        ("tricky.md", b"\0\1\2" * 99, "file_is_corrupt"),
        ("a.docx", make_zip({"a.txt": "words"}), "file_is_corrupt"),
        ("a.docx", make_docx()[:3000], "file_is_corrupt"),
        ("a.docx", encrypt_office(make_docx()), "file_is_password_locked"),
        ("a.xlsx", encrypt_office(make_xlsx({"Stock": ROWS})), "file_is_password_locked"),
        ("a.pdf", make_pdf([(11, "secret")], password="pass"), "file_is_password_locked"),
        ("a.pdf", PDF[:300], "invalid_pdf"),
        ("a.pdf", b"", "file_content_empty"),
        ("a.md", b" \n", "file_content_empty"),
        ("a.html", b"<nav>Home</nav>", "markdown_conversion_empty"),
        ("a.docx", make_zip({"word/document.xml": b" " * (70 << 20)}), "over_size"),
        ("a.csv", b",".join([b"c"] * 3000) + b"\n" + b"x\n" * 2000, "markdown_too_large"),
    ],
)
def test_error_types(wire: Wire, key: str, content: bytes, kind: str) -> None:
    wire.make()
    assert error_type(wire, key, content) == kind
    assert wire.upload("next.html", b"<p>walrus").json()["result"]["status"] == "completed"


def test_a_document_that_replaces_a_broken_one(wire: Wire) -> None:
    wire.make()
    error_type(wire, "a.pdf", PDF[:300])
    assert wire.upload("a.pdf", PDF).json()["result"]["status"] == "completed"
    error_type(wire, "a.pdf", PDF[:300])


def test_meta_elements(wire: Wire) -> None:
    wire.make(
        custom_metadata=[
            {"field_name": "station", "data_type": "text"},
            {"field_name": "severity", "data_type": "number"},
            {"field_name": "description", "data_type": "text"},
            {"field_name": "due", "data_type": "datetime"},
        ]
    )
    page = (
        b"<head><meta name=Station content=north><meta property=severity content=2><meta name=author content=Eve>"
        b"<meta property='og:description' content='How to warm'><meta name=due content=soon></head><p>walrus"
    )
    wire.upload("a.html", page)
    wire.upload("b.html", page, metadata={"station": "south"})
    metadata = {chunk["item"]["key"]: chunk["item"]["metadata"] for chunk in found(wire, "walrus")}
    assert (metadata["a.html"]["station"], metadata["b.html"]["station"]) == ("north", "south")
    assert metadata["a.html"]["severity"] == 2
    assert metadata["a.html"]["description"] == "How to warm"
    assert {"author", "due"}.isdisjoint(metadata["a.html"])
    body = {"query": "walrus", "ai_search_options": {"retrieval": {"filters": {"station": "north"}}}}
    answer = wire.post(f"{NEW}/handbook/search", body).json()["result"]["chunks"]
    assert [chunk["item"]["key"] for chunk in answer] == ["a.html"]


@pytest.mark.system
def test_scanned_pages(wire: Wire) -> None:
    need_tesseract()
    wire.make()
    scan = make_pdf(picture=make_picture("A walrus in winter"))
    assert error_type(wire, "scan.pdf", scan) == "markdown_conversion_empty"
    changed = wire.ask("PUT", f"{NEW}/handbook", json={"indexing_options": {"use_ocr": True}}).json()["result"]
    assert changed["indexing_options"]["use_ocr"] is True
    wire.run(wire.indexing.drain())
    [chunk] = found(wire, "walrus")
    assert (chunk["text"], chunk["item"]["metadata"]["page"]) == ("A walrus in winter", 1)


@pytest.mark.system
def test_pictures(wire: Wire) -> None:
    need_tesseract()
    wire.make()
    wire.upload("sign.png", make_picture("Beware of the walrus"))
    assert found(wire, "walrus")[0]["text"] == "Beware of the walrus"


def test_pictures_without_tesseract(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    wire.make()
    assert error_type(wire, "sign.png", make_picture("walrus")) == "unable_to_convert_to_markdown"
