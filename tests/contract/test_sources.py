"""What every source must keep to: folders, buckets and websites."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import pytest

from secondlook.domain.instance import InstanceSettings, MetadataField
from secondlook.domain.source import CrawlOptions, Entry, Fetched, SourceOptions
from secondlook.errors import ItemSourceError, SourceError
from secondlook.sources.bucket import Store
from secondlook.sources.guard import Guard
from secondlook.sources.opening import OpenSources
from secondlook.supply import Source
from tests.s3_server import S3Server, serve_s3
from tests.web_site import WebSite, serve_site

pytestmark = pytest.mark.server

T = TypeVar("T")


class Stand(ABC):
    """A source that a test fills."""

    settings: InstanceSettings
    opener: OpenSources

    @abstractmethod
    def put(self, name: str, content: str) -> None: ...

    @abstractmethod
    def remove(self, name: str) -> None: ...

    @abstractmethod
    def key(self, name: str) -> str: ...

    def use(self, work: Callable[[Source], Awaitable[T]], settings: InstanceSettings | None = None) -> T:
        """What the work with the opened source returns."""

        async def run() -> T:
            source = await self.opener.open(settings or self.settings, None)
            try:
                return await work(source)
            finally:
                await source.close()

        return asyncio.run(run())

    def read(self, memos: dict[str, str] | None = None) -> "Read":
        """Everything listed, and what is not unchanged fetched."""

        async def work(source: Source) -> Read:
            found = Read({}, {})
            async for entry in source.list(memos or {}):
                assert entry.key not in found.entries
                found.entries[entry.key] = entry
                if not (entry.unchanged or entry.error or entry.skipped):
                    found.pages[entry.key] = await source.fetch(entry)
            return found

        return self.use(work)


@dataclass
class Read:
    """Entries and what was fetched of them, by key."""

    entries: dict[str, Entry]
    pages: dict[str, Fetched]

    def memos(self) -> dict[str, str]:
        unchanged = {key: one.memo for key, one in self.entries.items() if one.unchanged}
        return unchanged | {key: page.memo for key, page in self.pages.items()}


class FolderStand(Stand):
    def __init__(self, path: Path) -> None:
        self.path = path / "docs"
        self.path.mkdir()
        self.settings = InstanceSettings(source_kind="folder", source=str(self.path))
        self.opener = OpenSources(version="test", roots=[path])

    def put(self, name: str, content: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    def remove(self, name: str) -> None:
        (self.path / name).unlink()

    def key(self, name: str) -> str:
        return name


class BucketStand(Stand):
    def __init__(self, server: S3Server, name: str) -> None:
        self.server, self.name = server, name
        server.make_bucket(name)
        self.settings = InstanceSettings(source_kind="r2", source=name)
        self.opener = OpenSources(version="test", store=Store(server.url, "us-east-1", "key", "secret"))

    def put(self, name: str, content: str) -> None:
        self.server.put(self.name, name, content.encode())

    def remove(self, name: str) -> None:
        self.server.delete(self.name, name)

    def key(self, name: str) -> str:
        return name


class WebStand(Stand):
    def __init__(self, site: WebSite) -> None:
        self.site = site
        self.names: list[str] = []
        crawl = CrawlOptions()
        options = SourceOptions(crawl=crawl)
        fields = (MetadataField("station", "text"),)
        self.settings = InstanceSettings(
            source_kind="web-crawler", source=site.url, source_options=options, fields=fields
        )
        self.opener = OpenSources(version="test", guard=Guard(["127.0.0.1"]))

    def put(self, name: str, content: str) -> None:
        self.names = sorted({*self.names, name})
        self.site.html(f"/{name}", content)
        self.site.sitemap(*(f"/{one}" for one in self.names), changefreq="always")

    def remove(self, name: str) -> None:
        self.names.remove(name)
        self.site.sitemap(*(f"/{one}" for one in self.names), changefreq="always")

    def key(self, name: str) -> str:
        return f"{self.site.url}/{quote(name)}"


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with serve_s3() as server:
        yield server


@pytest.fixture(params=["folder", "bucket", "website"])
def stand(request: pytest.FixtureRequest, tmp_path: Path, s3: S3Server) -> Iterator[Stand]:
    if request.param == "folder":
        yield FolderStand(tmp_path)
    elif request.param == "bucket":
        yield BucketStand(s3, f"b{abs(hash(tmp_path)):x}")
    else:
        with serve_site() as site:
            yield WebStand(site)


NAMES = ("a.md", "deep/er/b.md", "c d.txt", "ümlaut.md")


def test_everything_is_named_and_given(stand: Stand) -> None:
    for name in NAMES:
        stand.put(name, f"text of {name}")
    read = stand.read()
    assert len(read.pages) == len(NAMES)
    contents = sorted(page.content.decode() for page in read.pages.values())
    assert all(any(f"text of {name}" in one for one in contents) for name in NAMES)
    assert f"text of {NAMES[1]}" in read.pages[stand.key(NAMES[1])].content.decode()
    assert all(page.memo for page in read.pages.values())


def test_what_did_not_change_is_said_to_be_unchanged(stand: Stand) -> None:
    stand.put("a.md", "lamp oil")
    stand.put("b.md", "fog horn")
    first = stand.read()
    second = stand.read(first.memos())
    assert all(one.unchanged for one in second.entries.values()) and not second.pages
    stand.put("b.md", "fog horn, twice")
    third = stand.read(second.memos())
    assert list(third.pages) == [stand.key("b.md")]


def test_what_is_gone_is_not_named(stand: Stand) -> None:
    stand.put("a.md", "lamp oil")
    stand.put("b.md", "fog horn")
    read = stand.read()
    stand.remove("a.md")
    assert set(stand.read(read.memos()).entries) == {stand.key("b.md")}


def test_one_alone_is_fetched_by_its_key(stand: Stand) -> None:
    stand.put("a.md", "lamp oil")
    alone = stand.use(lambda source: source.fetch(Entry(stand.key("a.md"))))
    assert b"lamp oil" in alone.content
    assert alone.memo and stand.read({stand.key("a.md"): alone.memo}).entries[stand.key("a.md")].unchanged
    with pytest.raises(ItemSourceError) as caught:
        stand.use(lambda source: source.fetch(Entry(stand.key("none.md"))))
    assert caught.value.gone and caught.value.kind in ("file_not_found", "http_4xx")


def test_a_listing_may_be_left_at_any_point(stand: Stand) -> None:
    for number in range(30):
        stand.put(f"{number}.md", "x")

    async def leave(source: Source) -> int:
        listing = source.list({})
        async for _ in listing:
            break
        await listing.aclose()
        return 1

    assert stand.use(leave) == 1


def test_a_source_that_is_not_there_is_an_error_and_not_empty(stand: Stand) -> None:
    async def work(source: Source) -> int:
        return len([entry async for entry in source.list({})])

    gone = {"folder": "/nowhere", "r2": "no-such-bucket", "web-crawler": "http://127.0.0.1:1/"}
    nowhere = replace(stand.settings, source=gone[str(stand.settings.source_kind)])
    with pytest.raises(SourceError):
        stand.use(work, nowhere)


def test_what_is_too_large_is_refused(stand: Stand) -> None:
    stand.put("large.md", "x" * ((10 << 20) + 1))
    with pytest.raises(ItemSourceError, match="over_size: "):
        stand.use(lambda source: source.fetch(Entry(stand.key("large.md"))))


@pytest.fixture
def bucket(tmp_path: Path, s3: S3Server) -> BucketStand:
    return BucketStand(s3, f"c{abs(hash(tmp_path)):x}")


def test_what_objects_carry(bucket: BucketStand) -> None:
    bucket.server.put(bucket.name, "README", b"lamp oil", "text/markdown", station="north", Grade="2")
    page = bucket.read().pages["README"]
    assert page.content_type == "text/markdown"
    assert page.metadata == {"station": "north", "grade": "2"}
    assert page.modified_at > 1_600_000_000_000


def test_a_prefix_need_not_end_with_a_segment(bucket: BucketStand) -> None:
    for name in ("docs/2026/a.md", "docs/2025/b.md", "docs/20", "other/c.md", "doc"):
        bucket.put(name, "x")
    for prefix, expected in (
        ("docs/2026/", {"docs/2026/a.md"}), ("docs/20", {"docs/2026/a.md", "docs/2025/b.md", "docs/20"}),
        ("doc", {"docs/2026/a.md", "docs/2025/b.md", "docs/20", "doc"}), ("none/", set()),
    ):  # fmt: skip
        bucket.settings = replace(bucket.settings, source_options=SourceOptions(prefix=prefix))
        assert set(bucket.read().entries) == expected


def test_marks_of_folders_are_no_objects(bucket: BucketStand) -> None:
    bucket.put("docs/", "")
    bucket.put("docs/a.md", "x")
    assert set(bucket.read().entries) == {"docs/a.md"}


def test_a_key_that_cannot_be_read_ends_the_listing_by_name(bucket: BucketStand) -> None:
    bucket.put("a.md", "x")
    bucket.put("b//c.md", "x")
    with pytest.raises(SourceError, match=r"^r2_unknown_error: .*b//c\.md") as caught:
        bucket.read()
    assert not caught.value.lasting


def test_many_objects_come_in_pages(bucket: BucketStand) -> None:
    for number in range(1001):
        bucket.put(f"{number:04}.md", "x")

    async def work(source: Source) -> int:
        return len([entry async for entry in source.list({})])

    assert bucket.use(work) == 1001


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"source": "No Bucket"}, "bucket_name_invalid"),
        ({"source": "no-such-bucket"}, "bucket_not_found"),
    ],
)
def test_buckets_that_cannot_be(bucket: BucketStand, settings: dict[str, Any], kind: str) -> None:
    bucket.settings = replace(bucket.settings, **settings)
    with pytest.raises(SourceError, match=f"^{kind}: ") as caught:
        bucket.read()
    assert caught.value.lasting


def test_credentials(bucket: BucketStand) -> None:
    bucket.put("a.md", "x")
    bucket.opener = OpenSources(version="test", store=Store(bucket.server.url))
    with pytest.raises(SourceError, match=r"^external_source_missing_api_token: "):
        bucket.read()
    limited = OpenSources(
        version="test", store=Store(bucket.server.url, "us-east-1", "key", "secret"), buckets=["another"]
    )

    async def listed(secret: tuple[str, str] | None) -> list[str]:
        source = await limited.open(bucket.settings, secret)
        return [entry.key async for entry in source.list({})]

    with pytest.raises(SourceError, match=r"^bucket_unauthorized: .*SECONDLOOK_S3_BUCKETS"):
        asyncio.run(listed(None))
    assert asyncio.run(listed(("own", "secret"))) == ["a.md"]


def test_where_the_endpoint_of_a_region_lies_and_what_its_secret_is() -> None:
    store = Store("https://acc.r2.cloudflarestorage.com")
    assert store.within("eu") == "https://acc.eu.r2.cloudflarestorage.com"
    assert store.within("default") == store.endpoint
    assert Store("http://minio:9000").within("eu") == "http://minio:9000"
    hashed = store.with_token(("id", "token"))
    assert hashed.key == "id" and len(hashed.secret) == 64
    assert Store("http://minio:9000").with_token(("id", "token")).secret == "token"


def test_one_object_that_is_not_given_is_no_closed_bucket(bucket: BucketStand) -> None:
    bucket.put("a.md", "x")
    bucket.server.call("PUT", f"{bucket.name}/b.md", b"x", **{"x-amz-storage-class": "GLACIER"})
    bucket.put("c.md", "x")

    async def work(source: Source) -> dict[str, str]:
        told = {}
        for entry in [entry async for entry in source.list({})]:
            try:
                told[entry.key] = (await source.fetch(entry)).content.decode()
            except ItemSourceError as error:
                assert not error.gone, "what was had of it is still true"
                told[entry.key] = str(error)
        return told

    told = bucket.use(work)
    assert told["a.md"] == told["c.md"] == "x"
    assert told["b.md"].startswith("r2_unknown_error: the store refused b.md (InvalidObjectState)")


def test_what_is_too_large_is_known_from_the_listing(bucket: BucketStand) -> None:
    bucket.put("large.md", "x" * ((10 << 20) + 1))
    bucket.put("small.md", "x")
    found = bucket.read()
    assert found.entries["large.md"].error.startswith("over_size: large.md has 10,485,761 bytes")
    assert set(found.pages) == {"small.md"}


@pytest.mark.parametrize("region", ["evil.example/#", "eu.evil", "", "EU"])
def test_a_jurisdiction_names_no_host(bucket: BucketStand, region: str) -> None:
    bucket.settings = replace(bucket.settings, source_options=SourceOptions(region=region))
    with pytest.raises(SourceError, match=r"^bucket_name_invalid: .* is not a known jurisdiction"):
        bucket.read()


@pytest.mark.parametrize("endpoint", ["not an address", "http://[x", "ftp://store.example", "https://", "s3.example"])
def test_an_endpoint_that_is_no_address_is_told_and_harms_nothing_else(bucket: BucketStand, endpoint: str) -> None:
    bucket.opener = OpenSources(version="test", store=Store(endpoint, "", "key", "secret"))
    with pytest.raises(SourceError, match=r"^r2_unknown_error: SECONDLOOK_S3_ENDPOINT is ") as caught:
        bucket.read()
    assert caught.value.lasting
