"""API, command line, demo, wizard and playground start from the same settings."""

import ast
import json
import re
from collections.abc import Mapping
from typing import Any

from secondlook.api.ai_search.instances import instance_of, merge_settings
from secondlook.domain.instance import Instance, InstanceSettings, ItemCounts
from secondlook.domain.jobs import SyncState
from secondlook.domain.options import DEFAULT_MIN_RELEVANCE
from secondlook.services.instances import Activity
from tests.house.yard import ROOT, SOURCE, parse

FORMS = ROOT / "ui" / "src" / "pages" / "settings" / "forms.tsx"
PLAN = ROOT / "ui" / "src" / "parts" / "play" / "plan.ts"
PLACES = {"src/secondlook/index_command.py": {"analyser"}, "src/secondlook/demo.py": set[str]()}
"""Who makes instances besides the API, and the settings that somebody may have asked for there."""
OF_THE_RUN = {"mode": '"search"', "query": '""', "expansion": "0", "filters": '""', "relevance": "RELEVANCE"}
"""What a run in the playground has and an instance does not."""


def object_of(text: str, opening: str) -> str:
    """The braces that follow the opening words, with what is in them."""
    start = text.index("{", text.index(opening) + len(opening) - 1)
    depth = 0
    for at, letter in enumerate(text[start:], start):
        depth += (letter == "{") - (letter == "}")
        if depth == 0:
            return text[start : at + 1]
    raise AssertionError(f"{opening} does not end")


def fresh() -> Mapping[str, Any]:
    """The wizard's first settings, read as JSON."""
    text = object_of(FORMS.read_text(encoding="utf-8"), "export const FRESH: Settings = {")
    quoted = re.sub(r"(\w+):", r'"\1":', text)
    bare = re.sub(r"(?<=\d)_(?=\d)", "", re.sub(r",(\s*[}\]])", r"\1", quoted))
    found: Mapping[str, Any] = json.loads(bare)
    return found


def shown(settings: InstanceSettings) -> Mapping[str, Any]:
    """The settings as the API shows them."""
    instance = Instance("u", "acc", "default", "docs", settings, 0, 0)
    return instance_of(instance, Activity("waiting", 0, ItemCounts()), SyncState())


def test_the_defaults_are_these() -> None:
    api = shown(InstanceSettings())
    assert (api["reranking"], api["score_threshold"], api["retrieval_options"]["keyword_match_mode"]) == (
        False,
        0.4,
        "or",
    )
    words = shown(InstanceSettings(vector_index=False))
    assert words["retrieval_options"]["keyword_match_mode"] == "and"
    assert (api["cache"], api["cache_threshold"], api["cache_ttl"]) == (True, "close_enough", 172_800)


def test_the_wizard_makes_what_the_api_makes_of_nothing() -> None:
    assert merge_settings(InstanceSettings(), dict(fresh())) == merge_settings(InstanceSettings(), {})


def test_the_wizard_shows_what_the_api_has() -> None:
    api = shown(InstanceSettings())
    for name, value in fresh().items():
        if isinstance(value, dict):
            assert value == {key: api[name][key] for key in value}, name
        else:
            assert (value or None) == (api[name] or None), name


def test_command_line_and_demo_set_nothing_else() -> None:
    found: dict[str, set[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "InstanceSettings":
                found.setdefault(name, set()).update(str(one.arg) for one in node.keywords)
                assert not node.args, name
    inside = ("src/secondlook/api/", "src/secondlook/services/", "src/secondlook/stores/")
    assert {name: words for name, words in found.items() if not name.startswith(inside)} == PLACES


def test_the_playground_starts_as_the_instance_is() -> None:
    text = PLAN.read_text(encoding="utf-8")
    lines = dict(re.findall(r"^ {4}(\w+): (.+?),(?: //.*)?$", object_of(text, "return {"), re.MULTILINE))
    assert lines == {
        **OF_THE_RUN,
        "type": 'vector && keyword ? "hybrid" : vector ? "vector" : "keyword"',
        "rerank": "settings.reranking",
        "model": "settings.reranking_stages.length ? null : settings.reranking_model",
        "relevance": "settings.reranking_match_probability ? null : RELEVANCE",
        "threshold": "settings.score_threshold",
        "results": "settings.max_num_results",
        "budget": "settings.reranking_budget_ms",
        "cached": "false",
    }
    assert f"const RELEVANCE = {DEFAULT_MIN_RELEVANCE};" in text
