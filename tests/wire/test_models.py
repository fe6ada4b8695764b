"""The list of models that an instance can name."""

import asyncio

from secondlook.api.ai_search.models import download_of
from secondlook.errors import SetupError
from tests.wire.conftest import Wire, error_of

MODELS = "/client/v4/accounts/acc/ai-search/models"


def test_each_model_tells_what_a_choice_needs(wire: Wire) -> None:
    embedder, reader, far = wire.get(MODELS).json()["result"]
    assert embedder["status"] == "built_in"
    assert reader == {
        "name": "made/reader", "aliases": ["@cf/x"], "task": "reranking", "licence": "MIT", "languages": ["en", "zh"],
        "multilingual": False, "parameters": 278_000_000, "max_tokens": 512, "score_kind": None, "status": "absent",
        "note": "pull it", "purpose": "Reads.", "obstacle": "", "needs_revision": True, "download": None,
    }  # fmt: skip
    assert (far["languages"], far["multilingual"], far["parameters"], far["status"]) == ([], True, None, "remote")


def test_one_task_alone(wire: Wire) -> None:
    found = wire.get(MODELS, task="reranking").json()["result"]
    assert [one["name"] for one in found] == ["made/reader", "made/far"]
    assert error_of(wire.get(MODELS, task="cooking"))[0] == 400


def downloads(wire: Wire) -> dict[str, object] | None:
    found: dict[str, object] | None = wire.get(MODELS).json()["result"][1]["download"]
    return found


def until(wire: Wire, **wanted: object) -> None:
    """Return once the download is so."""

    async def look() -> None:
        async with asyncio.timeout(20):
            while not wanted.items() <= (model_download(wire) or {}).items():
                await asyncio.sleep(0)

    wire.run(look())


def model_download(wire: Wire) -> dict[str, object] | None:
    found = wire.services.models.downloads().get("made/reader")
    return download_of(found) if found else None


def test_a_download_reports_its_progress(wire: Wire) -> None:
    began = wire.post(f"{MODELS}/downloads", {"name": "made/reader", "revision": "abc"}).json()["result"]
    assert (began["name"], began["state"], began["error"]) == ("made/reader", "running", "")
    until(wire, bytes=100)
    again = wire.post(f"{MODELS}/downloads", {"name": "made/reader", "revision": "abc"}).json()["result"]
    assert (again["state"], again["bytes"], again["total_bytes"], again["file"]) == (
        "running", 100, 300, "model.safetensors",
    )  # fmt: skip
    wire.hub.blocks.release()
    until(wire, bytes=200)
    assert (downloads(wire) or {})["bytes"] == 200
    wire.hub.blocks.release(2)
    until(wire, state="completed")
    assert (downloads(wire) or {})["bytes"] == 300


def test_a_download_that_is_cancelled_or_fails_says_so(wire: Wire) -> None:
    body = {"name": "made/reader", "revision": "abc"}
    wire.post(f"{MODELS}/downloads", body)
    until(wire, bytes=100)
    assert wire.post(f"{MODELS}/downloads/cancel", body).status_code == 200
    wire.hub.blocks.release()
    until(wire, state="cancelled")
    wire.hub.error = SetupError("the hub cannot be reached")
    wire.post(f"{MODELS}/downloads", body)
    wire.hub.blocks.release()
    until(wire, state="failed", error="the hub cannot be reached")


def test_downloads_that_are_refused(wire: Wire) -> None:
    unknown = wire.post(f"{MODELS}/downloads", {"name": "made/none"})
    assert error_of(unknown) == (400, 7010, "invalid_model")
    unpinned = wire.post(f"{MODELS}/downloads", {"name": "made/reader"})
    assert error_of(unpinned) == (400, 7010, "invalid_model")
    assert "no revision is pinned" in unpinned.json()["errors"][0]["detail"]
    assert error_of(wire.post(f"{MODELS}/downloads", {}))[:2] == (400, 7400)
    assert error_of(wire.post(f"{MODELS}/downloads/cancel", {"name": "made/reader"}))[:2] == (400, 7010)
    assert downloads(wire) is None


def test_who_may_download(wire: Wire) -> None:
    """Models are the whole server's: a token of one account may not fill its disk, nor one that may only search."""
    for scope in ({"account": "acc"}, {"permission": "run"}):
        _, secret = wire.run(wire.services.access.create("scoped", **scope))
        headers = {"Authorization": f"Bearer {secret}"}
        for path in ("downloads", "downloads/cancel"):
            answer = wire.post(f"{MODELS}/{path}", {"name": "made/reader", "revision": "abc"}, headers=headers)
            assert error_of(answer) == (403, 10000, "Authentication error"), scope
