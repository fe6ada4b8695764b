"""What a crawler reads in a page: its links, what its head says of it, and the part of it that is content."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, SelectolaxError

from secondlook.errors import ItemSourceError
from secondlook.sources.web_client import join_url

MOST_LINKS = 5000
"""Of one page."""
MOST_TRIED = 4 * MOST_LINKS
"""Addresses that a page gives in different words; to resolve one takes 20 µs."""
MOST_TAGS = 100_000
"""Tags that are looked at for them."""
LONGEST_VALUE = 4096
"""Characters of a meta tag."""
TRACKING = re.compile(
    r"utm_[a-z_]+|gclid|gclsrc|dclid|gbraid|wbraid|fbclid|msclkid|yclid|twclid|ttclid|igshid|mc_cid|mc_eid"
)
"""Parameters of addresses that tell the site where a reader came from, and nothing of the page."""
VALUED = ("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview")
"""Directives for crawlers that have a value."""
OPEN_GRAPH = {"title": "og:title", "description": "og:description", "image": "og:image"}


PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".svg")
"""Ends of the addresses of pictures that can be read."""


def is_picture(url: str) -> bool:
    """Whether the address is that of a picture, as far as its path tells."""
    return urlsplit(url).path.lower().endswith(PICTURES)


def without_tracking(url: str) -> str:
    """The address without the parameters that only trace readers."""
    start, mark, query = url.partition("?")
    if not mark or not TRACKING.search(query):
        return url
    kept = "&".join(one for one in query.split("&") if not TRACKING.fullmatch(one.partition("=")[0]))
    return f"{start}?{kept}" if kept else start


def read_directives(text: str, token: str) -> frozenset[str]:
    """What ``X-Robots-Tag`` asks of the crawler called ``token``, in lower case; one header a line.

    A name before a colon says whom the rest of its line is for; ``none`` stands for ``noindex`` and ``nofollow``.
    """
    found: set[str] = set()
    for line in text.lower().splitlines():
        heeded = True
        for part in line.split(","):
            name, colon, rest = (one.strip() for one in part.partition(":"))
            if colon and name not in VALUED:
                heeded, name = name in ("*", token.lower()), rest
            if heeded:
                found.add(name)
    return frozenset(found | ({"noindex", "nofollow"} if "none" in found else set()))


class Html:
    """A page, parsed once."""

    def __init__(self, content: bytes, url: str) -> None:
        self._tree = LexborHTMLParser(content)
        self._url = url

    def links(self) -> Sequence[str]:
        """The addresses that the page leads to, each once, in order; those with ``rel=nofollow`` are left out.

        Parameters that only trace readers are left out of them.
        """
        told = (
            node.attributes.get("href") or ""
            for node in islice(self._tree.css("a[href], area[href]"), MOST_TAGS)
            if "nofollow" not in (node.attributes.get("rel") or "").lower().split()
        )
        links = self._resolve(one for one in told if not one.startswith("#"))
        return list(_unique((without_tracking(one) for one in links), MOST_LINKS))

    def pictures(self) -> Sequence[str]:
        """The addresses of the page's pictures, each once, in order."""
        told = (node.attributes.get("src") or "" for node in islice(self._tree.css("img[src]"), MOST_TAGS))
        return list(_unique(filter(is_picture, self._resolve(told)), MOST_LINKS))

    def directives(self, token: str) -> frozenset[str]:
        """What ``<meta name=robots>`` asks of all crawlers, and one with our name of us; as ``read_directives``."""
        told = [
            node.attributes.get("content") or ""
            for node in self._tree.css("meta[name][content]")
            if (node.attributes.get("name") or "").strip().lower() in ("robots", token.lower())
        ]
        return read_directives("\n".join(" ".join(one.split()) for one in told), token)

    def _resolve(self, told: Iterable[str]) -> Iterator[str]:
        """Where these lead, as far as anybody can follow; the same words are resolved once."""
        root = self._root()
        for link in _unique((one.strip().partition("#")[0] for one in told), MOST_TRIED):
            if target := join_url(root, link):
                yield target

    def _root(self) -> str:
        """What relative addresses stand on."""
        base = self._tree.css_first("base[href]")
        start = (base.attributes.get("href") if base else None) or ""
        return join_url(self._url, start) or self._url

    def metadata(self, wanted: Sequence[str], *, language: str = "") -> Mapping[str, str]:
        """The wanted values that the head tells, by lower-case name.

        ``title`` is the element of that name, ``language`` the page's own before ``language``; a standard tag wins
        over its Open Graph form (contract, 18.3).
        """
        told: dict[str, str] = {}
        for node in self._tree.css("head meta[content]"):
            name = (node.attributes.get("name") or node.attributes.get("property") or "").strip().lower()
            value = (node.attributes.get("content") or "").strip()
            if name and value:
                told.setdefault(name, value)
        title = self._tree.css_first("head title")
        if title and (text := " ".join(title.text().split())):
            told["title"] = text
        root = self._tree.root
        own = (root.attributes.get("lang") or "").strip() if root else ""
        told["language"] = own or told.get("language", "") or language
        for name, graph in OPEN_GRAPH.items():
            if name not in told and graph in told:
                told[name] = told[graph]
        return {name: told[name][:LONGEST_VALUE] for name in wanted if told.get(name)}

    def select(self, css: str) -> bytes:
        """The page with nothing in its body but the one element that the selector finds.

        A selector that finds several is passed over, and the page is whole (contract, 20).

        Raises:
            ItemSourceError: it finds nothing, or is no selector.
        """
        try:
            found = self._tree.css(css)
        except (SelectolaxError, ValueError, RuntimeError) as error:
            raise ItemSourceError("file_content_empty", f"{css!r} is not a valid CSS selector: {error}") from error
        if not found:
            raise ItemSourceError("file_content_empty", f"the content selector {css!r} matches nothing on {self._url}")
        if len(found) > 1:
            return (self._tree.html or "").encode(errors="replace")
        head = self._tree.css_first("head")
        parts = ("<!doctype html><html>", head.html if head else "", "<body>", found[0].html, "</body></html>")
        return "".join(part or "" for part in parts).encode(errors="replace")


def _unique(told: Iterable[str], most: int) -> Iterator[str]:
    """Each once, in order, and at most so many."""
    seen: set[str] = set()
    for one in told:
        if one not in seen and len(seen) < most:
            seen.add(one)
            yield one
        if len(seen) >= most:
            return
