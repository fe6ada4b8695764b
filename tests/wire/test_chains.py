"""What Schemathesis makes along the links of the OpenAPI document: what an operation made, the next ones find."""

from collections import Counter
from collections.abc import Sequence
from itertools import count
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.core.transport import Response

from secondlook.api.document import short
from secondlook.api.document_links import ONE_INSTANCE, ONE_ITEM, ONE_JOB
from tests.wire.conftest import Wire
from tests.wire.test_schemathesis import CHECKS, send

CHAINS = 40


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
@pytest.mark.slow
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
