"""A website with traps, and what a source tells of it."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from secondlook.domain.instance import InstanceSettings, MetadataField
from secondlook.domain.source import CrawlOptions, Entry, Fetched, SourceOptions
from secondlook.errors import SourceError
from secondlook.sources.guard import Guard
from secondlook.sources.opening import OpenSources
from secondlook.sources.pacing import Patience
from secondlook.sources.web_client import Times
from tests.web_site import WebSite, serve_site

PATIENT = Times(connect=20.0, stall=20.0, whole=60.0)
QUICK = Times(connect=5.0, stall=0.5, whole=1.5)
"""For pages that are slow on purpose."""
BRIEF = Patience(first=0.01, longest=0.2, in_all=0.5)
"""For hosts that have enough."""


@dataclass
class Told:
    """What a listing brought: entries by key, what was fetched of them, and how it ended."""

    entries: dict[str, Entry]
    pages: dict[str, Fetched]
    failure: str
    notes: list[str]

    def memos(self) -> dict[str, str]:
        """For the next listing."""
        found = {key: page.memo for key, page in self.pages.items()}
        return found | {key: one.memo for key, one in self.entries.items() if one.unchanged}

    def errors(self) -> dict[str, str]:
        """The kind of the error of each entry that has one."""
        return {key: one.error.partition(":")[0] for key, one in self.entries.items() if one.error}


def names(site: WebSite, keys: object) -> set[str]:
    """The paths of these addresses."""
    return {str(key).removeprefix(site.url) for key in keys}  # type: ignore[attr-defined]


def settings_of(site: WebSite, options: SourceOptions | None = None) -> InstanceSettings:
    """An instance that has the site as its source."""
    return InstanceSettings(
        source_kind="web-crawler", source=site.url, source_options=options or SourceOptions(crawl=CrawlOptions())
    )


def crawl(
    site: WebSite,
    memos: Mapping[str, str] | None = None,
    *,
    address: str = "",
    fields: tuple[str, ...] = (),
    options: SourceOptions | None = None,
    times: Times = PATIENT,
    patience: Patience = BRIEF,
    **crawling: Any,
) -> Told:
    """Everything that the site tells under these options, fetched."""

    async def run() -> Told:
        made = options or SourceOptions(crawl=CrawlOptions(**crawling))
        settings = replace(settings_of(site, made), fields=tuple(MetadataField(name, "text") for name in fields))
        settings = replace(settings, source=address or site.url)
        opener = OpenSources(version="test", guard=Guard(["127.0.0.1"]), times=times, patience=patience)
        source = await opener.open(settings, None)
        told = Told({}, {}, "", [])
        try:
            async for entry in source.list(memos or {}):
                told.entries[entry.key] = entry
                if not (entry.unchanged or entry.error or entry.skipped):
                    told.pages[entry.key] = await source.fetch(entry)
        except SourceError as error:
            told.failure = str(error)
        finally:
            await source.close()
        told.notes = list(source.notes())
        return told

    return asyncio.run(run())


@pytest.fixture
def site() -> Iterator[WebSite]:
    """An empty site."""
    with serve_site() as made:
        yield made
