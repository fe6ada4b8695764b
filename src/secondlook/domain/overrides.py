"""What a request may choose in place of its instance's settings although the operator pays for it."""

from typing import Literal

Override = Literal["model", "system_prompt", "rewriting", "max_tokens", "tools", "model_options", "reranker", "cache"]
"""What can be allowed.

``model`` is the language model of an answer, ``system_prompt`` its instructions, ``rewriting`` model and prompt
of the rewriting, ``max_tokens`` a longer answer than the instance's, ``tools`` tools and what they said,
``model_options`` other keys that are passed to the model, ``reranker`` the rerankers, and ``cache`` the answer cache.
"""
ALL: frozenset[Override] = frozenset(
    ("model", "system_prompt", "rewriting", "max_tokens", "tools", "model_options", "reranker", "cache")
)
NONE: frozenset[Override] = frozenset()
USUAL_MOST_TOKENS = 4096
"""The longest answer that may be asked for without ``max_tokens`` where neither instance nor server sets a limit."""
