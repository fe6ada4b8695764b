"""Workers in the real runtime: the AI binding of workerd, and our Worker as a service binding."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
import pytest

from secondlook import BindingError, connect
from secondlook.api.binding.body import Body
from tests.acceptance.server_process import ServerProcess
from tests.clients.node import Node
from tests.clients.workerd import BOUND, WORKERS, WRAPPED, Worker, serve_worker
from tests.thread_server import QuietHandler, serve_in_thread

pytestmark = [pytest.mark.server, pytest.mark.node]

NAME = "my-autorag"
PAGES = {
    "llamas/coffee.md": "# Coffee\n\nTo train a llama to deliver coffee, begin with an empty cup and a short path.",
    "llamas/wool.md": "# Wool\n\nShear a llama in spring, and train it to stand still first.",
    "trains/coffee.md": "# Trains\n\nThe coffee on the train is delivered at ten.",
}
QUERY = "How do I train a llama to deliver coffee?"
OCTOBER = {"enabled": True, "model": "@cf/baai/bge-reranker-base"}
ASKED = {"query": QUERY, "max_num_results": 2, "reranking": OCTOBER}
MESSAGES = [{"role": "user", "content": QUERY}]

Serve = Callable[..., Any]


@pytest.fixture(scope="module")
def api(server: ServerProcess, token: str) -> Iterator[httpx.Client]:
    """The instances of the account that a binding means."""
    base = f"{server.url}/client/v4/accounts/default/ai-search"
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        for name in (NAME, "handbook"):
            made = client.post("/instances", json={"id": name, "score_threshold": 0.1})
            assert made.status_code == 200, made.text
        for key, text in PAGES.items():
            form = {"wait_for_completion": "true"}
            sent = client.post(f"/instances/{NAME}/items", files={"file": (key, text)}, data=form)
            assert sent.json()["result"]["status"] == "completed", sent.text
        yield client


@pytest.fixture(scope="module")
def serve(
    node: Node, server: ServerProcess, api: httpx.Client, token: str, tmp_path_factory: pytest.TempPathFactory
) -> Serve:
    """Starts a Worker that is bound to the server."""

    def start(config: str, worker: str = "probe.mjs", *, token: str = token, url: str = server.url) -> Any:
        folder = tmp_path_factory.mktemp("worker")
        return serve_worker(folder, config=config, worker=worker, url=url, token=token, account="default")

    return start


@pytest.fixture(scope="module")
def wrapped(serve: Serve) -> Iterator[Worker]:
    """The runtime's own AI binding."""
    with serve(WRAPPED) as worker:
        yield worker


@pytest.fixture(scope="module")
def bound(serve: Serve) -> Iterator[Worker]:
    """Our Worker as a service binding."""
    with serve(BOUND) as worker:
        yield worker


@pytest.fixture(params=["wrapped", "bound"])
def both(request: pytest.FixtureRequest) -> Worker:
    """One way, then the other; to the Worker that uses them they must be the same."""
    worker: Worker = request.getfixturevalue(request.param)
    return worker


@pytest.mark.parametrize("config", [WRAPPED, BOUND], ids=["wrapped", "bound"])
def test_the_worker_of_october_2025_unchanged(serve: Serve, config: str) -> None:
    assert f'env.AI.autorag("{NAME}").aiSearch({{' in (WORKERS / "october.mjs").read_text(encoding="utf-8")
    with serve(config, "october.mjs") as worker:
        answer = httpx.get(worker.url, timeout=60).json()
    assert answer["search_query"] == QUERY
    assert answer["data"][0]["filename"] == "llamas/coffee.md"
    assert "begin with an empty cup" in answer["response"]
    assert answer["reranking"]["asked_model"] == OCTOBER["model"]
    assert answer["reranking"]["status"] == "substituted"


def test_autorag_search_reranks(both: Worker, api: httpx.Client) -> None:
    found = both.call("AI", ["autorag", NAME], ["search", ASKED])["value"]
    assert found["object"] == "vector_store.search_results.page"
    assert found["data"][0]["filename"] == "llamas/coffee.md"
    assert len(found["data"]) == 2
    assert found["reranking"]["candidates_in"] == 3
    plain = both.call("AI", ["autorag", NAME], ["search", {**ASKED, "reranking": {"enabled": False}}])["value"]
    assert plain["reranking"]["status"] == "skipped"


def test_autorag_streams(both: Worker) -> None:
    answer = both.call("AI", ["autorag", NAME], ["aiSearch", {**ASKED, "stream": True}])
    assert answer["type"].startswith("text/event-stream")
    frames = answer["text"].removesuffix("\n\n").split("\n\n")
    assert frames.pop() == "data: [DONE]"
    text = "".join(json.loads(frame.removeprefix("data: "))["response"] for frame in frames)
    assert "begin with an empty cup" in text


def test_autorag_lists(both: Worker) -> None:
    rows = both.call("AI", ["autorag"], ["list"])["value"]
    assert NAME in [row["id"] for row in rows]
    assert set(rows[0]) == {"id", "enable", "type", "source", "vectorize_name", "paused", "status"}


def test_autorag_errors(both: Worker) -> None:
    assert error(both, "AI", ["autorag", "nobody"], ["search", ASKED]) == (
        "AutoRAGNotFoundError", "ai_search_not_found",
    )  # fmt: skip
    assert error(both, "AI", ["autorag", NAME], ["aiSearch", {"query": ""}]) == (
        "AutoRAGInternalError", "missing_user_query",
    )  # fmt: skip
    assert error(both, "AI", ["autorag"], ["search", ASKED])[0] == "AutoRAGNameNotSetError"


@pytest.mark.parametrize("config", [WRAPPED, BOUND], ids=["wrapped", "bound"])
def test_a_wrong_token(serve: Serve, config: str) -> None:
    with serve(config, token="sl_wrong") as worker:
        for verb in ("search", "aiSearch"):
            found = error(worker, "AI", ["autorag", NAME], [verb, ASKED])
            assert found == ("AutoRAGUnauthorizedError", "Authentication error")


def test_python_gives_the_same(bound: Worker, server: ServerProcess, token: str) -> None:
    """One table of calls, through the Worker and through ``secondlook.connect``."""
    instance = (["get", NAME],)
    for binding, *calls in (
        ("AI", ["autorag", NAME], ["search", ASKED]),
        ("AI", ["autorag", NAME], ["aiSearch", ASKED]),
        ("AI", ["autorag", NAME], ["aiSearch", {**ASKED, "stream": True}]),
        ("AI", ["autorag"], ["list"]),
        ("AI", ["autorag"], ["search", ASKED]),
        ("AI", ["autorag", "nobody"], ["search", ASKED]),
        ("AI", ["run", OCTOBER["model"], {"query": QUERY, "contexts": [{"text": "a llama"}]}]),
        ("AI_SEARCH", ["list", {"search": NAME}]),
        ("AI_SEARCH", ["delete", "nobody"]),
        ("AI_SEARCH", ["create", {"id": "No Name"}]),
        ("AI_SEARCH", *instance, ["info"]),
        ("AI_SEARCH", *instance, ["stats"]),
        ("AI_SEARCH", *instance, ["search", {"query": QUERY, **options(enabled=True)}]),
        ("AI_SEARCH", *instance, "items", ["list", {"sort_by": "modified_at"}]),
        ("AI_SEARCH", *instance, "items", ["get", "nothing"], ["chunks"]),
        ("AI_SEARCH", *instance, "items", ["get", "nothing"], ["logs", {"limit": 3}]),
        ("AI_SEARCH", *instance, "jobs", ["list", {"page": 1}]),
        ("AI_SEARCH", *instance, "jobs", ["get", "nothing"], ["info"]),
        ("AI_SEARCH", *instance, "jobs", ["get", "nothing"], ["logs"]),
        ("AI_SEARCH", *instance, "jobs", ["get", "nothing"], ["cancel"]),
    ):
        through_worker = timeless(bound.call(binding, *calls))
        assert timeless(asyncio.run(python(server.url, token, binding, calls))) == through_worker, calls


async def python(url: str, token: str, binding: str, calls: Sequence[Any]) -> Any:
    """What the probe would say of the same calls in Python."""
    async with connect(url, token) as env:
        found: Any = getattr(env, binding)
        try:
            for call in calls:
                found = getattr(found, call) if isinstance(call, str) else getattr(found, call[0])(*call[1:])
            found = await found
            if isinstance(found, Body):
                return {"text": await found.text(), "type": found.headers["content-type"]}
        except BindingError as error:
            return {"error": {"name": type(error).__name__, "message": error.message}}
        return {"value": found}


UNLIKE = ("ms", "cached", "scored", "from_cache")


def timeless(value: Any) -> Any:
    """The same without how long it took, and what was read before."""
    if isinstance(value, dict):
        return {name: timeless(one) for name, one in value.items() if name not in UNLIKE}
    return [timeless(one) for one in value] if isinstance(value, list) else value


def test_a_server_that_is_not_there(serve: Serve) -> None:
    with serve(BOUND, url="http://127.0.0.1:9") as worker:
        name, message = error(worker, "AI", ["autorag", NAME], ["search", ASKED])
        assert name == "AutoRAGInternalError"
        assert "no Secondlook server at http://127.0.0.1:9" in message
        assert error(worker, "AI_SEARCH", ["list"])[0] == "AiSearchInternalError"


def test_another_server_there(serve: Serve) -> None:
    with serve_in_thread(OtherServer) as url, serve(BOUND, url=url) as worker:
        name, message = error(worker, "AI_SEARCH", ["list"])
    assert name == "AiSearchInternalError"
    assert f"{url} is not a Secondlook server: it answered " in message


class OtherServer(QuietHandler):
    """Answers, but not with JSON."""

    def do_GET(self) -> None:
        self.send_head(200, 6)
        self.wfile.write(b"<html>")


def test_rerankers_run(both: Worker) -> None:
    contexts = [{"text": text} for text in PAGES.values()]
    answer = both.call("AI", ["run", OCTOBER["model"], {"query": QUERY, "contexts": contexts, "top_k": 2}])["value"]
    assert answer["response"][0]["id"] == 0
    assert len(answer["response"]) == 2
    assert error(both, "AI", ["run", "@cf/meta/nothing", {"query": QUERY, "contexts": contexts}])[0] == (
        "InferenceUpstreamError"
    )


def test_a_namespace(bound: Worker) -> None:
    made = bound.call("AI_SEARCH", ["create", {"id": "made-here", "reranking": True}])["value"]
    assert (made["id"], made["reranking"]) == ("made-here", True)
    found = bound.call("AI_SEARCH", ["list", {"search": "made", "per_page": 5}])["value"]
    assert [one["id"] for one in found["result"]] == ["made-here"]
    assert found["result_info"] == {"count": 1, "page": 1, "per_page": 5, "total_count": 1}
    assert bound.call("AI", ["aiSearch"], ["get", "made-here"], ["info"])["value"]["id"] == "made-here"
    assert bound.call("AI_SEARCH", ["delete", "made-here"]) == {"value": None}
    assert error(bound, "AI_SEARCH", ["delete", "made-here"]) == ("AiSearchNotFoundError", "ai_search_not_found")
    assert error(bound, "AI_SEARCH", ["create", {"id": "No Name"}])[0] == "AiSearchError"


def test_which_namespace_and_instance_the_binding_names(bound: Worker) -> None:
    assert error(bound, "OTHERS", ["list"]) == ("AiSearchNotFoundError", "namespace_not_found")
    assert bound.call("HANDBOOK", ["info"])["value"]["id"] == "handbook"
    assert bound.call("HANDBOOK", "items", ["list"])["value"]["result"] == []
    name, message = error(bound, "NAMELESS", ["info"])
    assert (name, "names no instance" in message) == ("AiSearchError", True)


def test_an_instance(bound: Worker) -> None:
    found = bound.call("AI_SEARCH", ["get", NAME], ["search", {"query": QUERY, **options(enabled=True)}])["value"]
    assert found["query_kind"] == "text"
    assert found["chunks"][0]["item"]["key"] == "llamas/coffee.md"
    assert found["chunks"][0]["scoring_details"]["reranking_score"] > 0
    assert bound.call("AI_SEARCH", ["get", NAME], ["stats"])["value"]["completed"] == len(PAGES)
    changed = bound.call("AI_SEARCH", ["get", NAME], ["update", {"max_num_results": 9}])["value"]
    assert changed["max_num_results"] == 9
    assert error(bound, "AI_SEARCH", ["get", "nobody"], ["stats"])[0] == "AiSearchNotFoundError"


def test_chat(bound: Worker) -> None:
    asked = {"messages": MESSAGES, **options(enabled=True)}
    answer = bound.call("AI_SEARCH", ["get", NAME], ["chatCompletions", asked])["value"]
    assert "begin with an empty cup" in answer["choices"][0]["message"]["content"]
    assert answer["chunks"][0]["item"]["key"] == "llamas/coffee.md"
    stream = bound.call("AI_SEARCH", ["get", NAME], ["chatCompletions", {**asked, "stream": True}])
    assert stream["type"] == "stream"
    assert stream["text"].startswith("event: chunks\ndata: [")
    assert stream["text"].endswith("data: [DONE]\n\n")


@pytest.mark.parametrize("kind", ["$blob", "$stream", "$bytes", ""])
def test_items(bound: Worker, kind: str) -> None:
    text = "# Cups\n\nCups of the llama: 3 small ones, ünd more."
    content = {kind: text} if kind else text
    name = f"cups/with space {kind[1:]}.md"
    items = (["get", "handbook"], "items")
    sent = bound.call(
        "AI_SEARCH", *items, ["uploadAndPoll", name, content, {"metadata": {"size": 3}, "pollIntervalMs": 50}]
    )["value"]
    assert (sent["key"], sent["status"], sent["metadata"]["size"]) == (name, "completed", 3)
    one = (*items, ["get", sent["id"]])
    assert bound.call("AI_SEARCH", *one, ["info"])["value"]["checksum"] == sent["checksum"]
    got = bound.call("AI_SEARCH", *one, ["download"])["value"]
    assert (got["body"], got["filename"], got["size"]) == (text, name.partition("/")[2], len(text.encode()))
    chunks = bound.call("AI_SEARCH", *one, ["chunks", {"limit": 1}])["value"]
    assert chunks["result"][0]["item"]["key"] == name
    assert chunks["result_info"]["limit"] == 1
    assert bound.call("AI_SEARCH", *one, ["sync"])["value"]["status"] in ("queued", "running")
    listed = bound.call("AI_SEARCH", *items, ["list", {"key": name}])["value"]
    assert [row["id"] for row in listed["result"]] == [sent["id"]]
    assert bound.call("AI_SEARCH", *items, ["delete", sent["id"]]) == {"value": None}
    assert error(bound, "AI_SEARCH", *one, ["info"]) == ("AiSearchNotFoundError", "item_not_found")


def options(**reranking: Any) -> dict[str, Any]:
    return {"ai_search_options": {"reranking": {"match_threshold": 0, **reranking}}}


def error(worker: Worker, binding: str, *calls: Any) -> tuple[str, str]:
    """Name and message of the error that the calls end with."""
    answer = worker.call(binding, *calls)
    assert set(answer) == {"error"}, answer
    return answer["error"]["name"], answer["error"]["message"]
