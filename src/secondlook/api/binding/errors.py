"""The errors of the bindings, by the names that they have in JavaScript."""

from collections.abc import Callable

from secondlook.errors import SecondlookError

UNREACHABLE = 0
"""Stands for the status when no answer came."""


class BindingError(SecondlookError):
    """A call through a binding failed.

    Attributes:
        message: the word of the contract, such as ``ai_search_not_found``.
        status: of HTTP; 0 when no answer came.
        code: of the contract's table of errors; 0 when there was none.
        detail: what, which value, and what to do, where the server said so.
    """

    def __init__(self, message: str, *, status: int = UNREACHABLE, code: int = 0, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.message}: {self.detail}" if self.detail else self.message


class AutoRAGError(BindingError):
    """What ``env.AI.autorag(…)`` raises."""


class AutoRAGInternalError(AutoRAGError):
    """Anything but the two below: a refused value, a failed server, or none at all."""


class AutoRAGNotFoundError(AutoRAGError):
    """There is no such instance."""


class AutoRAGUnauthorizedError(AutoRAGError):
    """The token is missing, unknown or revoked."""


class AutoRAGNameNotSetError(AutoRAGError):
    """The call needs an instance, and ``autorag()`` was given none."""


class AiSearchError(BindingError):
    """What ``env.AI_SEARCH`` raises."""


class AiSearchNotFoundError(AiSearchError):
    """There is no such namespace, instance, item or job."""


class AiSearchInternalError(AiSearchError):
    """The server failed, or there is none."""


class InferenceUpstreamError(BindingError):
    """What ``env.AI.run(…)`` raises."""


Kind = Callable[[int], type[BindingError]]


def autorag_error(status: int) -> type[BindingError]:
    """The error of the legacy binding for a status."""
    return {401: AutoRAGUnauthorizedError, 404: AutoRAGNotFoundError}.get(status, AutoRAGInternalError)


def ai_search_error(status: int) -> type[BindingError]:
    """The error of the new bindings for a status."""
    if status == 404:
        return AiSearchNotFoundError
    return AiSearchInternalError if status == UNREACHABLE or status >= 500 else AiSearchError


def inference_error(status: int) -> type[BindingError]:
    """The error of ``run`` for a status."""
    return InferenceUpstreamError
