"""Secondlook: a self-hosted AI search server that takes a second look at every search result."""

from importlib import import_module

TYPE_CHECKING = False  # typing's own takes 20 ms to import, in which the command could not handle Ctrl-C
if TYPE_CHECKING:
    from typing import Any

    from secondlook.api.binding.errors import (
        AiSearchError,
        AiSearchInternalError,
        AiSearchNotFoundError,
        AutoRAGError,
        AutoRAGInternalError,
        AutoRAGNameNotSetError,
        AutoRAGNotFoundError,
        AutoRAGUnauthorizedError,
        BindingError,
        InferenceUpstreamError,
    )
    from secondlook.connection import Connection, connect

__version__ = "0.1.0"

_CONNECTION = "secondlook.connection"
_ERRORS = "secondlook.api.binding.errors"
_HOMES = {
    "connect": _CONNECTION,
    "Connection": _CONNECTION,
    "BindingError": _ERRORS,
    "AutoRAGError": _ERRORS,
    "AutoRAGInternalError": _ERRORS,
    "AutoRAGNameNotSetError": _ERRORS,
    "AutoRAGNotFoundError": _ERRORS,
    "AutoRAGUnauthorizedError": _ERRORS,
    "AiSearchError": _ERRORS,
    "AiSearchInternalError": _ERRORS,
    "AiSearchNotFoundError": _ERRORS,
    "InferenceUpstreamError": _ERRORS,
}
"""Where each public name lives; it is imported when it is first used, so that ``import secondlook`` stays cheap."""

__all__ = [
    "AiSearchError",
    "AiSearchInternalError",
    "AiSearchNotFoundError",
    "AutoRAGError",
    "AutoRAGInternalError",
    "AutoRAGNameNotSetError",
    "AutoRAGNotFoundError",
    "AutoRAGUnauthorizedError",
    "BindingError",
    "Connection",
    "InferenceUpstreamError",
    "__version__",
    "connect",
]


def __getattr__(name: str) -> "Any":
    """A public name, from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
