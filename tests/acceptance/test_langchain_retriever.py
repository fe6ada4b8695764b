"""``CloudflareAISearchRetriever`` of langchain-cloudflare against a live server."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import httpx
import pytest

from tests.acceptance.server_process import ServerProcess

pytestmark = pytest.mark.server

PAGES = {
    "winter/oil.md": "When lamp oil freezes, warm the reservoir to 12 degrees before lighting.",
    "signals/fog.md": "Two blasts of the fog horn every ninety seconds.",
}
SCRIPT = """
import asyncio, json, sys
from langchain_cloudflare import CloudflareAISearchRetriever
url, token, name, query = sys.argv[1:]
place = dict(api_base_url=url, account_id="acc", api_token=token, instance_name=name)
plain = CloudflareAISearchRetriever(**place)
asked = CloudflareAISearchRetriever(
    **place, namespace="keepers", k=1, retrieval_type="hybrid", match_threshold=0.0, fusion_method="rrf",
    keyword_match_mode="or", filters={"folder": "winter/"}, context_expansion=1, return_on_failure=False,
    rewrite_query=True, reranking=True, rerank_model="@cf/baai/bge-reranker-base", rerank_match_threshold=0.0,
    cache=False, cache_threshold="close_enough",
)
found = [plain.invoke(query), asked.invoke(query), asyncio.run(asked.ainvoke(query))]
print(json.dumps([[[one.page_content, one.metadata] for one in pages] for pages in found], default=str))
"""


@pytest.fixture(scope="module")
def name(server: ServerProcess, token: str) -> str:
    """An instance of that name in two namespaces."""
    name = f"handbook-{uuid.uuid4().hex[:8]}"
    base = f"{server.url}/client/v4/accounts/acc/ai-search"
    with httpx.Client(headers={"authorization": f"Bearer {token}"}, timeout=60) as client:
        client.post(f"{base}/namespaces", json={"name": "keepers"}).raise_for_status()
        for place in ("instances", "namespaces/keepers/instances"):
            settings = {"id": name, "score_threshold": 0, "retrieval_options": {"keyword_match_mode": "or"}}
            client.post(f"{base}/{place}", json=settings).raise_for_status()
            for key, text in PAGES.items():
                files, form = {"file": (key, text.encode())}, {"wait_for_completion": "true"}
                client.post(f"{base}/{place}/{name}/items", files=files, data=form).raise_for_status()
    return name


@pytest.mark.timeout(600)
def test_the_retriever(server: ServerProcess, token: str, name: str, langchain: Path) -> None:
    query = "what must I do when the oil in the lamp is frozen?"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, f"{server.url}/client/v4/accounts", token, name, query],
        capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "PYTHONPATH": str(langchain)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    plain, asked, again = json.loads(done.stdout)
    assert [text for text, _ in plain] == list(PAGES.values())
    assert [text for text, _ in asked] == [PAGES["winter/oil.md"]]
    assert asked[0][1]["filename"] == "winter/oil.md"
    assert asked[0][1]["scoring_details"]["reranking_score"] > 0
    assert [text for text, _ in again] == [PAGES["winter/oil.md"]]
