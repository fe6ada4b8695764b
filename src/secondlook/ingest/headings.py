"""Where a passage stands: the headings of Markdown above it."""

import re
from bisect import bisect_right

HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#*)?[ \t]*\Z")
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


class Outline:
    """The headings of a text, for questions about any of its places."""

    def __init__(self, text: str) -> None:
        self._starts: list[int] = []
        self._paths: list[tuple[str, ...]] = []
        open_headings: list[tuple[int, str]] = []
        fence, at = "", 0
        for line in text.splitlines(keepends=True):
            bare, after = line.rstrip("\r\n"), at + len(line.encode())
            fence = _fence_after(bare, fence)
            if not fence and (found := HEADING.match(bare)) and found.group(2):
                level = len(found.group(1))
                open_headings = [one for one in open_headings if one[0] < level]
                self._note(at, [title for _, title in open_headings])
                open_headings.append((level, found.group(2)))
                self._note(after, [title for _, title in open_headings])
            at = after

    def path_at(self, start: int) -> tuple[str, ...]:
        """The headings above the byte of that number, outermost first; one that begins right there is not above."""
        place = bisect_right(self._starts, start) - 1
        return self._paths[place] if place >= 0 else ()

    def _note(self, start: int, titles: list[str]) -> None:
        self._starts.append(start)
        self._paths.append(tuple(titles))


def _fence_after(line: str, fence: str) -> str:
    """The fence of code that is open after the line; nothing if none is."""
    found = FENCE.match(line)
    if not found:
        return fence
    mark = found.group(1)
    if not fence:
        return mark
    closes = mark[0] == fence[0] and len(mark) >= len(fence) and line.strip() == mark
    return "" if closes else fence
