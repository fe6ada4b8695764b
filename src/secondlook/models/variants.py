"""Variants of a reranker, told by options behind its name: ``NAME?max_tokens=128&precision=fp32``."""

from dataclasses import dataclass
from typing import get_args
from urllib.parse import parse_qsl

from secondlook.errors import InvalidModelError
from secondlook.models.graph import Precision

FEWEST_TOKENS = 64
MOST_TOKENS = 8192


@dataclass(frozen=True, slots=True)
class Variant:
    """How a model is run; None is as it is run without saying.

    Attributes:
        max_tokens: longest pair that a cross-encoder is given, and of a passage what the built-in reranker reads.
        precision: of weights and activations.
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
    if not asked:
        return name, Variant()
    tokens: int | None = None
    precision: Precision | None = None
    for word, value in parse_qsl(words, keep_blank_values=True) or [(words, "")]:
        if word == "max_tokens" and value.isdecimal() and FEWEST_TOKENS <= int(value) <= MOST_TOKENS:
            tokens = int(value)
        elif word == "precision" and value in get_args(Precision):
            precision = "fp32" if value == "fp32" else "int8"
        else:
            raise InvalidModelError(
                f"model {name[:200]!r}: {word}={value} is no option; those are max_tokens={FEWEST_TOKENS} to"
                f" {MOST_TOKENS} and precision={' or '.join(get_args(Precision))}"
            )
    return bare, Variant(tokens, precision)
