"""Changes of settings that come at the same time: each that was acknowledged stays."""

import asyncio

import pytest

from tests.wire.conftest import NEW, Wire
from tests.wire.test_public import NAMESPACES

pytestmark = pytest.mark.attack
HANDBOOK = f"{NEW}/handbook"
ROUNDS = 30


def test_no_acknowledged_change_is_lost(filled: Wire) -> None:
    async def change(path: str, body: dict[str, object]) -> None:
        answer = await filled.client.put(path, json=body)
        assert answer.status_code == 200, answer.text

    async def round_of(number: int) -> dict[str, object]:
        wanted = {
            "max_num_results": 1 + number,
            "score_threshold": number / 100,
            "reranking": number % 2 == 0,
            "system_prompt_ai_search": f"prompt {number}",
            "rewrite_query": number % 3 == 0,
            "custom_metadata": [{"field_name": f"field{number}", "data_type": "text"}],
        }
        endpoint = {
            "public_endpoint_params": {"enabled": True, "rate_limit": {"period_ms": 60000, "requests": 10 + number}}
        }
        changes = [change(HANDBOOK, {name: value}) for name, value in wanted.items()]
        await asyncio.gather(*changes, change(HANDBOOK, endpoint), change(f"{NAMESPACES}/default", endpoint))
        return wanted

    for number in range(ROUNDS):
        wanted = filled.run(round_of(number))
        shown = filled.get(HANDBOOK).json()["result"]
        assert {name: shown[name] for name in wanted} == wanted
        assert shown["public_endpoint_params"]["rate_limit"]["requests"] == 10 + number
