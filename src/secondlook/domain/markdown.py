"""The lines of Markdown, and which of them are code."""

import re
from collections.abc import Iterator

HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#*)?[ \t]*\Z")
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


def lines_of(text: str) -> Iterator[tuple[str, bool]]:
    """Each line with its end, and whether it is a fence or inside one."""
    fence = ""
    for line in text.splitlines(keepends=True):
        before, fence = fence, _fence_after(line.rstrip("\r\n"), fence)
        yield line, bool(before or fence)


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
