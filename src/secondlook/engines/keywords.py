"""From a user's words to a full-text query that cannot be anything else."""

import math
import re
from collections.abc import Callable, Mapping, Sequence

from secondlook.domain.analysers import drop_elided, find_terms
from secondlook.domain.instance import Tokenizer
from secondlook.domain.options import MatchMode
from secondlook.domain.stop_words import ENGLISH
from secondlook.ports import IndexShape

K1 = 1.2
"""FTS5's own constant (b = 0.75); https://www.sqlite.org/fts5.html#the_bm25_function"""
LEAST_IDF = 1e-6
WORD = re.compile(r"\w+")
SPACED = re.compile(r"\S+")
EDGES = "\"'`´‘’‚‛“”„«»‹›「」『』()[]{}<>¿¡…"
ENDS = "?!.,;:。、"
"""Punctuation around what stands between spaces, and what ends sentences."""
GRAM = 3
"""Letters of the least term that a trigram index holds."""
STRETCHES: Mapping[Tokenizer, int] = {"porter": 2, "trigram": 3}
"""Letters of a term where no spaces part words."""


def find_phrases(text: str, shape: IndexShape, grams: Callable[[str], Sequence[str]] = lambda term: ()) -> list[str]:
    """What a query asks this index for, each once, in order, as expressions of FTS5.

    ``grams`` gives the trigrams of the index that hold a term too short to be one, see ``holds_short``.
    """
    if shape.tokenizer is None:
        return []
    if shape.analyser:
        terms = find_terms(text, shape.analyser, STRETCHES[shape.tokenizer])
        return [quote_term(term.text) + "*" * term.prefix for term in terms]
    found = []
    for term in split_terms(text, shape.tokenizer):
        if shape.tokenizer == "porter" or len(term) >= GRAM:
            found.append(quote_term(term))
        else:
            found.append(f"({make_match([quote_term(one) for one in grams(term)] or [quote_term(term)], 'or')})")
    return found


def split_terms(text: str, tokenizer: Tokenizer) -> list[str]:
    """The terms of a query, each once, in order, without stop words unless nothing else is there."""
    for one in (drop_elided(text), text):
        words = list(dict.fromkeys(_codes(one) if tokenizer == "trigram" else WORD.findall(_plain(one))))
        if words:
            break
    return [word for word in words if word not in ENGLISH] or words


def _codes(text: str) -> list[str]:
    """Words, and what has signs as it is where its words alone would not tell it apart: E-17, C++, .NET.

    A trigram index holds signs too. Signs alone are asked for if there is nothing else.
    """
    found, signs = [], []
    for spaced in SPACED.findall(text.lower()):
        words, code = WORD.findall(_plain(spaced)), spaced.strip(EDGES).rstrip(f"{ENDS}{EDGES}")
        if not words:
            signs += [code] * bool(code)
        elif any(len(one) < GRAM for one in words) or not (_is_word(code[0]) and _is_word(code[-1])):
            found.append(code)
        else:
            found += words
    return found or signs


def _plain(text: str) -> str:
    return text.lower().replace("_", " ")


def _is_word(letter: str) -> bool:
    return bool(WORD.fullmatch(letter))


def holds_short(gram: str, term: str) -> bool:
    """Whether a trigram of an index holds a term of one or two letters.

    A term of letters and digits must begin or end a word there, and one letter must be a word of its own; one of
    signs or of a script without spaces may be anywhere.
    """
    if not (term.isascii() and term.isalnum()):
        return term in gram
    at = gram.find(term)
    free = [not one.isalnum() for one in (gram[:at], gram[at + len(term) :]) if one]
    return at >= 0 and (all(free) if len(term) == 1 else any(free))


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
