"""Every type of an item's error that a server of one's own can meet is made, tested and told (contract, 18.7)."""

import re

import pytest

from tests.house.yard import DOCS, ROOT, SOURCE

MET = """
unknown_error over_size unsupported_type file_not_found invalid_url file_is_corrupt file_is_password_locked invalid_pdf
unable_to_convert_to_markdown markdown_too_large markdown_conversion_empty file_content_empty timeout_error
too_many_redirects invalid_host_after_redirect subdomains_not_allowed blocked_by_robots_txt blocked_by_robots_txt_path
blocked_by_content_signal excluded_by_path_filter network_connection_lost crawl_got_http_error crawl_got_http_401
crawl_got_http_403 crawl_got_http_429 blocked_by_payment blocked_by_bot_management http_4xx http_5xx unreachable_timeout
unreachable_dns page_limit_reached browser_rendering_unknown_error browser_rendering_timeout_error
browser_rendering_network_connection_closed_error error_embedding_data_with_workers_ai workers_ai_out_of_capacity_error
r2_unknown_error vectorize_upstream_error hybrid_search_indexing_failed bucket_not_found bucket_unauthorized
external_source_missing_api_token bucket_name_invalid invalid_custom_header
""".split()
NEVER = {
    "chunk_too_large_for_storage": "a chunk may be as large as a file",
    "file_length_exceed_embedding_model": "long passages are read in windows",
    "file_too_large_for_embedder": "the same",
    "blocked_by_waf": "what a firewall says cannot be told from any other 403",
    "blocked_by_turnstile": "the same",
    "browser_rendering_authentication_error": "the browser is no service that one signs in to",
    "browser_rendering_rate_limit_error": "the same",
    "browser_rendering_no_body_status_error": "the crawler asks, and the browser shows what came",
    "browser_rendering_server_refused_connection_error": "the same",
    "workers_ai_invalid_input": "the embedder takes any text",
    "workers_ai_free_allocation_exceeded": "nothing is allotted",
    "workers_ai_internal_error": "told as error_embedding_data_with_workers_ai",
    "workers_ai_timeout_error": "told as timeout_error",
    "error_external_model_unknown_error": "no model of another server embeds",
    "error_external_model_rate_limited": "the same",
    "error_external_model_unauthorized": "the same",
    "ai_gateway_request_blocked_firewall": "there is no gateway",
    "ai_gateway_dlp_blocked": "the same",
    "ai_gateway_response_blocked_firewall": "the same",
    "ai_gateway_rate_limited": "the same",
    "ai_gateway_not_configured": "the same",
    "r2_internal_error": "told as r2_unknown_error",
    "r2_not_enabled": "any object store will do",
    "vectorize_rate_limited": "the index is a file",
    "vectorize_ingestion_timeout": "the same",
    "ai_search_is_full": "an instance holds as much as the disk does",
    "hybrid_search_is_full": "the same",
}
"""Types that do not come up, and why."""
PARTS = {"browser_rendering_": "sources/browser.py"}
"""Types that are put together from this beginning, there."""


def texts(folder: str, ending: str) -> str:
    here = {"src": SOURCE, "tests": ROOT / "tests", "docs": DOCS}[folder]
    found = (path for path in here.rglob(f"*{ending}") if path.name != "test_error_types.py")
    return "\n".join(path.read_text(encoding="utf-8") for path in found)


def says(text: str, word: str) -> bool:
    return re.search(rf"(?<![a-z_]){word}(?![a-z_])", text) is not None


def test_the_contract_has_so_many() -> None:
    assert len(MET) == len(set(MET)) == 45 and not set(MET) & set(NEVER)
    assert len(MET) + len(NEVER) == 72


@pytest.mark.parametrize(("folder", "ending"), [("src", ".py"), ("tests", ".py"), ("docs", ".md")])
def test_each_is_made_tested_and_told(folder: str, ending: str) -> None:
    text = texts(folder, ending)
    words = [
        next((one.removeprefix(part) for part in PARTS if folder == "src" and one.startswith(part)), one) for one in MET
    ]
    assert [one for one in words if not says(text, one)] == []


def test_none_is_made_that_is_said_not_to_come_up() -> None:
    text = texts("src", ".py")
    assert [one for one in NEVER if says(text, one)] == []
