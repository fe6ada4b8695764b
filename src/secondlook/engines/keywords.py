"""From a user's words to a full-text query that cannot be anything else."""

import re

from secondlook.domain.instance import Tokenizer
from secondlook.domain.options import MatchMode

WORD = re.compile(r"\w+(?:['’]\w+)*", re.UNICODE)
STOP_WORDS = frozenset(
    (
        "a about an and any are as at be been but by can could did do does for from had has have how i if in "
        "into is it its me my no not of on or our shall should so than that the their them then there these "
        "they this to was we were what when where which who whom why will with would you your"
    ).split()
)
"""Question and function words; left out so that ``and`` does not ask a document to hold "how" and "do"."""


def split_terms(text: str, tokenizer: Tokenizer) -> list[str]:
    """The terms of a query, each once, in order, without stop words unless nothing else is there."""
    words = list(dict.fromkeys(word.lower() for word in WORD.findall(text.replace("_", " "))))
    if tokenizer == "trigram":
        words = [word for word in words if len(word) >= 3]
    return [word for word in words if word not in STOP_WORDS] or words


def quote_term(term: str) -> str:
    """The term as an FTS5 string: nothing in it is an operator."""
    return '"' + term.replace('"', '""') + '"'


def make_match(terms: list[str], mode: MatchMode) -> str:
    """The FTS5 expression that asks for all terms, or for any."""
    return (" AND " if mode == "and" else " OR ").join(quote_term(term) for term in terms)
