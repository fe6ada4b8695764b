"""Globs over whole keys and addresses, case-sensitive: ``*`` within a segment, ``**`` across segments."""

import fnmatch
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from secondlook.domain.extglob import depth_of, is_extended, read_segment

LONGEST = 1024
DEEPEST = 16
MOST_ALTERNATIVES = 64
"""Patterns that the braces of one may stand for; more are not expanded."""
BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")
ONE_OF = re.compile(r"([@?])\(([^()]*/[^()]*)\)")
"""``@(a/b|c)``: one of them; ``?(a/b|c)``: one of them or nothing. Within a segment ``extglob`` reads them."""


class _Matcher(Protocol):
    """A segment of a pattern."""

    def match(self, text: str, /) -> object: ...


def skip_reason(key: str, include: Sequence[str], exclude: Sequence[str]) -> str:
    """Why the key is left out, in the words of a job's log; empty when it is not.

    Exclusion is looked at first; then the key must match one of ``include``, if there are any (contract, 18.5).
    """
    for pattern in exclude:
        if matches_glob(key, pattern):
            return f"Skipped by rule: {pattern}"
    if include and not any(matches_glob(key, pattern) for pattern in include):
        return "Skipped by Include Rules"
    return ""


def matches_glob(key: str, pattern: str) -> bool:
    """Whether the whole key matches.

    ``*``, ``?``, ``[a-z]``, ``[!a]``, ``{a,b}``, ``@(a|b)``, ``?(a|b)``, ``*(a|b)``, ``+(a|b)``, ``!(a|b)``, and ``**``
    as a whole segment. Of these groups only the first two may have a slash inside. No pattern takes long.
    """
    segments = key.split("/")
    return any(_match(segments, one) for one in _compiled(pattern))


def _match(segments: Sequence[str], pattern: Sequence[_Matcher | None]) -> bool:
    """Segment by segment; None stands for any number of them. Only the last None is ever tried again."""
    at = place = 0
    last, resume = -1, 0
    while at < len(segments):
        wanted = pattern[place] if place < len(pattern) else None
        if place < len(pattern) and wanted is None:
            last, resume = place, at
            place += 1
        elif wanted is not None and wanted.match(segments[at]):
            at, place = at + 1, place + 1
        elif last >= 0:
            resume += 1
            at, place = resume, last + 1
        else:
            return False
    return all(one is None for one in pattern[place:])


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Sequence[Sequence[_Matcher | None]]:
    return [_segments(one.split("/")) for one in _alternatives(pattern)]


def _segments(parts: Sequence[str]) -> Sequence[_Matcher | None]:
    return [None if part == "**" else _segment(part, last=at == len(parts)) for at, part in enumerate(parts, 1)]


def check_glob(pattern: str) -> None:
    """Raises ``ValueError`` for a pattern that is longer or nests deeper than anyone needs."""
    if len(pattern) > LONGEST or depth_of(pattern) > DEEPEST:
        raise ValueError(f"a pattern has at most {LONGEST:,} characters and {DEEPEST} brackets inside each other")


def _segment(part: str, *, last: bool) -> _Matcher:
    if is_extended(part) and depth_of(part) <= DEEPEST:
        return read_segment(part, last=last)
    return re.compile(fnmatch.translate(part.replace("[^", "[!")))


def _alternatives(pattern: str) -> Sequence[str]:
    """The patterns that braces and brackets of alternatives stand for."""
    done: list[str] = []
    waiting = [pattern]
    while waiting:
        one = waiting.pop(0)
        found, parts = _first_of(one)
        if not found or len(done) + len(waiting) >= MOST_ALTERNATIVES:
            done.append(one)
            continue
        waiting += [one[: found.start()] + part + one[found.end() :] for part in parts]
    return done


def _first_of(pattern: str) -> tuple[re.Match[str] | None, Sequence[str]]:
    """The first braces or brackets, and what may stand in their place."""
    if found := BRACES.search(pattern):
        choices = found.group(1).split(",")
        inside = pattern.count("(", 0, found.start()) > pattern.count(")", 0, found.start())
        return found, [f"@({'|'.join(choices)})"] if inside else choices  # of a negation each choice is denied
    if found := ONE_OF.search(pattern):
        return found, [*([""] if found.group(1) == "?" else []), *found.group(2).split("|")]
    return None, ()
