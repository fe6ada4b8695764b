"""Extended globs within one segment: ``@(a|b)``, ``?(a|b)``, ``*(a|b)``, ``+(a|b)`` and ``!(a|b)``.

Sets of places in the text are the bits of an integer, and a pattern leads from the set where it may begin to
the set where it may end. What a negation denies is tried once at each place, so no pattern takes more than its
length times that of the text squared.
"""

import fnmatch
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

GROUP = re.compile(r"[@?*+!]\(")
CLASS = re.compile(r"\[[!^]?\]?[^\]]*\]")
SUFFIX = re.compile(r"\.[^/.]+")
"""What may follow a negation with a star in it and belong to what is denied: ``!(*.test).js``."""


@dataclass(frozen=True, slots=True)
class _One:
    """A character of a class; ``?`` is any."""

    wanted: re.Pattern[str] | str | None

    def ends(self, text: str, starts: int, _tried: "_Tried") -> int:
        if self.wanted is None:
            return starts << 1 & _all(text)
        if isinstance(self.wanted, str):
            found = sum(1 << at for at, one in enumerate(text) if one == self.wanted)
        else:
            found = sum(1 << at for at, one in enumerate(text) if self.wanted.match(one))
        return (starts & found) << 1


@dataclass(frozen=True, slots=True)
class _Star:
    """Any number of characters."""

    def ends(self, text: str, starts: int, _tried: "_Tried") -> int:
        return _from(text, starts)


@dataclass(frozen=True, slots=True)
class _Row:
    """One after the other."""

    parts: "Sequence[_Part]"

    def ends(self, text: str, starts: int, tried: "_Tried") -> int:
        for one in self.parts:
            if not starts:
                break
            starts = one.ends(text, starts, tried)
        return starts


@dataclass(frozen=True, slots=True)
class _Group:
    """One of several; with ``?`` and ``*`` none too, with ``*`` and ``+`` again and again."""

    kind: str
    choices: Sequence[_Row]

    def ends(self, text: str, starts: int, tried: "_Tried") -> int:
        found = starts if self.kind in "?*" else 0
        new = starts
        while new:
            new = _union(one.ends(text, new, tried) for one in self.choices) & ~found
            found |= new
            if self.kind in "@?":
                break
        return found


@dataclass(frozen=True, slots=True)
class _Not:
    """Anything, but not where one of the choices can be read.

    Attributes:
        rest: what must follow the choice for it to count; None when it must be the end of the text.
    """

    choices: Sequence[_Row]
    rest: _Row | None

    def ends(self, text: str, starts: int, tried: "_Tried") -> int:
        free, denied = tried.get(id(self), (0, 0))
        while starts := starts & ~denied:
            first = starts & -starts
            if not first & free and self._is_there(text, first, tried):
                denied |= first
            else:
                free |= first
                break
        tried[id(self)] = free, denied
        return _from(text, starts)

    def _is_there(self, text: str, start: int, tried: "_Tried") -> bool:
        ends = _union(one.ends(text, start, tried) for one in self.choices)
        if self.rest is None:
            return bool(ends >> len(text) & 1)
        return bool(self.rest.ends(text, ends, tried))


_Part = _One | _Star | _Group | _Not
_Tried = dict[int, tuple[int, int]]
"""Of each negation the places that it was tried at: where it denies nothing, and where it does."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment of a pattern, read once."""

    row: _Row

    def match(self, text: str) -> bool:
        """Whether the whole text is one that the segment stands for."""
        return bool(self.row.ends(text, 1, {}) >> len(text) & 1)


def is_extended(segment: str) -> bool:
    """Whether there is a group in it."""
    return bool(GROUP.search(segment))


def depth_of(pattern: str) -> int:
    """How deep its brackets nest."""
    depth = deepest = 0
    for one in pattern:
        depth = max(0, depth + {"(": 1, ")": -1}.get(one, 0))
        deepest = max(deepest, depth)
    return deepest


def read_segment(segment: str, *, last: bool) -> Segment:
    """The segment as a matcher; ``last`` says that the pattern ends with it.

    A negation denies what begins with one of its choices, and only the whole of it at the end of a pattern,
    as micromatch has it: ``!(draft)/**`` leaves ``drafts/a`` out too, and ``!(draft)`` does not.
    """
    return Segment(_Reader(segment, last).row(len(segment)))


class _Reader:
    """Reads a segment from left to right."""

    def __init__(self, text: str, last: bool) -> None:
        self._text = text
        self._last = last
        self._at = 0

    def row(self, until: int) -> _Row:
        """Everything before that place."""
        parts: list[_Part] = []
        while self._at < until:
            parts.append(self._part(until))
        return _Row(parts)

    def _part(self, until: int) -> _Part:
        text, at = self._text, self._at
        if GROUP.match(text, at) and (end := _closing(text, at + 1, until)):
            return self._group(text[at], end)
        if found := CLASS.match(text, at, until):
            self._at = found.end()
            return _One(re.compile(fnmatch.translate(found.group().replace("[^", "[!"))))
        self._at += 1
        if text[at] == "*":
            return _Star()
        return _One(None if text[at] == "?" else text[at])

    def _group(self, kind: str, end: int) -> _Part:
        begin = self._at + 2
        choices = []
        self._at = begin
        for stop in (*_bars(self._text, begin, end), end):
            choices.append(self.row(stop))
            self._at = stop + 1
        if kind != "!":
            return _Group(kind, choices)
        inner, after = self._text[begin:end], self._text[end + 1 :]
        if self._last and not after.strip(")"):
            return _Not(choices, None)
        if self._last and "*" in inner and SUFFIX.fullmatch(after):
            return _Not(choices, read_segment(after, last=True).row)
        return _Not(choices, _Row(()))


def _closing(text: str, opening: int, until: int) -> int:
    """Where the bracket is closed; 0 when it is not."""
    depth = 0
    for at in _outside_classes(text, opening, until):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if not depth:
            return at
    return 0


def _bars(text: str, begin: int, end: int) -> Sequence[int]:
    """The bars between the choices of a group, not those of groups inside it."""
    depth, found = 0, []
    for at in _outside_classes(text, begin, end):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if text[at] == "|" and not depth:
            found.append(at)
    return found


def _outside_classes(text: str, begin: int, end: int) -> Iterator[int]:
    at = begin
    while at < end:
        yield at
        found = CLASS.match(text, at, end)
        at = found.end() if found else at + 1


def _all(text: str) -> int:
    return (1 << len(text) + 1) - 1


def _from(text: str, starts: int) -> int:
    """Every place from the first of these on."""
    return _all(text) & -(starts & -starts) if starts else 0


def _union(sets: Iterable[int]) -> int:
    found = 0
    for one in sets:
        found |= one
    return found
