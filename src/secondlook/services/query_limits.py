"""How long a query may be, and what becomes of a longer one."""

import re
from dataclasses import dataclass, replace

from secondlook.domain.candidate import Ranking
from secondlook.domain.query import DEFAULT_QUERY_CHARACTERS, DEFAULT_QUERY_TERMS, Query
from secondlook.domain.wording import plural
from secondlook.errors import InvalidOptionError

TERM = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """The most characters and terms (words) of a query: each costs time in every stage."""

    characters: int = DEFAULT_QUERY_CHARACTERS
    terms: int = DEFAULT_QUERY_TERMS

    def fit(self, query: Query) -> Query:
        """The query; the last message of a conversation is cut to what is searched for, and says so.

        Raises:
            InvalidOptionError: a query that is no message is too long.
        """
        end = self._end(query.text)
        if end >= len(query.text):
            return query
        if query.messages:
            return replace(query, text=query.text[:end].rstrip(), truncated=True)
        if len(query.text) > self.characters:
            raise InvalidOptionError(
                f"query: it has {plural(len(query.text), 'character')}; the limit is {self.characters:,}: shorten it"
            )
        raise InvalidOptionError(f"query: it has more than {plural(self.terms, 'term')}: shorten it")

    def _end(self, text: str) -> int:
        """Where the text is to be cut; its length if it is not."""
        whole = len(text) <= self.characters
        end = len(text) if whole else self.characters
        for count, term in enumerate(TERM.finditer(text, 0, end), 1):
            if count == self.terms + 1:
                return term.start()
        return end


USUAL = QueryLimits()
"""Those of a server whose settings say nothing."""


def told_of(ranking: Ranking, query: Query) -> Ranking:
    """The ranking of the query, its receipt with a mark if the query was cut."""
    if not query.truncated:
        return ranking
    return replace(ranking, receipt=replace(ranking.receipt, query_truncated=True))
