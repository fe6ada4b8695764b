"""Sizes, names and words of the source."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.yard import ROOT, SOURCE, Function, docstrings, functions, modules, parse, where

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
NO_NAMES = {"utils", "helpers", "common", "misc", "manager"}
WIRE_WORDS = frozenset(
    "max_num_results max_num_of_results match_threshold score_threshold rewrite_query query_rewrite rewrite_prompt"
    " rewrite_model ai_search_options ranking_options retrieval_options indexing_options scoring_details"
    " reranking_score context_expansion keyword_match_mode keyword_tokenizer index_method hybrid_search_enabled"
    " boost_by metadata_only return_on_failure search_query query_kind custom_metadata data_type field_name"
    " ai_search_model system_prompt_ai_search system_prompt_rewrite_query instance_ids wait_for_completion"
    " next_action budget_ms asked_model boost_after_reranking reranking_on_failure reranking_budget_ms"
    " keyword_language".split()
)
STAGE_NAMES = frozenset(("rewrite_query",))
"""Names of functions that happen to be wire words: each stage is a verb and a noun."""
VENDORS = re.compile(
    r"cloudflare|cohere|openai|anthropic|hugging ?face|google|mistral|voyage|jina|qwen|baai|\bbge\b|wrangler|autorag",
    re.IGNORECASE,
)


@pytest.mark.parametrize("path", modules(), ids=where)
def test_files_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", modules(), ids=where)
def test_functions_are_short(path: Path) -> None:
    long = {one.name: size for one in functions(parse(path)) if (size := own_lines(one)) > LONGEST_FUNCTION}
    assert not long


def test_own_lines_leave_inner_functions_out() -> None:
    [outer, _] = functions(ast.parse("def outer():\n    def inner():\n        return 1\n\n    return inner\n"))
    assert own_lines(outer) == 3


def own_lines(function: Function) -> int:
    """Lines of the function, without those of functions that are defined right inside it and count for themselves."""
    inner = [node for node in ast.walk(function) if isinstance(node, Function) and node is not function]
    nested = {line for node in inner for line in range(node.lineno, (node.end_lineno or 0) + 1)}
    return (function.end_lineno or 0) - function.lineno + 1 - len(nested)


def test_no_module_is_a_drawer() -> None:
    names = {part for path in modules() for part in path.relative_to(SOURCE).with_suffix("").parts}
    assert not names & NO_NAMES


INSIDE = [path for path in modules() if not path.is_relative_to(SOURCE / "api")]


@pytest.mark.parametrize("path", INSIDE, ids=where)
def test_wire_words_stay_in_the_api(path: Path) -> None:
    assert sorted(set(wire_words(parse(path)))) == []


def test_wire_words_are_found_wherever_they_stand() -> None:
    code = (
        "def f(match_threshold): pass\nx.boost_by\ng(search_query=1)\nindex_method = 1\n'give query_kind or none'\n"
        "y = f'the {z} instance_ids'\nclass data_type: pass\ndef metadata_only(): pass\n"
    )
    found = {word for _, word in wire_words(ast.parse(code))}
    assert found == {
        "match_threshold", "boost_by", "search_query", "index_method", "instance_ids", "data_type", "metadata_only",
    }  # fmt: skip
    assert not list(wire_words(ast.parse("def rewrite_query(): pass\nrewrite_query()")))
    assert list(wire_words(ast.parse("f(rewrite_query=1)")))


def wire_words(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and word of each use as an identifier or inside text; docstrings and comments may name them."""
    told = docstrings(tree)
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            names = re.findall(r"\w+", node.value)
        elif isinstance(node, ast.arg | ast.keyword):
            names = [node.arg or ""]
        elif isinstance(node, ast.Attribute):
            names = [node.attr]
        elif isinstance(node, ast.Name):
            names = [node.id] if node.id not in STAGE_NAMES else []
        elif isinstance(node, ast.ClassDef | Function):
            names = [node.name] if node.name not in STAGE_NAMES else []
        yield from ((getattr(node, "lineno", 0), name) for name in names if name in WIRE_WORDS)


@pytest.mark.parametrize("path", [*sorted((SOURCE / "stages").glob("*.py")), SOURCE / "pipeline.py"], ids=where)
def test_stages_name_no_vendor(path: Path) -> None:
    assert VENDORS.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", modules(), ids=where)
def test_nothing_is_printed(path: Path) -> None:
    calls = [node for node in ast.walk(parse(path)) if isinstance(node, ast.Call)]
    assert not [one.lineno for one in calls if isinstance(one.func, ast.Name) and one.func.id == "print"]


@pytest.mark.parametrize("path", modules(), ids=where)
def test_no_function_has_a_twin(path: Path) -> None:
    assert not [one.name for one in functions(parse(path)) if one.name.endswith(("_sync", "_async"))]


@pytest.mark.parametrize("path", modules(), ids=where)
def test_nothing_is_asserted(path: Path) -> None:
    """``-O`` removes assertions; a failure must be an error."""
    assert not [node.lineno for node in ast.walk(parse(path)) if isinstance(node, ast.Assert)]


def test_modules_open_with_a_sentence() -> None:
    silent = [where(path) for path in modules() if not ast.get_docstring(parse(path))]
    assert silent == []


def test_every_source_file_is_read() -> None:
    assert len(modules()) > 50
    assert (ROOT / "pyproject.toml").is_file()
