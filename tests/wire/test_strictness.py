"""Where the letter of the contract and the plain reading differ, and what becomes of a request's own metadata."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.wire.conftest import LEGACY, NEW, Wire, error_of, keys_of

LONG = "north pier " * 6
"""More than 64 bytes."""


@pytest.fixture(params=[False, True], ids=["plain", "strict"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Wire, bool]]:
    """An API in each mode, and whether it is strict; two items differ after 64 bytes of their station."""
    strict = bool(request.param)
    found = Wire(tmp_path, strict=strict)
    found.fill(custom_metadata=[{"field_name": "station", "data_type": "text"}])
    for name in ("east", "west"):
        found.upload(f"{name}.md", f"The lamp of the {name}.", metadata={"station": LONG + name})
    yield found, strict
    found.close()


def test_the_fusion_of_an_instance_that_chose_none(either: tuple[Wire, bool]) -> None:
    wire, is_strict = either
    wanted = "rrf" if is_strict else "convex"
    assert wire.get(f"{NEW}/handbook").json()["result"]["fusion_method"] == wanted
    [chunk, *_] = wire.post(f"{NEW}/handbook/search", {"query": "lamp"}).json()["result"]["chunks"]
    assert chunk["scoring_details"]["fusion_method"] == wanted
    wire.ask("PUT", f"{NEW}/handbook", json={"fusion_method": "convex"})
    assert wire.get(f"{NEW}/handbook").json()["result"]["fusion_method"] == "convex"


@pytest.mark.parametrize(
    ("where", "plain", "strict"),
    [
        ({"station": LONG + "east"}, ["east.md"], ["east.md", "west.md"]),
        ({"station": LONG[:64]}, [], ["east.md", "west.md"]),
        ({"station": {"$in": [LONG + "west"]}}, ["west.md"], ["east.md", "west.md"]),
        ({"station": {"$gt": LONG + "f"}}, ["west.md"], []),
        ({"station": LONG[:63]}, [], []),
    ],
)
def test_how_much_of_a_text_a_filter_sees(
    either: tuple[Wire, bool], where: dict[str, Any], plain: list[str], strict: list[str]
) -> None:
    wire, is_strict = either
    body = {"query": "lamp", "ai_search_options": {"retrieval": {"filters": where}}}
    wanted = strict if is_strict else plain
    assert sorted(keys_of(wire.post(f"{NEW}/handbook/search", body))) == wanted
    assert sorted(keys_of(wire.post(f"{LEGACY}/handbook/search", {"query": "lamp", "filters": where}))) == wanted


def test_what_a_legacy_request_leaves_out(either: tuple[Wire, bool]) -> None:
    wire, is_strict = either
    wire.ask("PUT", f"{NEW}/handbook", json={"reranking": True, "rewrite_query": True})

    def states(**body: Any) -> tuple[str, str]:
        found = wire.post(f"{LEGACY}/handbook/search", {"query": "lamp", "explain": True, **body}).json()["result"]
        rewritten = "rewrite" in [step["stage"] for step in found["trace"]]
        return found["reranking"]["status"], "rewritten" if rewritten else "as it is"

    assert states() == (("skipped", "as it is") if is_strict else ("ran", "rewritten"))
    assert states(reranking={}) == states()
    assert states(reranking={"enabled": True}, rewrite_query=True) == ("ran", "rewritten")
    assert states(reranking={"enabled": False}, rewrite_query=False) == ("skipped", "as it is")


def test_a_ranker_is_accepted(wire: Wire) -> None:
    wire.fill()
    body = {"query": "lamp", "ranking_options": {"ranker": "auto", "score_threshold": 0}}
    assert keys_of(wire.post(f"{LEGACY}/handbook/search", body))
    body["ranking_options"] = {"ranker": 7}
    assert error_of(wire.post(f"{LEGACY}/handbook/search", body)) == (400, 7400, "invalid_request")


def test_metadata_of_a_request_is_in_the_log_and_in_its_span(
    wire: Wire, spans: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    wire.fill()
    spans.clear()
    options = {"custom_metadata": {"team": "keepers", "round": 2}}
    with caplog.at_level(logging.INFO, "secondlook.services.searching"):
        assert wire.post(f"{NEW}/handbook/search", {"query": "lamp", "ai_search_options": options}).status_code == 200
    [line] = [one.getMessage() for one in caplog.records if one.name == "secondlook.services.searching"]
    assert line == 'search in acc/default/handbook: {"round": 2, "team": "keepers"}'
    [span] = [one for one in spans.get_finished_spans() if one.name == "secondlook.search"]
    told = dict(span.attributes or {})
    assert (told["secondlook.label.team"], told["secondlook.label.round"]) == ("keepers", 2)
