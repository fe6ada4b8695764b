"""Sitemaps: which pages a site names, and what it says of them (sitemaps.org, protocol 0.9)."""

import codecs
import datetime as dt
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.parsers import expat

LARGEST_SITEMAP = 50 << 20
"""Bytes, unpacked (protocol 0.9)."""
MOST_ADDRESSES = 50_000
"""Pages, or sitemaps, in one sitemap (protocol 0.9)."""
MOST_SITEMAPS = 2000
DEEPEST = 4
"""Sitemap indexes inside one another."""
PERIODS: Mapping[str, float] = {
    "always": 0, "hourly": 3600, "daily": 86_400, "weekly": 604_800, "monthly": 2_592_000, "yearly": 31_536_000,
    "never": float("inf"),
}  # fmt: skip
"""Seconds between two looks at a page, by its ``changefreq``."""
BLANK = codecs.BOM_UTF8 + b" \t\r\n"
DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")


@dataclass(frozen=True, slots=True)
class Named:
    """A page that a sitemap names. ``modified_at`` in milliseconds since 1970, the end of it if only a day is told."""

    url: str
    modified_at: int = 0
    period: float | None = None
    priority: float = 0.5
    language: str = ""


@dataclass(frozen=True, slots=True)
class Sitemap:
    """What one file names; ``broken`` says why it was not read to its end."""

    pages: Sequence[Named] = ()
    sitemaps: Sequence[str] = ()
    broken: str = ""


def read_sitemap(content: bytes) -> Sitemap:
    """What the file names: XML, a feed (RSS, Atom), or plain text with one address a line.

    Entities are refused, so that a small file cannot grow; of a broken file stands what came before the break.
    """
    content = content.lstrip(BLANK)  # nothing may stand before an XML declaration, and often something does
    if not content.startswith((b"<", codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _read_text(content)
    reader = _Reader()
    try:
        reader.parser.Parse(content, True)
    except expat.ExpatError as error:
        return Sitemap(reader.pages, reader.sitemaps, f"it is not valid XML: {error}")
    except _StopError as error:
        return Sitemap(reader.pages, reader.sitemaps, str(error))
    return Sitemap(reader.pages, reader.sitemaps, "" if reader.known else "it is neither a sitemap nor a feed")


def parse_moment(text: str) -> int:
    """Milliseconds since 1970 of a W3C date or date-time; the last of that day if only a day is told; 0 for none."""
    text = text.strip()
    try:
        moment = dt.datetime.fromisoformat(text)
        if DAY.match(text):
            moment += dt.timedelta(days=1, milliseconds=-1)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.UTC)
        return int(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        return 0


class _StopError(Exception):
    """The rest of the file is not looked at."""


@dataclass
class _Reader:
    """Listens to the parser."""

    pages: list[Named] = field(default_factory=list)
    sitemaps: list[str] = field(default_factory=list)
    known: bool = False
    _path: list[str] = field(default_factory=list)
    _text: list[str] = field(default_factory=list)
    _found: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text.append
        self.parser.EntityDeclHandler = self._refuse

    def _refuse(self, *_: object) -> None:
        raise _StopError("it declares XML entities, which sitemaps do not need")

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        local = name.rpartition(":")[2].lower()
        self._path.append(local)
        self._text.clear()
        self.known = self.known or local in ("urlset", "sitemapindex", "rss", "feed", "rdf")
        if local in ("url", "sitemap", "item", "entry"):
            self._found = {}
        elif local == "link" and attributes.get("href"):
            if self._path[-2:] == ["entry", "link"] and attributes.get("rel", "alternate") == "alternate":
                self._found.setdefault("loc", attributes["href"])
            elif attributes.get("hreflang"):
                self._found[f"hreflang {attributes['href'].strip()}"] = attributes["hreflang"]

    def _end(self, name: str) -> None:
        local = name.rpartition(":")[2].lower()
        self._path.pop()
        parent = self._path[-1] if self._path else ""
        text = "".join(self._text).strip()
        self._text.clear()
        if local in ("lastmod", "changefreq", "priority", "loc") and parent in ("url", "sitemap"):
            self._found[local] = text
        elif parent in ("item", "entry") and local == "link" and text:
            self._found["loc"] = text
        elif parent == "entry" and local in ("updated", "modified"):
            self._found["lastmod"] = text
        elif self._found.get("loc") and local in ("url", "item", "entry"):
            self._keep()
        elif self._found.get("loc") and local == "sitemap":
            self._keep_sitemap()

    def _keep_sitemap(self) -> None:
        if over := _over(len(self.sitemaps) + 1, "sitemaps"):
            raise _StopError(over)
        found, self._found = self._found, {}
        self.sitemaps.append(found["loc"])

    def _keep(self) -> None:
        if over := _over(len(self.pages) + 1, "pages"):
            raise _StopError(over)
        found, self._found = self._found, {}
        self.pages.append(
            Named(
                found["loc"],
                parse_moment(found.get("lastmod", "")),
                PERIODS.get(found.get("changefreq", "").lower()),
                _priority(found.get("priority", "")),
                found.get(f"hreflang {found['loc']}", ""),
            )
        )


def _read_text(content: bytes) -> Sitemap:
    found: list[Named] = []
    for line in io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", errors="replace"):  # not all lines at once
        if (address := line.strip()).startswith(("http://", "https://")):
            if over := _over(len(found) + 1, "pages"):
                return Sitemap(found, broken=over)
            found.append(Named(address))
    return Sitemap(found) if found else Sitemap(broken="it is neither a sitemap nor a list of URLs")


def _over(number: int, what: str) -> str:
    """What is wrong with a file that names as many; nothing within the limit."""
    return f"it lists more than {MOST_ADDRESSES:,} {what}" if number > MOST_ADDRESSES else ""


def _priority(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.5
