"""Where a passage stands: the headings of Markdown above it."""

from bisect import bisect_right

from secondlook.domain.markdown import HEADING, lines_of


class Outline:
    """The headings of a text, for questions about any of its places."""

    def __init__(self, text: str) -> None:
        self._starts: list[int] = []
        self._paths: list[tuple[str, ...]] = []
        open_headings: list[tuple[int, str]] = []
        at = 0
        for line, is_code in lines_of(text):
            bare, after = line.rstrip("\r\n"), at + len(line.encode())
            if not is_code and (found := HEADING.match(bare)) and found.group(2):
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
