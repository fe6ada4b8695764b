"""What a site asks of crawlers: robots.txt (RFC 9309) and the content signals in it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from protego import Protego

LARGEST_ROBOTS = 500 * 1024
"""Bytes that are read: as many as must be (RFC 9309, 2.5)."""
LONGEST_DELAY = 60.0
"""Seconds between two requests; a site that asks for more is asked this often."""
PURPOSES = ("search", "ai-input")
"""What the pages are read for, in the words of content signals."""
LARGE = 16 * 1024
"""Characters from which the rules are asked in a thread: one address may have to be held against all of them."""
AGENT = re.compile(r"\s*user(?:-|\s)?agent\s*(?::|\s)\s*(.*)", re.IGNORECASE)
"""A line that names a crawler, in the spellings that Protego reads."""
OTHER = "another-crawler"
LINE = re.compile(r"[ \t]*([A-Za-z-]+)[ \t]*:[ \t]*([^#\r\n]*)")

Refusal = Literal["", "blocked_by_robots_txt", "blocked_by_robots_txt_path", "blocked_by_content_signal"]


@dataclass(frozen=True, slots=True)
class Signal:
    """One line of content signals: the paths that begin so may be used for some purposes, and not for others."""

    path: str
    refused: frozenset[str]


class Robots:
    """A robots.txt, as the crawler called ``token`` must read it."""

    def __init__(self, text: str, token: str) -> None:
        self._token = token
        self._rules = Protego.parse(only_for(text, token))
        self.large = len(text) > LARGE
        self._signals = read_signals(text, token)
        self.sitemaps: Sequence[str] = list(dict.fromkeys(self._rules.sitemaps))
        rate = self._rules.request_rate(token)
        delay = float(self._rules.crawl_delay(token) or 0)
        self.delay = min(max(delay, rate.seconds / rate.requests if rate and rate.requests else 0), LONGEST_DELAY)
        """Seconds between two requests."""

    def refusal(self, url: str) -> Refusal:
        """Why the address may not be read, empty if it may."""
        parts = urlsplit(url)
        root = f"{parts.scheme}://{parts.netloc}/"
        if not self._rules.can_fetch(url, self._token):
            return "blocked_by_robots_txt_path" if self._rules.can_fetch(root, self._token) else "blocked_by_robots_txt"
        path = parts.path or "/"
        fitting = [one for one in self._signals if path.startswith(one.path)]
        if any(one.refused.intersection(PURPOSES) for one in _longest(fitting)):
            return "blocked_by_content_signal"
        return ""


def read_robots(content: bytes) -> str:
    """The text of a robots.txt, of which at most ``LARGEST_ROBOTS`` bytes came; a line cut there is left out."""
    if len(content) >= LARGEST_ROBOTS:
        content = content[: max(content.rfind(b"\n"), content.rfind(b"\r")) + 1]
    return content.decode("utf-8-sig", errors="replace")


def only_for(text: str, token: str) -> str:
    """The same rules for the crawler called ``token``, in which every other crawler has one name.

    Protego keeps each rule for each crawler that its group names: half a megabyte may name 20,000, with as many rules.
    """
    own, other = token.lower(), f"User-agent: {OTHER}"
    lines: list[str] = []
    for line in text.splitlines():
        found = AGENT.fullmatch(line.partition("#")[0].strip())
        name = found[1].strip().lower().replace("*", "") if found else ""
        if not name or own.startswith(name):
            lines.append(line)
        elif not lines or lines[-1] != other:
            lines.append(other)
    return "\n".join(lines)


def read_signals(text: str, token: str) -> Sequence[Signal]:
    """The content signals of the group that names the crawler, else those of ``*``."""
    own = token.lower()
    of: dict[str, list[Signal]] = {}
    agents: set[str] = {"*"}
    naming = False
    for line in text.splitlines():
        found = LINE.match(line)
        if not found:
            continue
        field, value = found.group(1).lower(), found.group(2).strip()
        if field == "user-agent":
            agents = agents if naming else set()
            agents |= {value.lower()} & {own, "*"}  # no other crawler's signals are asked for
            naming = True
            continue
        naming = False
        signals = [_signal(value)] if field == "content-signal" else []
        for agent in agents:
            of.setdefault(agent, []).extend(signals)
    return of[own] if own in of else of.get("*", [])


def _signal(value: str) -> Signal:
    """``[path] purpose=yes|no, …``; without a path it holds for the whole site."""
    path, rest = "/", value
    if value.startswith("/"):
        path, _, rest = value.partition(" ")
    pairs = [one.partition("=") for one in rest.lower().replace(" ", "").split(",")]
    return Signal(path, frozenset(name for name, _, answer in pairs if answer == "no"))


def _longest(signals: Sequence[Signal]) -> Sequence[Signal]:
    """Those of the most particular path."""
    longest = max((len(one.path) for one in signals), default=0)
    return [one for one in signals if len(one.path) == longest]
