"""Every module with code has its mirrored test, or a test elsewhere that shows it."""

import ast
from pathlib import Path

import pytest

from tests.house.yard import ROOT, SOURCE, functions, modules, parse, where

ELSEWHERE = {
    "__main__.py": "tests/acceptance/test_interrupts.py",
    "interrupts.py": "tests/acceptance/test_interrupts.py",
    "index_command.py": "tests/unit/test_cli.py",
    "stored_check.py": "tests/unit/test_check_command.py",
    "services/data_check.py": "tests/unit/test_check_command.py",
    "__init__.py": "tests/unit/test_connection.py",
    "api/app.py": "tests/wire/test_bad_input.py",
    "api/callers.py": "tests/attack/test_spending.py",
    "api/autorag.py": "tests/wire/test_search.py",
    "api/autorag_sync.py": "tests/wire/test_jobs.py",
    "api/headers.py": "tests/attack/test_headers.py",
    "api/document.py": "tests/wire/test_openapi.py",
    "api/document_links.py": "tests/wire/test_openapi.py",
    "api/openai.py": "tests/wire/test_openai.py",
    "api/document_parts.py": "tests/wire/test_openapi.py",
    "api/document_schemas.py": "tests/wire/test_openapi.py",
    "api/document_shapes.py": "tests/wire/test_openapi.py",
    "api/document_summaries.py": "tests/wire/test_openapi.py",
    "api/ai_search/lab.py": "tests/wire/test_lab.py",
    "api/jobs.py": "tests/wire/test_jobs.py",
    "api/rerank.py": "tests/wire/test_rerank.py",
    "api/sign_in.py": "tests/wire/test_sign_in.py",
    "api/wire.py": "tests/wire/test_chat.py",
    "api/binding/ai_search.py": "tests/wire/test_binding.py",
    "api/binding/autorag.py": "tests/wire/test_binding.py",
    "api/ai_search/instance_rows.py": "tests/wire/test_instances.py",
    "api/ai_search/instances.py": "tests/wire/test_instances.py",
    "api/ai_search/endpoints.py": "tests/wire/test_public.py",
    "api/ai_search/items.py": "tests/wire/test_items.py",
    "api/ai_search/joint.py": "tests/wire/test_joint.py",
    "api/ai_search/models.py": "tests/wire/test_models.py",
    "api/ai_search/namespaces.py": "tests/wire/test_instances.py",
    "api/ai_search/queries.py": "tests/wire/test_queries.py",
    "api/ai_search/query_sets.py": "tests/wire/test_query_sets.py",
    "api/ai_search/routes.py": "tests/wire/test_chat.py",
    "api/public/events.py": "tests/wire/test_public.py",
    "api/public/hosts.py": "tests/wire/test_public.py",
    "api/public/origins.py": "tests/wire/test_public.py",
    "api/public/refusals.py": "tests/wire/test_public.py",
    "api/public/routes.py": "tests/wire/test_public.py",
    "api/public/tool.py": "tests/acceptance/test_mcp.py",
    "api/ai_search/jobs.py": "tests/wire/test_jobs.py",
    "api/ai_search/access_tokens.py": "tests/wire/test_access_tokens.py",
    "api/ai_search/source_test.py": "tests/wire/test_sources.py",
    "api/ai_search/tokens.py": "tests/wire/test_tokens.py",
    "bootstrap.py": "tests/acceptance/test_cloudflare_sdk.py",
    "pipeline.py": "tests/wire/test_search.py",
    "queue_worker.py": "tests/acceptance/test_queue.py",
    "error_kinds.py": "tests/unit/api/test_field_errors.py",
    "console.py": "tests/unit/test_cli.py",
    "model_commands.py": "tests/unit/test_cli.py",
    "token_commands.py": "tests/unit/test_cli.py",
    "domain/endpoint.py": "tests/unit/services/test_endpoints.py",
    "server.py": "tests/acceptance/test_cloudflare_sdk.py",
    "sources/bucket.py": "tests/contract/test_sources.py",
    "sources/opening.py": "tests/contract/test_sources.py",
    "services/lab_work.py": "tests/unit/services/test_lab_runs.py",
    "services/retaking.py": "tests/unit/services/test_instances.py",
    "services/shapes.py": "tests/unit/services/test_instances.py",
    "sync_command.py": "tests/acceptance/test_sync_command.py",
    "transfer.py": "tests/acceptance/test_transfer.py",
    "stores/database.py": "tests/unit/stores/test_catalog.py",
}
"""Modules that are better shown through the wire or a running server, and the test that shows each."""


def has_code(path: Path) -> bool:
    """Whether any function of the module does something; protocols, plain data and bare packages do not."""
    for one in functions(parse(path)):
        body = one.body[1:] if ast.get_docstring(one) else one.body
        if any(not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) for node in body):
            return True
    return False


def mirror_of(path: Path) -> Path:
    """Where the module's own test stands."""
    inside = path.relative_to(SOURCE)
    return ROOT / "tests" / "unit" / inside.parent / f"test_{inside.name}"


@pytest.mark.parametrize("path", [path for path in modules() if has_code(path)], ids=where)
def test_every_module_has_its_test(path: Path) -> None:
    other = ELSEWHERE.get(path.relative_to(SOURCE).as_posix())
    shown_by = ROOT / other if other else mirror_of(path)
    assert shown_by.is_file(), f"write {where(shown_by)}"
    assert any(one.name.startswith("test_") for one in functions(parse(shown_by)))


def test_exceptions_name_modules() -> None:
    gone = [name for name in ELSEWHERE if not (SOURCE / name).is_file()]
    assert gone == []


def test_no_mirror_without_its_module() -> None:
    tests = (ROOT / "tests" / "unit").rglob("test_*.py")
    expected = {mirror_of(path) for path in modules()}
    assert [where(path) for path in tests if path not in expected] == []


def test_what_counts_as_code(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text('class P:\n    def f(self) -> int:\n        """Says."""\n    def g(self) -> int: ...\n')
    assert not has_code(path)
    path.write_text('def f() -> int:\n    """Says."""\n    return 1\n')
    assert has_code(path)
