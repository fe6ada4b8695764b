"""Items on the wire: the form of an upload, and what items and chunks look like."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.types import Message

from secondlook.api.ai_search.items import LARGEST_BODY, chunks_of, item_of, read_upload
from secondlook.domain.instance import Instance, InstanceSettings, Item
from secondlook.errors import FileMissingError, FileTooLargeError, InvalidMetadataError, InvalidOptionError
from secondlook.services.indexing import Upload
from tests.unit.api.conftest import CHUNK
from tests.wire.conftest import NEW, Wire

INSTANCE = Instance("u1", "acc", "team", "docs", InstanceSettings(), 1, 1)
ITEM = Item(
    "i1",
    "u1",
    "winter/oil.md",
    "completed",
    "md5",
    8,
    chunks_count=1,
    metadata={"colour": "red"},
    created_at=1000,
    last_seen_at=2000,
)


def read(headers: dict[str, str] | None = None, **form: Any) -> tuple[Upload, bool]:
    """What is read of the form that httpx writes."""
    sent = httpx.Request("POST", "http://x/", **form)
    names = {**dict(sent.headers), **(headers or {})}

    async def receive() -> Message:
        return {"type": "http.request", "body": sent.read(), "more_body": False}

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "headers": [(name.encode(), value.encode()) for name, value in names.items()],
    }
    return asyncio.run(read_upload(Request(scope, receive)))


FILE = {"file": ("oil.md", b"Warm it.", "text/markdown")}


def test_a_form_is_read() -> None:
    upload, wait = read(files=FILE, data={"metadata": '{"colour": "red"}', "wait_for_completion": "TRUE"})
    assert upload == Upload("oil.md", b"Warm it.", "text/markdown", {"colour": "red"})
    assert wait is True


@pytest.mark.parametrize(("text", "wait"), [("1", True), ("0", False), ("false", False), ("", False)])
def test_when_to_wait(text: str, wait: bool) -> None:
    assert read(files=FILE, data={"wait_for_completion": text})[1] is wait
    assert read(files=FILE) == (Upload("oil.md", b"Warm it.", "text/markdown", {}), False)


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"json": {"file": "x"}}, FileMissingError),
        ({"files": {"other": ("a.md", b"x")}}, FileMissingError),
        ({"data": {"file": "text"}, "files": {"x": ("a.md", b"x")}}, FileMissingError),
        ({"files": FILE, "data": {"wait_for_completion": "soon"}}, InvalidOptionError),
        ({"files": FILE, "data": {"metadata": "{"}}, InvalidMetadataError),
        ({"files": FILE, "data": {"metadata": "[1]"}}, InvalidMetadataError),
        ({"files": FILE, "data": {"metadata": '{"a": NaN}'}}, InvalidMetadataError),
        ({"files": FILE, "data": {"metadata": '{"a": "\\ud800"}'}}, InvalidMetadataError),
        ({"files": FILE, "data": {"metadata": "[" * 100_000}}, InvalidMetadataError),
        ({"files": FILE, "headers": {"content-length": str(LARGEST_BODY + 1)}}, FileTooLargeError),
    ],
)
def test_forms_that_are_refused(form: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        read(**form)


def test_an_item() -> None:
    shown = item_of(ITEM, INSTANCE)
    assert shown == {
        "id": "i1",
        "key": "winter/oil.md",
        "status": "completed",
        "next_action": None,
        "checksum": "md5",
        "namespace": "team",
        "chunks_count": 1,
        "file_size": 8,
        "source_id": "builtin",
        "last_seen_at": "1970-01-01T00:00:02.000Z",
        "created_at": "1970-01-01T00:00:01.000Z",
        "metadata": {"colour": "red", "folder": "winter/", "filename": "oil.md", "timestamp": 2000},
    }
    queued = item_of(replace(ITEM, status="queued"), INSTANCE)
    assert queued["next_action"] == "INDEX"
    failed = item_of(replace(ITEM, status="error", error="file_is_corrupt: x"), INSTANCE)
    assert (failed["error"], failed["next_action"]) == ("file_is_corrupt: x", None)


def test_chunks_have_their_byte_offsets() -> None:
    assert chunks_of([CHUNK]) == [
        {
            "id": "c1",
            "text": "Warm it.",
            "start_byte": 4,
            "end_byte": 12,
            "item": {"key": "winter/oil.md", "timestamp": 1782864000123, "metadata": dict(CHUNK.metadata)},
        }
    ]


def test_the_list_is_filtered_by_each_parameter(filled: Wire) -> None:
    rows = {row["key"]: row for row in filled.get(f"{NEW}/handbook/items").json()["result"]}
    fog = rows["signals/fog.md"]

    def keys(**query: Any) -> list[str]:
        return [row["key"] for row in filled.get(f"{NEW}/handbook/items", **query).json()["result"]]

    assert keys(search="FOG") == keys(item_id=fog["id"]) == keys(key="signals/fog.md") == ["signals/fog.md"]
    assert keys(metadata_filter='{"folder": "signals/"}') == ["signals/fog.md"]
    assert keys(status="error") == keys(source="r2") == keys(key="fog.md") == []
    assert set(keys(source="builtin", status="completed")) == set(rows)
    assert len(keys(per_page=2)) == 2 and len(keys(per_page=2, page=2)) == 1


def test_reindexing_by_key(filled: Wire) -> None:
    answer = filled.ask("PUT", f"{NEW}/handbook/items", json={"key": "signals/fog.md", "wait_for_completion": True})
    assert (answer.status_code, answer.json()["result"]["status"]) == (200, "completed")
    assert filled.ask("PUT", f"{NEW}/handbook/items", json={"key": "nope.md"}).status_code == 404
    assert filled.ask("PUT", f"{NEW}/handbook/items", json={}).status_code == 400
