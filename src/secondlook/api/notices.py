"""What an answer says in ``messages``: notices of the request in hand, such as keys that nothing reads."""

from collections.abc import Sequence
from contextvars import ContextVar

from starlette.types import ASGIApp, Receive, Scope, Send

UNKNOWN_KEY = 7499
IGNORED_OPTION = 7498
"""Codes of notices; errors have other numbers."""
MOST = 20
"""Notices of one answer."""
LONGEST = 200

_notices: ContextVar[dict[str, int] | None] = ContextVar("notices", default=None)


def note(code: int, message: str) -> None:
    """Remember it for the answer to the request in hand, once; outside of a request nothing happens."""
    notices = _notices.get()
    if notices is not None and len(notices) < MOST:
        notices.setdefault(message[:LONGEST], code)


def messages() -> Sequence[dict[str, object]]:
    """The notices so far, in the contract's shape."""
    return [{"code": code, "message": message} for message, code in (_notices.get() or {}).items()]


class Notices:
    """Begins each request without any notice."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        token = _notices.set({})
        try:
            await self._app(scope, receive, send)
        finally:
            _notices.reset(token)
