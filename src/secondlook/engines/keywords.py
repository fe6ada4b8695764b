"""From a user's words to a full-text query that cannot be anything else."""

import math
import re
from collections.abc import Mapping, Sequence

from secondlook.domain.analysers import find_terms
from secondlook.domain.instance import Tokenizer
from secondlook.domain.options import MatchMode
from secondlook.domain.stop_words import ENGLISH
from secondlook.ports import IndexShape

K1 = 1.2
"""FTS5's own constant (b = 0.75); https://www.sqlite.org/fts5.html#the_bm25_function"""
LEAST_IDF = 1e-6
WORD = re.compile(r"\w+(?:['’]\w+)*", re.UNICODE)
STRETCHES: Mapping[Tokenizer, int] = {"porter": 2, "trigram": 3}
"""Letters of a term where no spaces part words."""


def find_phrases(text: str, shape: IndexShape) -> list[str]:
    """What a query asks this index for, each once, in order, as FTS5 strings."""
    if shape.tokenizer is None:
        return []
    if shape.analyser is None:
        return [quote_term(term) for term in split_terms(text, shape.tokenizer)]
    terms = find_terms(text, shape.analyser, STRETCHES[shape.tokenizer])
    return [quote_term(term.text) + "*" * term.prefix for term in terms]


def split_terms(text: str, tokenizer: Tokenizer) -> list[str]:
    """The terms of a query, each once, in order, without stop words unless nothing else is there."""
    words = list(dict.fromkeys(word.lower() for word in WORD.findall(text.replace("_", " "))))
    if tokenizer == "trigram":
        words = [word for word in words if len(word) >= 3]
    return [word for word in words if word not in ENGLISH] or words


def quote_term(term: str) -> str:
    """The term as an FTS5 string: nothing in it is an operator."""
    return '"' + term.replace('"', '""') + '"'


def make_match(phrases: Sequence[str], mode: MatchMode) -> str:
    """The FTS5 expression that asks for all of these FTS5 strings, or for any."""
    return (" AND " if mode == "and" else " OR ").join(phrases)


def attain_bm25(total: int, holding: Sequence[int]) -> float:
    """The BM25 of a chunk in which every phrase is saturated: the sum of idf * (k1 + 1), with FTS5's idf.

    Args:
        total: how many chunks the index has.
        holding: how many of them hold each phrase.
    """
    idfs = (math.log((total - one + 0.5) / (one + 0.5)) for one in holding)
    return sum(max(idf, LEAST_IDF) * (K1 + 1) for idf in idfs)
