"""What Schemathesis makes up from the OpenAPI document, good and bad: nothing fails, and every answer is as told."""

import copy
import os
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.wire.conftest import NEW, Wire

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = int(os.environ.get("SECONDLOOK_TEST_EXAMPLES", "5"))
"""Cases of each operation in each mode; the copies at root of what lies under /client/v4 get one each."""
FEWEST = 500
"""Cases of each mode."""
HERE = {"account": "acc", "name": "handbook", "namespace": "default", "model": "@cf/baai/bge-reranker-base"}
TOKENS = "/accounts/acc/ai-search/tokens"
SENT = ("method", "url", "headers", "params", "json", "data", "files", "cookies")
NOTHING_BAD = ("health", "metrics", "public_asset")
"""Operations without a parameter that could be wrong; the one of assets takes any text."""


def small(wire: Wire) -> list[tuple[Any, int]]:
    """Every operation of the document, and how many cases it gets."""
    schema = schemathesis.openapi.from_dict(wire.app.openapi())
    found = [one.ok() for one in schema.get_all_operations()]
    return [(one, 1 if one.definition.raw["operationId"].endswith("_at_root") else EXAMPLES) for one in found]


def send(wire: Wire, case: Any) -> httpx.Response:
    """The answer of the API to exactly the bytes that Schemathesis would send."""
    asked = case.as_transport_kwargs(base_url="http://wire")
    made = requests.Request(**{name: value for name, value in asked.items() if name in SENT}).prepare()
    body = made.body.encode() if isinstance(made.body, str) else made.body
    headers = {**made.headers, **wire.headers}
    return wire.ask(str(made.method), str(made.url), content=body, headers=headers)


def place(wire: Wire, case: Any) -> None:
    """Name what is there in the path, so that the request gets past it."""
    lists = {"item_id": f"{NEW}/handbook/items", "job_id": f"{NEW}/handbook/jobs", "token_id": TOKENS}
    lists["run_id"] = f"{NEW}/handbook/lab/runs"
    found = {name: wire.get(path).json()["result"] for name, path in lists.items()}
    known = {**HERE, **{name: rows[0]["id"] for name, rows in found.items() if rows}}
    known["label"] = wire.get(f"{NEW}/handbook").json()["result"]["public_endpoint_id"]
    for name in case.path_parameters or ():
        case.path_parameters[name] = known.get(name, case.path_parameters[name])


def fill(wire: Wire) -> None:
    """An instance with pages that strangers may search, and a token."""
    wire.fill(public_endpoint_params={"enabled": True})
    wire.post(TOKENS, {"name": "one", "cf_api_id": "a", "cf_api_key": "b"})
    asked = [{"query": "frozen oil", "items": ["winter/oil.md"]}]
    run = wire.post(f"{NEW}/handbook/lab/runs", {"queries": asked, "arms": [{}]}).json()["result"]
    wire.run(wire.services.lab.wait(run["id"]))


def try_out(wire: Wire, operation: Any, mode: GenerationMode, most: int, told: Counter[int]) -> None:
    """Send what comes out of the seed; three of four name things that are there."""
    quiet = list(HealthCheck)

    @seed(7)
    @settings(max_examples=most, database=None, deadline=None, suppress_health_check=quiet, phases=[Phase.generate])
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        if told.total() % 4:
            place(wire, case)
        wire.clock += 60.0  # nobody is throttled
        answer = send(wire, case)
        told[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)
        if not wire.get(f"{NEW}/handbook").json()["success"]:
            fill(wire)  # it was a DELETE

    run()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["good", "bad"])
def test_nothing_fails_and_every_answer_is_as_told(tmp_path: Path, mode: GenerationMode) -> None:
    wire = Wire(tmp_path)
    told: Counter[int] = Counter()
    try:
        fill(wire)
        for operation, most in small(wire):
            if mode is GenerationMode.POSITIVE or operation.definition.raw["operationId"] not in NOTHING_BAD:
                try_out(wire, operation, mode, most, told)
    finally:
        wire.close()
    print(f"{told.total()} cases: {dict(sorted(told.items()))}")
    assert told.total() >= FEWEST
    usual = 200 if mode is GenerationMode.POSITIVE else 400
    assert told[usual] > FEWEST // 5
    assert max(told) < 500


def test_the_checks_bite(wire: Wire) -> None:
    document = copy.deepcopy(wire.app.openapi())
    document["components"]["schemas"]["Instance"]["required"].append("no_such_field")
    wire.fill()
    case = schemathesis.openapi.from_dict(document)["/client/v4/accounts/{account}/ai-search/instances"]["GET"].Case(
        path_parameters={"account": "acc"}
    )
    with pytest.raises(BaseExceptionGroup) as caught:
        case.validate_response(send(wire, case), checks=CHECKS)
    assert "no_such_field" in str(caught.value.exceptions[0])
