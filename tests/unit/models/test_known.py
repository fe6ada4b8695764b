"""The table of rerankers is whole, and says which of them run here."""

import re

import pytest

from secondlook.domain.language import NAMES
from secondlook.models.known import ALIASES, BY_NAME, KNOWN, RUNNABLE, KnownReranker


@pytest.mark.parametrize("known", KNOWN, ids=lambda one: one.name)
def test_each_line_is_whole(known: KnownReranker) -> None:
    assert known.licence and known.size > 0
    assert known.covered is None or set(known.covered) <= set(NAMES), "the guard tells these languages apart"
    assert known.covered is None or known.covered
    assert known.tokens_read <= known.max_tokens
    assert re.fullmatch(r"[0-9a-f]{40}|", known.revision)
    assert bool(known.obstacle) == (known.architecture not in RUNNABLE)
    assert "models add" in known.obstacle or not known.obstacle


def test_names_are_unique_and_aliases_lead_to_them() -> None:
    assert len(BY_NAME) == len(KNOWN)
    assert set(ALIASES.values()) <= set(BY_NAME)
    assert not set(ALIASES) & set(BY_NAME)


def test_another_revision_has_no_hashes() -> None:
    known = KnownReranker("a/b", "MIT", "en", 1, 512, "bert", revision="1" * 40, files={"config.json": "f" * 64})
    assert known.pin().files == known.files
    assert known.pin("1" * 40).files == known.files
    other = known.pin("2" * 40)
    assert other.revision == "2" * 40
    assert set(other.files.values()) == {""}
