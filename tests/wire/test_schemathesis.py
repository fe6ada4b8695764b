"""What Schemathesis makes up from the OpenAPI document, good and bad: nothing fails, and every answer is as told."""

from collections import Counter
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from secondlook.api.document import short
from secondlook.api.document_links import ONE_INSTANCE, ONE_ITEM, ONE_JOB
from tests.wire.conftest import NEW, Wire

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 9
"""Cases of each operation in each mode; the copies at root of what lies under /client/v4 get one each."""
FEWEST = 2000
CHAINS = 80
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


@pytest.mark.timeout(600)
def test_nothing_fails_and_every_answer_is_as_told(tmp_path: Path) -> None:
    wire = Wire(tmp_path)
    told: Counter[int] = Counter()
    try:
        fill(wire)
        for operation, most in small(wire):
            try_out(wire, operation, GenerationMode.POSITIVE, most, told)
            if operation.definition.raw["operationId"] not in NOTHING_BAD:
                try_out(wire, operation, GenerationMode.NEGATIVE, most, told)
    finally:
        wire.close()
    print(f"{told.total()} cases: {dict(sorted(told.items()))}")
    assert told.total() >= FEWEST
    assert told[200] > FEWEST // 5 and told[400] > FEWEST // 10
    assert max(told) < 500


def chains(wire: Wire, within: str, told: Counter[tuple[str, int]]) -> type[Any]:
    """Chains of operations along the links of the document, each in an account of its own."""
    schema = schemathesis.openapi.from_dict(wire.app.openapi()).include(path_regex=within)
    machine = schema.as_state_machine()
    numbers = count()

    class Chain(machine):  # type: ignore[misc, valid-type]  # a class that is made when it is needed
        def setup(self) -> None:
            self.account = f"chain-{next(numbers)}"

        def before_call(self, case: Any) -> None:
            if "account" in (case.path_parameters or {}):
                case.path_parameters["account"] = self.account

        def call(self, case: Any, **_: Any) -> Any:
            name = case.operation.definition.raw["operationId"]
            if name.endswith("items_upload"):  # what is made up has no name of a file
                form = httpx.Request("POST", "http://wire", files={"file": ("a.md", b"lamp oil")})
                headers = {**wire.headers, "content-type": form.headers["content-type"]}
                answer = wire.ask("POST", case.formatted_path, content=form.read(), headers=headers)
                wire.run(wire.indexing.drain())  # what comes next must not depend on how fast it is
            else:
                answer = send(wire, case)
            told[name, answer.status_code] += 1
            return Response.from_httpx(answer, verify=False)

        def validate_response(self, response: Any, case: Any, **_: Any) -> None:
            case.validate_response(response, checks=CHECKS)

    return Chain


@pytest.mark.parametrize(
    ("within", "wanted"),
    [
        ("^/client/v4/accounts", ONE_INSTANCE),
        (r"ai-search/instances(/\{name\}/items.*)?$", ONE_ITEM),
        (r"ai-search/instances(/\{name\}/jobs.*)?$", ONE_JOB),
        ("ai-search/tokens", ("tokens_get", "tokens_replace", "tokens_delete")),
    ],
)
@pytest.mark.timeout(600)
def test_what_is_made_is_found_changed_and_removed(wire: Wire, within: str, wanted: Sequence[str]) -> None:
    told: Counter[tuple[str, int]] = Counter()
    quiet = settings(
        max_examples=CHAINS, stateful_step_count=10, derandomize=True, database=None, deadline=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    chains(wire, within, told).run(settings=quiet)
    reached = {short(name) for (name, status), _ in told.items() if status == 200}
    print(f"{told.total()} steps; reached {sorted(reached)}")
    assert max(status for _, status in told) < 500
    assert reached & set(wanted)


def test_the_checks_bite(wire: Wire) -> None:
    document = wire.app.openapi()
    document["components"]["schemas"]["Instance"]["required"].append("no_such_field")
    wire.fill()
    case = schemathesis.openapi.from_dict(document)["/client/v4/accounts/{account}/ai-search/instances"]["GET"].Case(
        path_parameters={"account": "acc"}
    )
    with pytest.raises(BaseExceptionGroup) as caught:
        case.validate_response(send(wire, case), checks=CHECKS)
    assert "no_such_field" in str(caught.value.exceptions[0])
