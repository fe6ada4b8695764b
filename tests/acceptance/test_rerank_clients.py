"""Clients of rerankers against a live server: the SDK of Cohere, and LangChain's reranker for Workers AI."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cohere
import httpx
import pytest
from cohere.errors import BadRequestError, NotFoundError, UnauthorizedError

from tests.acceptance.server_process import ServerProcess
from tests.clients.packages import run_script

pytestmark = pytest.mark.server

QUERY = "what must I do when the oil in the lamp is frozen?"
TEXTS = [
    "Two blasts of the fog horn every ninety seconds.",
    "When lamp oil freezes, warm the reservoir to 12 degrees before lighting.",
    "Invoices are due within thirty days of delivery.",
]
MODEL = "secondlook/late-interaction"


def test_cohere_version_2(server: ServerProcess, token: str) -> None:
    client = cohere.ClientV2(api_key=token, base_url=server.url)
    found = client.rerank(model=MODEL, query=QUERY, documents=TEXTS, top_n=2, max_tokens_per_doc=256)
    assert found.results[0].index == 1
    assert len(found.results) == 2
    assert found.results[0].relevance_score > 2 * found.results[1].relevance_score
    assert found.meta is not None and found.meta.api_version is not None
    assert found.meta.api_version.version == "2"


def test_cohere_version_1(server: ServerProcess, token: str) -> None:
    client = cohere.Client(api_key=token, base_url=server.url)
    pages = [{"title": str(place), "text": text} for place, text in enumerate(TEXTS)]
    found = client.rerank(
        model=MODEL, query=QUERY, documents=pages, rank_fields=["title", "text"], return_documents=True
    )
    assert found.results[0].index == 1
    assert found.results[0].document is not None
    assert found.results[0].document.text == TEXTS[1]
    assert len(found.results) == len(TEXTS)


def test_errors_are_those_that_the_sdk_knows(server: ServerProcess, token: str) -> None:
    client = cohere.ClientV2(api_key=token, base_url=server.url)
    with pytest.raises(NotFoundError, match="no-such-model"):
        client.rerank(model="no-such-model", query=QUERY, documents=TEXTS)
    with pytest.raises(BadRequestError):
        client.rerank(model=MODEL, query=QUERY, documents=[])
    with pytest.raises(UnauthorizedError):
        cohere.ClientV2(api_key="sl_wrong", base_url=server.url).rerank(model=MODEL, query=QUERY, documents=TEXTS)


def test_a_pair_scores_the_same_in_every_shape(server: ServerProcess, token: str) -> None:
    headers = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
        plain = client.post("/v2/rerank", json={"query": QUERY, "documents": TEXTS}).json()["results"]
        texts = client.post("/rerank", json={"query": QUERY, "texts": list(reversed(TEXTS))}).json()
        body = {"query": QUERY, "contexts": [{"text": TEXTS[1]}]}
        run = client.post("/accounts/a/ai/run/@cf/baai/bge-reranker-base", json=body).json()["result"]
    assert [row["score"] for row in texts] == [row["relevance_score"] for row in plain]
    assert run["response"] == [{"id": 0, "score": plain[0]["relevance_score"]}]
    assert run["secondlook"]["status"] == "substituted", "the weights are not here"


SCRIPT = """
import json, sys
from langchain_core.documents import Document
from langchain_cloudflare import CloudflareWorkersAIReranker
url, token, query, *texts = sys.argv[1:]
reranker = CloudflareWorkersAIReranker(api_base_url=url, account_id="acc", api_token=token)
found = reranker.rerank(query=query, documents=texts, top_k=2)
pages = reranker.compress_documents([Document(page_content=text) for text in texts], query, top_k=1)
print(json.dumps([[row.index, row.score, row.text] for row in found] + [pages[0].page_content]))
"""


@pytest.mark.timeout(600)
def test_langchain(server: ServerProcess, token: str, langchain: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, f"{server.url}/client/v4/accounts", token, QUERY, *TEXTS],
        capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "PYTHONPATH": str(langchain)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, second, page = json.loads(done.stdout)
    assert (first[0], first[2]) == (1, TEXTS[1])
    assert first[1] > second[1]
    assert page == TEXTS[1]


LITELLM = """
import json, sys
import litellm
litellm.suppress_debug_info = True
url, token, query, *texts = sys.argv[1:]
told = {}
for model, base in (
    ("cohere/rerank-v3.5", f"{url}/v2/rerank"),
    ("jina_ai/jina-reranker-v2-base-multilingual", f"{url}/v1/rerank"),
    ("infinity/reranker", url),
    ("hosted_vllm/bge-reranker-v2-m3", url),
    ("voyage/rerank-2.5", f"{url}/v1/rerank"),
    ("huggingface/BAAI/bge-reranker-base", url),
):
    more = {"return_documents": False} if model == "infinity/reranker" else {}  # it wants a document as bare text
    found = litellm.rerank(model=model, query=query, documents=texts, top_n=2, api_base=base, api_key=token, **more)
    told[model] = [[row["index"], row["relevance_score"]] for row in found.results]
print(json.dumps(told))
"""


@pytest.mark.timeout(600)
def test_litellm_as_a_client_of_six_services(server: ServerProcess, token: str, langchain: Path) -> None:
    told = json.loads(run_script(LITELLM, server.url, token, QUERY, *TEXTS))
    assert len(told) == 6
    orders = {model: [place for place, _ in rows] for model, rows in told.items()}
    assert {order[0] for order in orders.values()} == {1}, "no client keeps the old order"
    [scores] = {tuple(score for _, score in rows[:2]) for rows in told.values()}
    assert scores[0] > 2 * scores[1]


def test_a_name_that_cohere_hosts(server: ServerProcess, token: str) -> None:
    client = cohere.ClientV2(api_key=token, base_url=server.url)
    for model in ("rerank-v3.5", "rerank-v4.0-pro", "rerank-multilingual-v3.0"):
        raw = client.with_raw_response.rerank(model=model, query=QUERY, documents=TEXTS)
        assert raw.data.results[0].index == 1
        receipt = json.loads(raw.headers["x-secondlook-receipt"])
        assert receipt["status"] == "substituted" and model in receipt["reason"]
