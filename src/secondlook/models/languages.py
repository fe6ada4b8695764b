"""Which languages a reranker was trained on, as the cards of the models say; others are taken to read any."""

from collections.abc import Mapping

LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "BAAI/bge-reranker-base": ("en", "zh"),
    "@cf/baai/bge-reranker-base": ("en", "zh"),
    "cross-encoder/ms-marco-MiniLM-L-6-v2": ("en",),
}
"""Name of a reranker -> ISO 639-1 codes."""
