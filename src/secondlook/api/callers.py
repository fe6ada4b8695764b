"""Who asks, as far as the wire knows: the token of a request, and what that caller may override."""

from fastapi import Request

from secondlook.api.notices import IGNORED_OPTION, note
from secondlook.domain.endpoint import Endpoint
from secondlook.domain.instance import Token
from secondlook.services.bundle import Services
from secondlook.services.overrides import Caller

SPELLING = {
    "rewriting.enabled": "query_rewrite.enabled",
    "rewriting.model": "query_rewrite.model",
    "rewriting.prompt": "query_rewrite.rewrite_prompt",
    "reranking.budget": "reranking.budget_ms",
}
"""How requests call options that have other names inside."""


def token_of(request: Request) -> Token | None:
    """The token that the request came with; None where every caller is let in without one."""
    found = getattr(request.state, "token", None)
    return found if isinstance(found, Token) else None


def caller_of(services: Services, request: Request) -> Caller:
    """The caller of a route that needs a token."""
    return services.overrides.of_token(token_of(request), _note, spelling=SPELLING)


def visitor_of(services: Services, endpoint: Endpoint) -> Caller:
    """A caller of that public endpoint."""
    return services.overrides.of_endpoint(endpoint.params.overrides, _note, spelling=SPELLING)


def _note(sentence: str) -> None:
    note(IGNORED_OPTION, sentence)
