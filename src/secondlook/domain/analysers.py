"""Text to the terms that a keyword index of a language holds, and a query to those it asks for."""

import re
import unicodedata
from functools import cache
from typing import NamedTuple

import Stemmer

from secondlook.domain.instance import Analyser
from secondlook.domain.stop_words import ELIDED, STOP_PAIRS, STOP_STRETCHES, STOP_WORDS

MARKS = "".join(letter for letter in map(chr, range(0x300, 0x2000)) if unicodedata.category(letter)[0] == "M")
"""Accents and vowel signs, as Hindi and Tamil write them; Python's ``\\w`` leaves them out."""
WORD = re.compile(rf"[\w{MARKS}]+")
JOINED = re.compile(rf"(?<![\w{MARKS}])[\w{MARKS}]+(?:['’‘`´′＇][\w{MARKS}]+)+")
APOSTROPHE = re.compile("['’‘`´′＇]")
LONGEST_JOINT = 2
"""Letters of what an apostrophe ties to a word: l', qu', 's, 're, 'll."""
UNSEEN = re.compile("[\u00ad\u200d]")
"""The soft hyphen and the joiner stand inside words."""
HAN = "々〇\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
KATAKANA = "\u30a1-\u30fa\u30fc-\u30fe\u31f0-\u31ff"
UNSPACED = f"{HAN}{KATAKANA}\u3041-\u3096\u309d\u309e\u3105-\u312f\uac00-\ud7af"
RUN = re.compile(f"([{UNSPACED}]+)")
"""Letters of scripts that put no spaces between words, and Hangul, whose endings are glued on."""
LETTER = rf"(?![{UNSPACED}])[^\W\d_]"
SINGLE_END = rf"(?<!\d)'{LETTER}(?!\w)"
SINGLE = re.compile(rf"(?<!\w){LETTER}'(?!\d)|{SINGLE_END}")
"""One letter at an apostrophe, as in l'huile, dell'olio's or don't; feet and minutes (5'9) are none."""
SINGLE_SUFFIX = re.compile(SINGLE_END)
"""The same in Turkish, which ties endings alone."""
PARTICLE = f"(?<=[{HAN}{KATAKANA}])[のはがをにでともへや](?=[{HAN}{KATAKANA}])"
"""One of these hiragana between letters of the other two Japanese scripts is no part of a word."""
CUT = re.compile("|".join((*STOP_STRETCHES, PARTICLE)))
ACCENT = re.compile("([a-z])[\u0300-\u036f]+")
LONGEST_WORD = 64
"""Characters; what is longer is no word of a language and is not stemmed."""
UNSTEMMED: Analyser = "simple"
LATIN_IN_RUNS: Analyser = "english"


class Term(NamedTuple):
    """What a query asks for; a prefix stands for every term that begins with it."""

    text: str
    prefix: bool = False


def analyse(text: str, analyser: Analyser, size: int) -> str:
    """The terms of a text in order, a space between.

    Words are folded, stemmed, and lose the accents of Latin letters. A run of Chinese, Japanese
    or Korean becomes its overlapping stretches of ``size`` letters, the last ones shorter, so
    that a term begins at every letter.
    """
    words, found = _Words(analyser), []
    for piece, is_run in _pieces(_fold(text, analyser)):
        found += [piece[at : at + size] for at in range(len(piece))] if is_run else [words.reduce(piece)]
    return " ".join(found)


def find_terms(text: str, analyser: Analyser, size: int) -> list[Term]:
    """The terms of a query, each once, in order, without function words unless nothing else is there."""
    plain = _plain(text, analyser)
    bare = _untie(drop_elided(plain, suffixes=analyser == "turkish"), analyser)
    whole, asked = _weigh(_untie(plain, analyser), analyser, size), _weigh(CUT.sub(" ", bare), analyser, size)
    # what only the split at an apostrophe left alone is in no text
    asked = {term: telling for term, telling in asked.items() if term.prefix or term in whole} or whole
    return [term for term, telling in asked.items() if telling] or list(asked)


def drop_elided(text: str, *, suffixes: bool = False) -> str:
    """The text of a query without what apostrophes tie to its words, such as 's, l', 're or the "don" of "don't".

    A document may put it otherwise ("what's", "what is"), so a query must not ask for these parts. With ``suffixes``
    all that follows an apostrophe goes, as in Turkish (Ankara'nın).
    """

    def drop(found: re.Match[str]) -> str:
        parts = APOSTROPHE.split(found.group())
        if suffixes:
            return parts[0]
        longest = max(parts, key=len)
        return " ".join(
            one
            for one in parts
            if one.lower() not in ELIDED and (one is longest or len(one) > LONGEST_JOINT or not one.isalpha())
        )

    return JOINED.sub(drop, text.replace("_", " "))


def _weigh(folded: str, analyser: Analyser, size: int) -> dict[Term, bool]:
    """The terms, and whether each tells more than the grammar of the query."""
    words, silent = _Words(analyser), _silent(analyser)
    asked: dict[Term, bool] = {}
    for piece, is_run in _pieces(folded):
        if not is_run:
            asked[Term(words.reduce(piece))] = _strip(piece) not in silent
        elif len(piece) < size:
            asked[Term(piece, prefix=True)] = piece not in STOP_PAIRS
        else:
            stretches = [piece[at : at + size] for at in range(len(piece) - size + 1)]
            asked |= {Term(one): one not in STOP_PAIRS for one in stretches}
    return asked


class _Words:
    """The stemmer of a language, for one thread."""

    def __init__(self, analyser: Analyser) -> None:
        language = LATIN_IN_RUNS if analyser == "cjk" else analyser
        self._stemmer = None if language == UNSTEMMED else Stemmer.Stemmer(language, 0)

    def reduce(self, word: str) -> str:
        """The stem without accents."""
        if self._stemmer and len(word) <= LONGEST_WORD:
            word = self._stemmer.stemWord(word)
        return _strip(word)


def _fold(text: str, analyser: Analyser) -> str:
    """Compatible forms as one, small letters, and no letters that only an apostrophe ties to a word."""
    return _untie(_plain(text, analyser), analyser)


def _plain(text: str, analyser: Analyser) -> str:
    """Compatible forms as one, and small letters.

    Signs that serve as apostrophes become one before the compatible forms, which for ´ is a space with an accent.
    """
    plain = UNSEEN.sub("", unicodedata.normalize("NFKC", APOSTROPHE.sub("'", text)))
    if analyser == "turkish":
        plain = plain.replace("I", "ı").replace("İ", "i")
    return unicodedata.normalize("NFKC", plain.casefold()).replace("_", " ")


def _untie(plain: str, analyser: Analyser) -> str:
    return (SINGLE_SUFFIX if analyser == "turkish" else SINGLE).sub(" ", plain)


def _pieces(folded: str) -> list[tuple[str, bool]]:
    """Words, and runs of letters without spaces, in order; the second says which."""
    found = []
    for word in WORD.findall(folded):
        pieces = [word] if word.isascii() else RUN.split(word)
        found += [(piece, at % 2 == 1) for at, piece in enumerate(pieces) if piece]
    return found


def _strip(word: str) -> str:
    if word.isascii():
        return word
    return unicodedata.normalize("NFC", ACCENT.sub(r"\1", unicodedata.normalize("NFD", word)))


@cache
def _silent(analyser: Analyser) -> frozenset[str]:
    language = LATIN_IN_RUNS if analyser == "cjk" else analyser
    return frozenset(_strip(_fold(word, language)) for word in STOP_WORDS.get(language, ()))
