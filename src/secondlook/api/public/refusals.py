"""What public endpoints refuse, and what they show of anything that fails (contract, 2)."""

import logging
from collections.abc import Mapping

from fastapi.responses import JSONResponse

from secondlook.api.errors import failure, headers_of, to_wire
from secondlook.api.wire import Row
from secondlook.errors import (
    AssetError,
    InstanceNotFoundError,
    InvalidFilterError,
    InvalidOptionError,
    MissingQueryError,
    NamespaceNotFoundError,
    SecondlookError,
)

log = logging.getLogger(__name__)

ASSET_NOT_FOUND = 60001
NO_ID = 60002
NO_CONFIG = 60003
NOT_ENABLED = 60004
RATE_LIMITED = 60005
NO_SUCH_PATH = 60006
NO_TOOL = 60007
NO_SEARCH = 60008
NO_CHAT = 60009
STATS_METHOD = 60010
STATS_BODY = 60011
INVALID_IDS = 60012
NO_INSTANCE = 60013
NOT_FOR_NAMESPACES = 60014
NO_OBJECT = 60015
TOOL_METHOD = 60016
NO_PLAIN_DOMAIN = 60018
INTERNAL = 60100

TABLE: Mapping[int, tuple[int, str]] = {
    ASSET_NOT_FOUND: (404, "asset not found"),
    NO_ID: (404, "hash not found on url"),
    NO_CONFIG: (404, "config not found"),
    NOT_ENABLED: (404, "ai search not enabled"),
    RATE_LIMITED: (429, "rate limited"),
    NO_SUCH_PATH: (404, "endpoint not found"),
    NO_TOOL: (401, "mcp endpoint disabled"),
    NO_SEARCH: (401, "search endpoint disabled"),
    NO_CHAT: (401, "chat completions endpoint disabled"),
    STATS_METHOD: (405, "method not allowed"),
    STATS_BODY: (400, "invalid stats request body"),
    INVALID_IDS: (400, "invalid ai_search_options.instance_ids"),
    NO_INSTANCE: (404, "ai_search_not_found"),
    NOT_FOR_NAMESPACES: (404, "path not supported for namespace-kind hash"),
    NO_OBJECT: (400, "request body must be a JSON object"),
    TOOL_METHOD: (405, "method not allowed; this MCP endpoint only accepts POST"),
    NO_PLAIN_DOMAIN: (404, "default domain disabled"),
    INTERNAL: (500, "internal error"),
}
"""Code -> status and message."""

TOLD = (InvalidOptionError, MissingQueryError, InvalidFilterError, AssetError)
"""Errors whose words speak of the request alone; of all others nothing but the code leaves the house."""

HIDDEN = ("reranking", "thresholds", "trace", "dropped")
"""Keys of an answer that tell of the server: its models, and why one failed."""


def refusal(code: int, detail: str = "", headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer of that code."""
    status, message = TABLE[code]
    return JSONResponse(failure(code, message, detail), status, headers=headers)


def failed(error: Exception) -> JSONResponse:
    """The answer for an error, without what it says of the inside."""
    if isinstance(error, InstanceNotFoundError):
        return refusal(NO_INSTANCE)
    if isinstance(error, NamespaceNotFoundError):
        return refusal(NO_CONFIG)
    if not isinstance(error, SecondlookError):
        log.error("a public endpoint failed", exc_info=error)
        return refusal(INTERNAL)
    status, body = to_wire(error)
    if status >= 500:
        log.warning("a public endpoint failed: %s", error)
    return JSONResponse(
        body if isinstance(error, TOLD) else without_details(dict(body)), status, headers=headers_of(error)
    )


def public_view(shown: Row) -> Row:
    """An object of an answer as anybody may see it."""
    return without_details({name: value for name, value in shown.items() if name not in HIDDEN})


def without_details(shown: Row) -> Row:
    """The same without the sentences for a person in ``errors``."""
    hidden = ("detail", "error_chain")
    errors = shown.get("errors")
    if not isinstance(errors, list):
        return shown
    return {**shown, "errors": [{name: value for name, value in one.items() if name not in hidden} for one in errors]}
