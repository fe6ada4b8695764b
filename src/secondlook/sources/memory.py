"""What a crawler remembers of a page from one sync to the next."""

import email.utils
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Self

from secondlook.domain.source import FAILED, CrawlOptions
from secondlook.sources.sitemaps import Named

READING = 2
"""Another number when pages are read in another way, so that each is read anew once."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Times in milliseconds since 1970.

    Attributes:
        digest: of the options that the page was read under; under others it means nothing.
        read_at: when the site last said what the page is.
        etag: its mark there.
        last_modified: the header of that name, as it was sent.
        links: where it leads, of a discovering crawl; and the pictures that it shows, where they are wanted.
        asked: the address that redirects to it, by which it was found; empty where it was found by its own.
        failed: it could not be had since: it is to be read anew, whatever was said of it.
    """

    digest: str
    read_at: int
    etag: str = ""
    last_modified: str = ""
    links: tuple[str, ...] = ()
    asked: str = ""
    failed: bool = False

    @classmethod
    def load(cls, memo: str, digest: str) -> Self | None:
        """What ``dump`` made, if it was made under the same options; it may stand after ``FAILED``."""
        kept = memo.removeprefix(FAILED)
        if not kept:
            return None
        found = json.loads(kept)
        if found["o"] != digest:
            return None
        told = found.get("e", ""), found.get("m", ""), tuple(found.get("l", ())), found.get("a", "")
        return cls(found["o"], found["t"], *told, failed=kept != memo)

    @classmethod
    def of(cls, headers: Mapping[str, str], digest: str) -> Self:
        """Of an answer that has just come."""
        return cls(digest, _now(), headers.get("etag", "")[:1000], headers.get("last-modified", "")[:100])

    def dump(self) -> str:
        """As a memo, as short as can be: there is one for each page."""
        told = {"o": self.digest, "t": self.read_at, "e": self.etag, "m": self.last_modified, "l": self.links}
        told["a"] = self.asked
        return json.dumps({name: value for name, value in told.items() if value or name == "t"}, separators=(",", ":"))

    def renewed(self) -> Self:
        """The same, as of now."""
        return replace(self, read_at=_now())

    def conditions(self) -> Mapping[str, str]:
        """Headers by which the site need not send what is here already (RFC 9110, 13.1)."""
        if self.failed:
            return {}
        told = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in told.items() if value and value.isascii()}

    @property
    def modified_at(self) -> int:
        """When the page last changed; 0 where nobody says, or says a time to come."""
        try:
            found = int(email.utils.parsedate_to_datetime(self.last_modified).timestamp() * 1000)
        except (ValueError, TypeError, OverflowError):
            return 0
        return found if 0 < found <= _now() else 0

    def is_fresh(self, named: Named | None, age: float) -> bool:
        """Whether the page need not be asked for.

        A sitemap's ``lastmod`` decides, else its ``changefreq``, else ``age`` in seconds (contract, 18.4).
        """
        if self.failed:
            return False
        if named and named.modified_at:
            return named.modified_at < self.read_at
        if named and named.period is not None:
            age = named.period
        return _now() < self.read_at + 1000 * age


def find_ways(memos: Mapping[str, str]) -> Mapping[str, str]:
    """By the address that redirects to it, the page that was found so."""
    asked = {key: json.loads(memo.removeprefix(FAILED)).get("a", "") for key, memo in memos.items() if '"a":' in memo}
    return {way: key for key, way in asked.items() if way}


def digest_of(crawl: CrawlOptions, fields: Sequence[str]) -> str:
    """Short, and another when anything differs by which pages are read."""
    return blake2b(repr((READING, crawl, fields)).encode(), digest_size=6).hexdigest()


def _now() -> int:
    return int(time.time() * 1000)
