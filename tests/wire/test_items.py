"""Items: upload and upsert, limits, lists, re-index, chunks, download, delete."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from tests.wire.conftest import NEW, PAGES, Wire, error_of, keys_of

ITEMS = f"{NEW}/handbook/items"
MEBIBYTE = 1 << 20


def test_an_uploaded_item(wire: Wire) -> None:
    wire.make(custom_metadata=[{"field_name": "severity", "data_type": "number"}])
    answer = wire.upload("signals/fog.md", "Two blasts.", metadata={"severity": "2", "note": "kept"})
    item = answer.json()["result"]
    assert (item["key"], item["status"], item["next_action"]) == ("signals/fog.md", "completed", None)
    assert item["checksum"] == hashlib.md5(b"Two blasts.").hexdigest()
    assert (item["chunks_count"], item["file_size"], item["source_id"]) == (1, 11, "builtin")
    assert item["namespace"] == "default"
    metadata = item["metadata"]
    assert (metadata["folder"], metadata["filename"]) == ("signals/", "fog.md")
    assert (metadata["severity"], metadata["note"]) == (2, "kept")
    assert item["created_at"].endswith("Z")
    assert item.pop("warnings") == [{"code": "custom_metadata_field_not_filterable", "field": "note"}]
    assert wire.get(f"{ITEMS}/{item['id']}").json()["result"] == item


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("filename*=UTF-8''na%C3%AFve.txt", "naïve.txt"),
        ('filename="=?utf-8?B?bmHDr3ZlLnR4dA==?="', "naïve.txt"),
        ("filename=\"naive.txt\"; filename*=UTF-8''%E6%B2%B9.md", "油.md"),
    ],
)
def test_names_are_spelled_in_several_ways(wire: Wire, spelled: str, name: str) -> None:
    wire.make()
    body = (
        f'--x\r\nContent-Disposition: form-data; name="file"; {spelled}\r\n\r\nWarm it.\r\n'
        '--x\r\nContent-Disposition: form-data; name="wait_for_completion"\r\n\r\ntrue\r\n--x--\r\n'
    )
    head = {"content-type": "multipart/form-data; boundary=x"}
    item = wire.ask("POST", ITEMS, content=body.encode(), headers=head).json()["result"]
    assert (item["key"], item["status"], item["file_size"]) == (name, "completed", 8)


def test_upload_without_waiting_is_queued(wire: Wire) -> None:
    wire.make()
    item = wire.upload("a.md", "text", wait="false").json()["result"]
    assert (item["status"], item["next_action"]) == ("queued", "INDEX")
    wire.run(wire.indexing.drain())
    assert wire.get(f"{ITEMS}/{item['id']}").json()["result"]["status"] == "completed"


def test_the_same_key_replaces(filled: Wire) -> None:
    before = filled.get(ITEMS, key="signals/fog.md").json()["result"][0]
    after = filled.upload("signals/fog.md", "Three blasts now.").json()["result"]
    assert after["id"] == before["id"]
    assert filled.get(ITEMS).json()["result_info"]["total_count"] == 3
    found = filled.post(f"{NEW}/handbook/search", {"query": "three blasts"}).json()["result"]["chunks"]
    assert [chunk["text"] for chunk in found if chunk["item"]["key"] == "signals/fog.md"] == ["Three blasts now."]


def test_an_empty_file_becomes_an_item_in_error(wire: Wire) -> None:
    wire.make()
    item = wire.upload("empty.md", b"").json()["result"]
    assert item["status"] == "error"
    assert item["error"].startswith("file_content_empty")


def test_binary_content_becomes_an_item_in_error(wire: Wire) -> None:
    wire.make()
    item = wire.upload("tricky.md", b"\x00\x01\x02" * 100).json()["result"]
    assert item["status"] == "error"
    assert item["error"].startswith("file_is_corrupt")
    assert keys_of(wire.post(f"{NEW}/handbook/search", {"query": "tricky"})) == []


@pytest.mark.parametrize("key", ["plan.pages", "program.exe", "README"])
def test_file_types_that_are_not_indexed(wire: Wire, key: str) -> None:
    wire.make()
    assert error_of(wire.upload(key, b"\x89PNG\x00")) == (400, 7060, "unsupported_file_type")


def test_a_file_just_over_the_limit(wire: Wire) -> None:
    wire.make()
    answer = wire.upload("big.md", b"a" * (10 * MEBIBYTE + 1))
    assert error_of(answer) == (413, 7054, "file_exceeds_maximum_size")


def test_fifty_megabytes(wire: Wire) -> None:
    wire.make()
    assert error_of(wire.upload("big.md", b"a" * 50_000_000))[:2] == (413, 7054)


def test_fifty_megabytes_of_unknown_length_are_cut_off(wire: Wire) -> None:
    wire.make()
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.md"\r\n\r\n'
        for _ in range(50):
            sent += 1
            yield b"a" * MEBIBYTE
        yield b"\r\n--b--\r\n"

    headers = {"content-type": "multipart/form-data; boundary=b"}
    assert error_of(wire.ask("POST", ITEMS, content=body(), headers=headers))[:2] == (413, 7054)
    assert sent < 15


def test_the_longest_key(wire: Wire) -> None:
    wire.make()
    assert wire.upload("k" * 125 + ".md", "text").status_code == 200
    assert error_of(wire.upload("k" * 126 + ".md", "text")) == (400, 7072, "filename_exceeds_maximum_length")


@pytest.mark.parametrize(
    "metadata", ["{", "[]", "3", '{"a": {"b": 1}}', '{"a": NaN}', '{"a": "\\ud800"}', "[" * 100_000]
)
def test_metadata_that_is_refused(wire: Wire, metadata: str) -> None:
    wire.make()
    assert error_of(wire.upload("a.md", "text", metadata=metadata)) == (400, 7056, "invalid_metadata_format")


def test_a_number_that_is_none_is_left_out(wire: Wire) -> None:
    wire.make(custom_metadata=[{"field_name": "severity", "data_type": "number"}])
    item = wire.upload("a.md", "text", metadata={"severity": "nan"}).json()["result"]
    assert "severity" not in item["metadata"]


@pytest.mark.parametrize(
    "request_parts",
    [
        {"json": {"file": "x"}},
        {"data": {"metadata": "{}"}},
        {"files": {"other": ("a.md", b"text")}},
        {"data": {"file": "not a file"}, "files": {"other": ("a.md", b"text")}},
    ],
)
def test_an_upload_without_its_file(wire: Wire, request_parts: dict[str, Any]) -> None:
    wire.make()
    assert error_of(wire.ask("POST", ITEMS, **request_parts)) == (400, 7055, "file_field_is_required")


def test_a_broken_form(wire: Wire) -> None:
    wire.make()
    for kind in ("multipart/form-data", "multipart/form-data; boundary=b"):
        answer = wire.ask("POST", ITEMS, content=b"--c\r\nnonsense", headers={"content-type": kind})
        assert error_of(answer)[0] == 400


def test_lists(filled: Wire) -> None:
    first = filled.get(ITEMS, page=1, per_page=2).json()
    second = filled.get(ITEMS, page=2, per_page=2).json()
    beyond = filled.get(ITEMS, page=3, per_page=2).json()
    assert first["result_info"] == {"count": 2, "page": 1, "per_page": 2, "total_count": 3}
    keys = [item["key"] for item in first["result"] + second["result"] + beyond["result"]]
    assert sorted(keys) == sorted(PAGES)
    assert beyond["result"] == []

    def listed(**query: Any) -> list[str]:
        return sorted(item["key"] for item in filled.get(ITEMS, **query).json()["result"])

    item = first["result"][0]
    assert listed(search="OIL") == ["stores/oil-grades.md", "winter/oil.md"]
    assert listed(key="winter/oil.md") == ["winter/oil.md"]
    assert listed(item_id=item["id"]) == [item["key"]]
    assert listed(status="error") == []
    assert listed(status="completed", sort_by="modified_at") == sorted(PAGES)
    assert listed(metadata_filter='{"folder": "winter/"}') == ["winter/oil.md"]
    assert listed(source="builtin") == sorted(PAGES)


@pytest.mark.parametrize(
    "query",
    [{"page": 0}, {"per_page": 51}, {"per_page": "x"}, {"status": "lost"}, {"sort_by": "size"}],
)
def test_list_parameters_that_are_refused(filled: Wire, query: dict[str, Any]) -> None:
    answer = filled.get(ITEMS, **query)
    assert error_of(answer) == (400, 7400, "invalid_request")
    assert next(iter(query)) in answer.json()["errors"][0]["detail"]


def test_chunks(wire: Wire) -> None:
    wire.make(chunk_size=64, chunk_overlap=0)
    text = "\n\n".join(f"Paragraph {n} speaks of lamps. " + "Word " * 40 for n in range(5))
    item = wire.upload("long.md", text).json()["result"]
    path = f"{ITEMS}/{item['id']}/chunks"
    body = wire.get(path, limit=2, offset=1).json()
    assert body["result_info"] == {"count": 2, "total": item["chunks_count"], "limit": 2, "offset": 1}
    chunk = body["result"][0]
    assert chunk["item"]["key"] == "long.md"
    assert text.encode()[chunk["start_byte"] : chunk["end_byte"]].decode() == chunk["text"]
    assert wire.get(path, offset=2**31 - 1).json()["result"] == []
    for bad in ({"limit": 0}, {"limit": 101}, {"offset": -1}, {"offset": 10**30}):
        assert error_of(wire.get(path, **bad))[:2] == (400, 7400)


def test_download(filled: Wire) -> None:
    item = filled.upload("späße/grün.md", "Grüße".encode()).json()["result"]
    answer = filled.get(f"{ITEMS}/{item['id']}/download")
    assert answer.content.decode() == "Grüße"
    assert "gr%C3%BCn.md" in answer.headers["content-disposition"]


@pytest.mark.parametrize("kind", ["text/\x01x", "text/gr\u00fcn", "\u20ac", "plain", "text/plain\tx"])
def test_download_of_a_file_with_an_impossible_type(wire: Wire, kind: str) -> None:
    wire.make()
    body = (
        f'--b\r\nContent-Disposition: form-data; name="file"; filename="a.md"\r\nContent-Type: {kind}\r\n\r\ntext\r\n'
    )
    headers = {"content-type": "Multipart/Form-Data; boundary=b"}
    item = wire.ask("POST", ITEMS, content=f"{body}--b--\r\n".encode(), headers=headers).json()["result"]
    answer = wire.get(f"{ITEMS}/{item['id']}/download")
    assert (answer.content, answer.headers["content-type"]) == (b"text", "application/octet-stream")


@pytest.mark.parametrize("field", ["file", "metadata", "wait_for_completion"])
def test_a_field_that_is_sent_twice(wire: Wire, field: str) -> None:
    wire.make()
    file = ("a.md", b"text")
    parts: list[tuple[str, Any]] = [("file", file)]
    parts += [("file", file)] if field == "file" else [(field, (None, b"{}")), (field, (None, b"{}"))]
    answer = wire.ask("POST", ITEMS, files=parts)
    assert error_of(answer)[:2] == (400, 7400)
    assert field in answer.json()["errors"][0]["detail"]
    assert wire.get(ITEMS).json()["result"] == []


def test_metadata_as_a_part_of_its_own_type(wire: Wire) -> None:
    wire.make()
    parts = [("file", ("a.md", b"text")), ("metadata", ("blob", b'{"station": "north"}', "application/json"))]
    assert wire.ask("POST", ITEMS, files=parts).json()["result"]["metadata"]["station"] == "north"


@pytest.mark.parametrize("where", ['{"folder": {"$gt": "\\ud800"}}', '{"timestamp": NaN}', "[" * 2000, "[]", "{"])
def test_list_filters_that_are_refused(filled: Wire, where: str) -> None:
    assert error_of(filled.get(ITEMS, metadata_filter=where))[:2] == (400, 7058)


@pytest.mark.parametrize("wait", [True, False, None])
def test_reindex(filled: Wire, wait: bool | None) -> None:
    item = filled.get(ITEMS).json()["result"][0]
    body = {"next_action": "INDEX", "wait_for_completion": wait}
    assert filled.ask("PATCH", f"{ITEMS}/{item['id']}", json=body).json()["result"]["id"] == item["id"]
    again = filled.ask("PUT", ITEMS, json={"key": item["key"], **body, "wait_for_completion": True}).json()["result"]
    assert (again["id"], again["status"]) == (item["id"], "completed")


def test_reindex_that_is_refused(filled: Wire) -> None:
    item = filled.get(ITEMS).json()["result"][0]
    answer = filled.ask("PATCH", f"{ITEMS}/{item['id']}", json={"next_action": "EXPLODE"})
    assert error_of(answer)[:2] == (400, 7400)
    assert error_of(filled.ask("PUT", ITEMS, json={"next_action": "INDEX"}))[:2] == (400, 7400)
    assert error_of(filled.ask("PUT", ITEMS, json={"key": "nope.md", "next_action": "INDEX"}))[:2] == (404, 7041)


def test_delete(filled: Wire) -> None:
    item = filled.get(ITEMS, key="signals/fog.md").json()["result"][0]
    assert filled.ask("DELETE", f"{ITEMS}/{item['id']}").json()["result"] == {"key": "signals/fog.md"}
    found = keys_of(filled.post(f"{NEW}/handbook/search", {"query": "fog horn"}))
    assert "signals/fog.md" not in found
    for method, tail in (("GET", ""), ("DELETE", ""), ("GET", "/chunks"), ("GET", "/download")):
        answer = filled.ask(method, f"{ITEMS}/{item['id']}{tail}")
        assert error_of(answer) == (404, 7041, "item_not_found")


def test_many_items_are_deleted_or_indexed_again_at_once(filled: Wire) -> None:
    rows = filled.get(ITEMS).json()["result"]
    ids = [one["id"] for one in rows]
    again = filled.post(f"{ITEMS}/bulk", {"action": "sync", "item_ids": ids}).json()["result"]
    assert (sorted(again["done"]), again["failed"]) == (sorted(ids), [])
    body = {"action": "delete", "item_ids": [*ids[:2], ids[0], "none"]}
    gone = filled.post(f"{ITEMS}/bulk", body).json()["result"]
    assert sorted(gone["done"]) == sorted(ids[:2])
    assert [one["id"] for one in gone["failed"]] == ["none"]
    assert "none" in gone["failed"][0]["message"]
    assert [one["id"] for one in filled.get(ITEMS).json()["result"]] == ids[2:]


@pytest.mark.parametrize("body", [{}, {"action": "drop", "item_ids": ["a"]}, {"action": "delete", "item_ids": []}])
def test_bulk_requests_that_are_refused(filled: Wire, body: dict[str, object]) -> None:
    assert error_of(filled.post(f"{ITEMS}/bulk", body))[:2] == (400, 7400)
    assert error_of(filled.post(f"{ITEMS}/bulk", {"action": "delete", "item_ids": ["x"] * 201}))[0] == 400
    assert len(filled.get(ITEMS).json()["result"]) == 3


def test_the_list_of_instances_counts_their_items(filled: Wire) -> None:
    filled.upload("empty.md", "")
    [found] = filled.get(NEW).json()["result"]
    assert found["item_counts"] == {
        "queued": 0, "running": 0, "completed": 3, "error": 1, "skipped": 0, "outdated": 0,
    }  # fmt: skip
    assert filled.get(f"{NEW}/handbook").json()["result"]["item_counts"]["error"] == 1


SCHEMA = [
    {"field_name": "price", "data_type": "number"},
    {"field_name": "open", "data_type": "boolean"},
    {"field_name": "due", "data_type": "datetime"},
    {"field_name": "sku", "data_type": "text"},
]


WARNED: Sequence[tuple[Any, list[tuple[str, str]]]] = (
    ({"price": "cheap"}, [("price", "number")]),
    ({"price": True}, [("price", "number")]),
    ({"price": ["1"]}, [("price", "number")]),
    ({"open": "perhaps"}, [("open", "boolean")]),
    ({"due": "soon"}, [("due", "datetime")]),
    ({"due": "2026-02-30"}, [("due", "datetime")]),
    ({"PRICE": "cheap", "Due": "soon"}, [("PRICE", "number"), ("Due", "datetime")]),
    ({"colour": "red"}, [("colour", "")]),
    ({"colour": "red", "price": "cheap", "sku": 7}, [("colour", ""), ("price", "number")]),
    ({"tags": ["a", "b"]}, [("tags", "")]),
    ({"price": 7, "open": "yes", "due": "2026-02-03", "sku": 12345}, []),
    ({"price": "7.5", "open": 0, "due": 1_700_000_000, "sku": True}, []),
    ({"price": None, "colour": None, "filename": "x", "Folder": "y/", "timestamp": 1}, []),
    ({}, []),
    (None, []),
)
"""Metadata, and the fields that are warned of: each with the type that it should have, or none if not configured."""


def test_an_upload_warns_of_what_filters_will_not_see(wire: Wire) -> None:
    wire.make(custom_metadata=SCHEMA)
    for number, (metadata, warnings) in enumerate(WARNED):
        wait = "true" if number % 3 == 0 else "false"
        item = wire.upload(f"{number}.md", "Words.", metadata=metadata, wait=wait).json()["result"]
        expected = [
            {"code": "custom_metadata_value_not_indexed", "field": field, "expected_type": kind}
            if kind
            else {"code": "custom_metadata_field_not_filterable", "field": field}
            for field, kind in warnings
        ]
        assert item.get("warnings", []) == expected, metadata
        assert ("warnings" in item) is bool(expected)
        assert "warnings" not in wire.get(f"{NEW}/handbook/items/{item['id']}").json()["result"]


def test_what_is_warned_of_is_what_a_filter_does_not_find(wire: Wire) -> None:
    wire.make(custom_metadata=SCHEMA, score_threshold=0)
    warned = wire.upload("a.md", "Words.", metadata={"price": "cheap", "sku": "x"}).json()["result"]["warnings"]
    assert [one["field"] for one in warned] == ["price"]

    def found(filters: Any) -> int:
        body = {"query": "words", "ai_search_options": {"retrieval": {"filters": filters}}}
        answer = wire.post(f"{NEW}/handbook/search", body)
        return len(answer.json()["result"]["chunks"])

    assert found({"sku": "x"}) == 1
    assert found({"price": {"$gte": 0}}) == 0
