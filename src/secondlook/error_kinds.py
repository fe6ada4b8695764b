"""The roots of the tree of errors: who must act."""

from typing import Literal, Self

FailureCause = Literal[
    "answer", "breaker", "budget", "connection", "failed", "memory", "missing", "overloaded", "query", "self_test",
    "status", "timeout",
]  # fmt: skip
"""Why a reranker failed, in one word for whoever counts it; ``failed`` is anything without a word of its own."""


class SecondlookError(Exception):
    """The root; its message says what, which value, and what to do."""

    cause: FailureCause = "failed"
    """What is counted when a reranker fails with it."""


class CallerError(SecondlookError):
    """The request must be mended.

    ``fields`` names the wrong fields of its body, each with a sentence for a person; empty where no check knows them.
    """

    fields: tuple[tuple[str, str], ...] = ()

    def at(self, field: str, sentence: str = "") -> Self:
        """The same error, which names the wrong field of the body; its message is the sentence unless one is given."""
        self.fields = ((field, sentence or str(self)),)
        return self


class BackendError(SecondlookError):
    """A model, engine or store failed."""


class SetupError(SecondlookError):
    """The configuration or the installation must be mended."""

    cause = "missing"
