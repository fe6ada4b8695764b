"""Variants of a reranker, told by options behind its name: ``NAME?max_tokens=128&precision=fp32``."""

from dataclasses import dataclass
from typing import get_args

from secondlook.errors import InvalidModelError
from secondlook.models.graph import Precision

FEWEST_TOKENS = 64
MOST_TOKENS = 8192


@dataclass(frozen=True, slots=True)
class Variant:
    """How a model is run; None is as it is run without saying.

    Attributes:
        max_tokens: longest pair that a cross-encoder is given, and of a passage what the built-in reranker reads.
        precision: of weights and activations; None for int8, the usual one.
    """

    max_tokens: int | None = None
    precision: Precision | None = None

    @property
    def words(self) -> str:
        """What stands behind the name, always in one order; empty for the plain model."""
        told = [f"max_tokens={self.max_tokens}"] if self.max_tokens is not None else []
        told += [f"precision={self.precision}"] if self.precision is not None else []
        return f"?{'&'.join(told)}" if told else ""


def split_variant(name: str) -> tuple[str, Variant]:
    """The model's name, and what is said behind it.

    Raises:
        InvalidModelError: an option is unknown, or its value is none that it can have.
    """
    bare, asked, words = name.partition("?")
    given: dict[str, str] = {}
    for part in words.split("&") if asked else ():
        word, _, value = part.partition("=")
        if word in given or not _is_option(word, value):
            told = (
                "nothing follows the ?"
                if not words
                else f"{part[:40]!r} is {'given twice' if word in given else 'not an option'}"
            )
            raise InvalidModelError(
                f"model {name[:200]!r}: {told}; the options are max_tokens={FEWEST_TOKENS} to {MOST_TOKENS} and"
                f" precision={' or '.join(get_args(Precision))}, each once, with & between them"
            )
        given[word] = value
    tokens = int(given["max_tokens"]) if "max_tokens" in given else None
    return bare, Variant(tokens, "fp32" if given.get("precision") == "fp32" else None)


def _is_option(word: str, value: str) -> bool:
    if word == "max_tokens":
        return value.isascii() and value.isdecimal() and len(value) < 6 and FEWEST_TOKENS <= int(value) <= MOST_TOKENS
    return word == "precision" and value in get_args(Precision)
