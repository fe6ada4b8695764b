"""Options behind a model's name are read or refused, and always written in one way."""

import pytest

from secondlook.errors import InvalidModelError
from secondlook.models.variants import Variant, split_variant


@pytest.mark.parametrize(
    ("name", "bare", "variant", "words"),
    [
        ("a/b", "a/b", Variant(), ""),
        ("a/b?max_tokens=128", "a/b", Variant(128), "?max_tokens=128"),
        ("a?precision=fp32&max_tokens=64", "a", Variant(64, "fp32"), "?max_tokens=64&precision=fp32"),
        ("?max_tokens=8192", "", Variant(8192), "?max_tokens=8192"),
        ("a?precision=int8", "a", Variant(), ""),
    ],
)
def test_options(name: str, bare: str, variant: Variant, words: str) -> None:
    assert split_variant(name) == (bare, variant)
    assert variant.words == words


@pytest.mark.parametrize(
    "words", ["max_tokens", "max_tokens=", "max_tokens=63", "max_tokens=8193", "max_tokens=-64", "max_tokens=1e3",
              "precision=fp16", "speed=9", "max_tokens=64&speed=9", "?max_tokens=64", "max_tokens=" + "9" * 5000,
              "max_tokens=٦٤", "max_tokens=64&"],
)  # fmt: skip
def test_what_is_no_option(words: str) -> None:
    with pytest.raises(InvalidModelError, match=r"is not an option; the options are max_tokens=64 to 8192") as caught:
        split_variant(f"a?{words}")
    assert len(str(caught.value)) < 500


def test_what_is_told_twice_or_not_at_all() -> None:
    with pytest.raises(InvalidModelError, match="'max_tokens=64' is given twice"):
        split_variant("a?max_tokens=128&max_tokens=64")
    with pytest.raises(InvalidModelError, match=r"nothing follows the \?"):
        split_variant("a?")
