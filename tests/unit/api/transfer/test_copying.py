"""What is taken over, and what of it the other side can understand."""

import asyncio
from typing import Any

import httpx

from secondlook.api.transfer.copying import (
    LATER,
    OFFICIAL,
    OURS,
    Outcome,
    Progress,
    copy_instance,
    first_error,
    settings_of,
)
from secondlook.api.transfer.peer import Peer, PeerAccessError, PeerError, Place
from secondlook.errors import CallerError

INSTANCE: dict[str, Any] = {
    "id": "docs",
    "embedding_model": "secondlook/all-minilm-l6-v2",
    "ai_search_model": "@cf/meta/llama-3.3-70b-instruct-fp8-fast",
    "rewrite_model": None,
    "reranking": False,
    "reranking_weight": 0.5,
    "indexing_options": {"keyword_tokenizer": "porter", "keyword_language": "german", "use_ocr": None},
    "retrieval_options": {"keyword_match_mode": "or", "boost_by": [], "boost_after_reranking": True},
    "paused": True,
    "system_prompt_ai_search": "Be brief.",
    "token_id": "secret",
    "source": "bucket",
}


def test_to_a_secondlook_everything_goes() -> None:
    found = settings_of(INSTANCE, OFFICIAL + OURS, ours=True)
    assert found == {
        "embedding_model": "secondlook/all-minilm-l6-v2",
        "ai_search_model": "@cf/meta/llama-3.3-70b-instruct-fp8-fast",
        "reranking": False,
        "reranking_weight": 0.5,
        "indexing_options": {"keyword_tokenizer": "porter", "keyword_language": "german", "use_ocr": None},
        "retrieval_options": {"keyword_match_mode": "or", "boost_by": [], "boost_after_reranking": True},
    }
    assert settings_of(INSTANCE, LATER, ours=True) == {"paused": True, "system_prompt_ai_search": "Be brief."}


def test_to_cloudflare_what_it_knows() -> None:
    assert settings_of(INSTANCE, OFFICIAL, ours=False) == {
        "ai_search_model": "@cf/meta/llama-3.3-70b-instruct-fp8-fast",
        "reranking": False,
        "indexing_options": {"keyword_tokenizer": "porter"},
        "retrieval_options": {"keyword_match_mode": "or", "boost_by": []},
    }


def test_a_fusion_goes_where_it_was_chosen_and_is_known() -> None:
    def fusion(method: str, origin: str, *, ours: bool) -> Any:
        instance = {**INSTANCE, "fusion_method": method, "fusion_method_origin": origin, "fusion_weight": 0.3}
        found = settings_of(instance, OFFICIAL + (OURS if ours else ()), ours=ours)
        return found.get("fusion_method"), found.get("fusion_weight")

    assert fusion("convex", "chosen", ours=True) == ("convex", 0.3)
    assert fusion("convex", "default", ours=True) == (None, 0.3)
    assert fusion("convex", "chosen", ours=False) == fusion("convex", "default", ours=False) == (None, None)
    assert fusion("rrf", "earlier_default", ours=False) == ("rrf", None)


class Side:
    """A side of a transfer, with items and what they contain; an item may lie elsewhere, or be refused."""

    def __init__(self, items: dict[str, dict[str, Any]], instance: dict[str, Any] | None) -> None:
        self.items = items
        self.instance = instance
        self.uploads = 0

    def peer(self) -> Peer:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.answer), base_url="https://side")
        return Peer(client, Place("a", "n", "docs"), where="side", pause=0.001)

    def answer(self, request: httpx.Request) -> httpx.Response:
        tail = request.url.path.partition("/instances")[2]
        if request.method != "GET":
            return self.changed(tail)
        if tail.endswith("/stats"):
            return self.ok({"completed": len(self.items), "running": 0})
        if tail.endswith("/items"):
            wanted = request.url.params.get("status")
            found = [one for one in self.items.values() if not wanted or one["status"] == wanted]
            return self.ok([{name: one[name] for name in one if name != "content"} for one in found])
        if tail.endswith("/download"):
            content = self.items[tail.split("/")[3]]["content"]
            return content if isinstance(content, httpx.Response) else httpx.Response(200, content=content)
        return self.ok(self.instance) if self.instance else refusal(404, 7002)

    def changed(self, tail: str) -> httpx.Response:
        if tail.endswith("/items"):
            self.uploads += 1
        else:
            self.instance = {"id": "docs"}
        return self.ok({})

    def ok(self, result: Any) -> httpx.Response:
        return httpx.Response(200, json={"result": result})


def copy(source: Side, target: Side, heard: Progress, **options: bool) -> Outcome:
    async def work() -> Outcome:
        return await copy_instance(source.peer(), target.peer(), on_progress=heard, **options)

    return asyncio.run(work())


def item(key: str, content: Any = b"text", **more: Any) -> dict[str, Any]:
    return {"id": key, "key": key, "status": "completed", "checksum": "?", "metadata": None, "content": content, **more}


def refusal(status: int, code: int) -> httpx.Response:
    return httpx.Response(status, json={"errors": [{"code": code, "message": "no"}]})


def test_each_file_has_its_outcome() -> None:
    found = [
        item("new"),
        item("same", checksum="one"),
        item("equal", b"text"),
        item("other-metadata", checksum="one", metadata={"station": "north", "folder": "x"}),
        item("was-wrong", checksum="one"),
        item("bucket", source_id="r2:bucket"),
        item("website", refusal(400, 7059)),
        item("broken", refusal(400, 7001)),
    ]
    there = [
        item("same", checksum="one"),
        item("equal", checksum="1cb251ec0d568de6a929b520c4aed8d1"),
        item("other-metadata", checksum="one", metadata={"folder": "y"}),
        item("was-wrong", checksum="one", status="error", error="over_size: too big"),
    ]
    source = Side({one["key"]: one for one in found}, {"id": "docs", "max_num_results": 5, "source": "bucket"})
    target = Side({one["key"]: one for one in there}, {"id": "docs", "max_num_results": 7})
    heard: list[tuple[str, int, int]] = []
    outcome = copy(source, target, lambda *step: heard.append(step), ours=True)
    assert not outcome.made
    assert outcome.differing == {"max_num_results": (5, 7)}
    assert outcome.kept == ["source"]
    assert sorted(outcome.copied) == ["new", "other-metadata"]
    assert sorted(outcome.unchanged) == ["equal", "same"]
    assert outcome.elsewhere == {"bucket": "r2:bucket", "website": "builtin"}
    assert outcome.failed == {"broken": "side answered 400: no", "was-wrong": "over_size: too big"}
    assert target.uploads == 3
    assert ("Copying docs", 8, 8) in heard
    assert heard[-1] == ("Indexing", 3, 3)


def test_settings_alone() -> None:
    source, target = Side({"a": item("a")}, {"id": "docs"}), Side({}, None)
    outcome = copy(source, target, lambda *_: None, ours=False, files=False)
    assert (outcome.made, outcome.copied, target.instance) == (True, [], {"id": "docs"})


def test_the_error_that_a_user_can_act_on() -> None:
    inner = PeerAccessError("no token")
    group = BaseExceptionGroup("", [ValueError(), BaseExceptionGroup("", [KeyError(), inner])])
    assert first_error(group) is inner
    assert isinstance(inner, CallerError)
    plain = ValueError()
    assert first_error(BaseExceptionGroup("", [plain])) is plain
    assert not isinstance(PeerError("x"), CallerError)
