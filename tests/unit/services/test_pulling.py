"""The index follows its source: what is new comes, what changed is read again, what is gone goes, and nothing else."""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from secondlook.domain.instance import Instance, InstanceSettings, Item, MetadataField
from secondlook.domain.jobs import Job, Severity
from secondlook.domain.source import CrawlOptions, Entry, Fetched, Selector, SourceOptions
from secondlook.errors import ForbiddenSourceError, ItemSourceError, SourceError, UnknownSourceError
from secondlook.models.fakes import FakeEmbedder
from secondlook.services import pull_state, pulling
from secondlook.services.intake import Upload
from secondlook.services.pulling import Pulling
from secondlook.sources.guard import Guard
from secondlook.sources.opening import OpenSources
from secondlook.sources.pacing import Patience
from secondlook.supply import Source
from tests.random_turns import Interrupted
from tests.unit.services.conftest import House
from tests.web_site import Reply, WebSite, serve_site


def synced(house: House, made: Instance) -> tuple[Job, list[str]]:
    """A sync at its end, and its log."""
    made = house.run(house.catalog.get_instance_by_uid(made.uid))
    job = house.run(house.syncing.begin(made, trigger="schedule"))
    house.run(house.syncing.wait())
    lines, _ = house.run(house.syncing.lines(made, job.id, 1000, 0))
    return house.run(house.syncing.get(made, job.id)), [one.message for one in lines]


def items(house: House, made: Instance) -> dict[str, Item]:
    return {one.key: one for one in house.run(house.indexing.list(made))}


def texts(house: House, made: Instance) -> dict[str, str]:
    """What is indexed, by key."""
    found = {}
    for key, item in items(house, made).items():
        chunks, _ = house.run(house.indexing.chunks(made, item.id, 1000, 0))
        found[key] = " ".join(chunk.text for chunk in chunks)
    return found


@pytest.fixture
def docs(house: House) -> Path:
    """A folder with two files."""
    path = house.folder / "source" / "docs"
    (path / "deep").mkdir(parents=True)
    (path / "a.md").write_text("lamp oil")
    (path / "deep" / "b.md").write_text("fog horn")
    return path


def make(house: House, docs: Path, **options: tuple[str, ...]) -> Instance:
    return house.make(source_kind="folder", source=str(docs), source_options=SourceOptions(**options))  # type: ignore[arg-type]


def fill(docs: Path, number: int) -> None:
    """So many more files."""
    for at in range(number):
        (docs / f"{at}.md").write_text(f"lamp oil {at}")


def test_from_new_over_changed_to_gone(house: House, docs: Path) -> None:
    made = make(house, docs)
    job, lines = synced(house, made)
    assert job.end_reason == "completed"
    assert {"a.md: completed", "deep/b.md: completed"} <= set(lines) and lines[-1] == "2 completed"
    assert texts(house, made) == {"a.md": "lamp oil", "deep/b.md": "fog horn"}
    first = items(house, made)
    assert first["a.md"].source == f"folder:{docs}"
    assert first["a.md"].timestamp == (docs / "a.md").stat().st_mtime_ns // 1_000_000
    _, lines = synced(house, made)
    assert lines[-1] == "2 unchanged" and items(house, made) == first
    (docs / "a.md").write_text("lamp oil, warmed")
    (docs / "deep" / "b.md").unlink()
    (docs / "c.md").write_text("new")
    _, lines = synced(house, made)
    assert lines[-1] == "2 completed, 1 removed" and "deep/b.md: removed" in lines
    assert texts(house, made) == {"a.md": "lamp oil, warmed", "c.md": "new"}
    assert items(house, made)["a.md"].id == first["a.md"].id
    assert len(house.stored()) == 2


def test_the_same_bytes_are_not_indexed_again(house: House, docs: Path) -> None:
    made = make(house, docs)
    synced(house, made)
    before = items(house, made)
    os.utime(docs / "a.md", ns=(1, 1))
    _, lines = synced(house, made)
    assert lines[-1] == "2 unchanged" and items(house, made) == before
    assert {one.key: one.memo for one in house.run(house.memos.list(made.uid))}["a.md"].startswith("1-8-")


def test_rules_leave_out_and_take_away(house: House, docs: Path) -> None:
    made = make(house, docs)
    synced(house, made)
    settings = replace(made.settings, source_options=SourceOptions(include=("**/*.md",), exclude=("deep/**",)))
    made = house.run(house.instances.update(made, settings))
    (docs / "x.txt").write_text("x")
    _, lines = synced(house, made)
    assert "deep/b.md: Skipped by rule: deep/**" in lines and "x.txt: Skipped by Include Rules" in lines
    assert lines[-1] == "1 removed, 2 skipped, 1 unchanged"
    assert set(items(house, made)) == {"a.md"}


def test_one_that_fails_costs_one_item_and_is_tried_again(house: House, docs: Path) -> None:
    made = make(house, docs)
    (docs / "image.xyz").write_bytes(b"no text")
    (docs / "large.md").write_bytes(b"x" * ((10 << 20) + 1))
    (docs / "zero.md").write_bytes(b"\0\0")
    job, lines = synced(house, made)
    assert job.end_reason == "completed" and lines[-1] == "2 completed, 3 error"
    found = items(house, made)
    kinds = {key: one.error.partition(":")[0] for key, one in found.items() if one.status == "error"}
    assert kinds == {"image.xyz": "unsupported_type", "large.md": "over_size", "zero.md": "file_is_corrupt"}
    versions = found["image.xyz"].version
    assert synced(house, made)[1][-1] == "3 error, 2 unchanged"
    assert items(house, made)["image.xyz"].version == versions  # what it says has not changed
    (docs / "zero.md").write_text("text at last")
    assert synced(house, made)[1][-1] == "1 completed, 2 error, 2 unchanged"
    assert items(house, made)["zero.md"].status == "completed"


def test_what_failed_to_be_indexed_is_fetched_again(house: House, docs: Path) -> None:
    made = make(house, docs)
    assert isinstance(house.embedder, FakeEmbedder)
    house.embedder.fails = True
    assert synced(house, made)[1][-1] == "2 error"
    house.embedder.fails = False
    assert synced(house, made)[1][-1] == "2 completed"


def test_a_file_that_can_no_longer_be_indexed_is_no_longer_found(house: House, docs: Path) -> None:
    made = make(house, docs)
    synced(house, made)
    (docs / "a.md").write_bytes(b"x" * ((10 << 20) + 1))
    synced(house, made)
    assert items(house, made)["a.md"].error.startswith("over_size: ")
    assert texts(house, made) == {"a.md": "", "deep/b.md": "fog horn"}


def test_uploads_stay_what_they_are(house: House, docs: Path) -> None:
    made = make(house, docs)
    house.run(house.indexing.upload(made, Upload("a.md", b"uploaded"), wait=20))
    house.run(house.indexing.upload(made, Upload("own.md", b"uploaded too"), wait=20))
    _, lines = synced(house, made)
    assert any(line.startswith("a.md: an uploaded item has this key") for line in lines)
    assert texts(house, made) == {"a.md": "uploaded", "own.md": "uploaded too", "deep/b.md": "fog horn"}
    house.run(house.indexing.upload(made, Upload("deep/b.md", b"mine now"), wait=20))
    (docs / "deep" / "b.md").unlink()
    synced(house, made)
    assert texts(house, made)["deep/b.md"] == "mine now"


def test_another_source_takes_the_place_of_the_first(house: House, docs: Path) -> None:
    made = make(house, docs)
    synced(house, made)
    other = docs.parent / "other"
    other.mkdir()
    (other / "a.md").write_text("of the other")
    made = house.run(house.instances.update(made, replace(made.settings, source=str(other))))
    synced(house, made)
    assert texts(house, made) == {"a.md": "of the other"}
    assert items(house, made)["a.md"].source == f"folder:{other}"


def test_a_source_that_is_gone_pauses_the_instance_and_removes_nothing(house: House, docs: Path) -> None:
    made = make(house, docs)
    synced(house, made)
    docs.rename(docs.parent / "away")
    job, lines = synced(house, made)
    assert job.end_reason.startswith("bucket_not_found: ")
    assert lines[-1].startswith("Syncs are paused.")
    assert house.run(house.catalog.get_instance_by_uid(made.uid)).settings.paused
    assert set(items(house, made)) == {"a.md", "deep/b.md"}


def test_one_item_is_fetched_anew(house: House, docs: Path) -> None:
    made = make(house, docs)
    synced(house, made)
    (docs / "a.md").write_text("lamp oil, warmed")
    item = items(house, made)["a.md"]
    now = house.run(house.syncing.sync_item(made, item.id, wait=20))
    assert (now.status, now.id) == ("completed", item.id)
    assert texts(house, made)["a.md"] == "lamp oil, warmed"
    again = house.run(house.syncing.sync_item(made, item.id, wait=20))
    assert again.version > now.version  # the same bytes, indexed again since somebody asked
    (docs / "a.md").unlink()
    with pytest.raises(ItemSourceError, match="file_not_found: "):
        house.run(house.syncing.sync_item(made, item.id))
    assert texts(house, made)["a.md"] == ""


def test_an_item_that_the_path_filters_leave_out_is_not_fetched_alone(house: House, docs: Path) -> None:
    made = make(house, docs)
    synced(house, made)
    item = items(house, made)["a.md"]
    today = replace(made.settings, source_options=SourceOptions(exclude=("a.*",)))
    now = house.run(house.instances.update(made, today))
    with pytest.raises(ItemSourceError, match=r"^excluded_by_path_filter: a\.md: Skipped by rule: a\.\*"):
        house.run(house.syncing.sync_item(now, item.id))
    assert items(house, made)["a.md"].error.startswith("excluded_by_path_filter: ")


@dataclass
class Script:
    """A source that does what a test says; ``gate`` holds up each fetch until it is set."""

    entries: Sequence[Entry | SourceError] = ()
    contents: Mapping[str, bytes] = field(default_factory=dict)
    gate: asyncio.Event | None = None
    closed: int = 0
    fetched: list[str] = field(default_factory=list)

    async def open(self, settings: InstanceSettings, secret: tuple[str, str] | None) -> Source:
        return self

    async def list(self, memos: Mapping[str, str]) -> AsyncGenerator[Entry, None]:
        for one in self.entries:
            if isinstance(one, SourceError):
                raise one
            yield replace(one, unchanged=memos.get(one.key) == one.memo != "")

    async def fetch(self, entry: Entry) -> Fetched:
        self.fetched.append(entry.key)
        if self.gate:
            await self.gate.wait()
        if entry.key not in self.contents:
            raise ItemSourceError("http_5xx", f"{entry.key} fails")
        return Fetched(self.contents[entry.key], entry.memo)

    def notes(self) -> Sequence[str]:
        return ["a note"]

    async def close(self) -> None:
        self.closed += 1


@pytest.fixture
def script() -> Script:
    return Script([Entry("a.md", "1"), Entry("b.md", "1")], {"a.md": b"lamp oil", "b.md": b"fog horn"})


@pytest.fixture
def scripted(tmp_path: Path, script: Script) -> Iterator[House]:
    made = House(tmp_path, sources=script)
    made.run(made.indexing.start())
    yield made
    made.close()


def test_a_listing_that_breaks_off_removes_nothing(scripted: House, script: Script) -> None:
    made = scripted.make(source_kind="r2", source="bucket")
    synced(scripted, made)
    script.entries = [Entry("a.md", "2"), SourceError("r2_internal_error", "it broke off")]
    script.contents = {"a.md": b"changed"}
    job, lines = synced(scripted, made)
    assert job.end_reason == "r2_internal_error: it broke off"
    assert "a note" in lines
    assert texts(scripted, made) == {"a.md": "changed", "b.md": "fog horn"}
    assert not scripted.run(scripted.catalog.get_instance_by_uid(made.uid)).settings.paused
    assert script.closed == 2


def test_a_failure_that_passes_keeps_what_was_had(scripted: House, script: Script) -> None:
    made = scripted.make(source_kind="r2", source="bucket")
    synced(scripted, made)
    script.entries = [Entry("a.md", "2"), Entry("b.md", "1")]
    script.contents = {"b.md": b"fog horn"}
    synced(scripted, made)
    assert items(scripted, made)["a.md"].error == "http_5xx: a.md fails"
    assert texts(scripted, made) == {"a.md": "lamp oil", "b.md": "fog horn"}
    script.contents = {"a.md": b"lamp oil", "b.md": b"fog horn"}
    script.entries = [Entry("a.md", "1"), Entry("b.md", "1")]
    synced(scripted, made)
    assert items(scripted, made)["a.md"].status == "completed"


@pytest.mark.parametrize("change", ["cancel", "pause", "delete"])
def test_a_sync_ends_between_items(
    scripted: House, script: Script, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "LOOK_EVERY", 0.01)
    script.entries = [Entry(f"{number}.md", "1") for number in range(100)]
    script.contents = {f"{number}.md": b"text" for number in range(100)}
    made = scripted.make(source_kind="r2", source="bucket")

    async def run() -> str:
        script.gate = asyncio.Event()
        job = await scripted.syncing.begin(made)
        while len(script.fetched) < pulling.FETCHES:
            await asyncio.sleep(0.01)
        if change == "cancel":
            await scripted.syncing.cancel(made, job.id)
        elif change == "pause":
            await scripted.instances.update(made, replace(made.settings, paused=True))
        else:
            await scripted.instances.delete(made)
        script.gate.set()
        await scripted.syncing.wait()
        return "" if change == "delete" else (await scripted.syncing.get(made, job.id)).end_reason

    reason = scripted.run(run())
    assert reason == {"cancel": "cancelled", "delete": "", "pause": "paused: instance 'docs' was paused"}[change]
    assert len(script.fetched) < 100 and script.closed == 1


def test_a_sync_whose_source_changes_gives_way_to_another(
    scripted: House, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "LOOK_EVERY", 0.01)
    script.entries = [Entry(f"{number}.md", "1") for number in range(100)]
    script.contents = {f"{number}.md": b"text" for number in range(100)}
    made = scripted.make(source_kind="r2", source="bucket")

    async def run() -> list[str]:
        script.gate = asyncio.Event()
        await scripted.syncing.begin(made)
        while len(script.fetched) < pulling.FETCHES:
            await asyncio.sleep(0.01)
        changed = await scripted.instances.update(made, replace(made.settings, source="another"))
        await scripted.syncing.follow_change(changed, made.settings)
        script.gate.set()
        await scripted.syncing.wait()
        await scripted.syncing.follow_schedule()
        await scripted.syncing.wait()
        return [job.end_reason.partition(":")[0] for job in (await scripted.syncing.list(made, 10, 0))[0]]

    assert sorted(scripted.run(run())) == ["completed", "source_changed"]
    assert {one.source for one in items(scripted, made).values()} == {"r2:another"}


def test_the_log_of_many_entries_stays_short(scripted: House, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull_state, "LINES", 3)
    script.entries = [Entry(f"{number}.md", skipped="Skipped by rule: x") for number in range(10)]
    _, lines = synced(scripted, scripted.make(source_kind="r2", source="bucket"))
    assert len([line for line in lines if "Skipped by rule" in line]) == 3
    assert "further skipped entries are counted but not listed" in lines and "10 skipped" in lines


def test_keys_that_nothing_can_have_are_left_out(scripted: House, script: Script) -> None:
    script.entries = [Entry("x" * 3000), Entry("nul\0"), Entry("half\udc80"), Entry("d" * 300 + ".md", "1")]
    script.contents = {one.key: b"text" for one in script.entries if isinstance(one, Entry)}
    made = scripted.make(source_kind="r2", source="bucket")
    job, _ = synced(scripted, made)
    assert job.end_reason == "completed"
    assert set(items(scripted, made)) == {"d" * 300 + ".md"}  # longer than an upload's may be


def test_what_a_new_instance_may_name(house: House, docs: Path) -> None:
    def check(kind: str, source: str, inferred: bool = False) -> None:
        settings = InstanceSettings(source_kind=kind, source=source)  # type: ignore[arg-type]
        house.run(house.pulling.check("acc", settings, inferred=inferred))

    check("folder", str(docs))
    for outside in ("/etc", str(docs / ".." / ".." / ".."), "docs", str(docs / "none")):
        with pytest.raises(ForbiddenSourceError):
            check("folder", outside)
    with pytest.raises(UnknownSourceError, match="nor a readable bucket"):
        check("r2", "bucket", inferred=True)
    check("r2", "bucket")  # its first sync says what is wrong
    check("web-crawler", "https://harbour.example")


@pytest.fixture
def site() -> Iterator[WebSite]:
    with serve_site() as made:
        yield made


def test_a_website_with_its_errors_and_its_meta_tags(tmp_path: Path, site: WebSite) -> None:
    site.html("/a", "<h1>Lamp oil</h1>", '<meta name="station" content="north">')
    site.pages["/locked"] = Reply(status=401)
    site.sitemap("/a", "/locked", "/none", changefreq="always")
    house = House(tmp_path, sources=OpenSources(version="test", guard=Guard(["127.0.0.1"])))
    try:
        house.run(house.indexing.start())
        made = house.make(source_kind="web-crawler", source=site.url, fields=(MetadataField("station", "text"),))
        job, lines = synced(house, made)
        assert job.end_reason == "completed" and lines[-1] == "1 completed, 2 error"
        found = {key.removeprefix(site.url): one for key, one in items(house, made).items()}
        assert found["/a"].metadata == {"station": "north"} and found["/a"].status == "completed"
        assert found["/locked"].error.startswith("crawl_got_http_401: ")
        assert found["/none"].error.startswith("http_4xx: ")
        assert "Lamp oil" in texts(house, made)[f"{site.url}/a"]
        del site.pages["/a"]
        synced(house, made)
        assert texts(house, made)[f"{site.url}/a"] == ""  # the site says that it is gone
    finally:
        house.close()


def test_most_of_a_source_is_removed_only_when_a_person_asks_again(house: House, docs: Path) -> None:
    fill(docs, 20)
    made = make(house, docs)
    synced(house, made)
    away = docs.with_name("away")
    docs.rename(away)
    docs.mkdir()  # as a disk that is not mounted
    for _ in range(2):
        job, lines = synced(house, made)
        assert job.end_reason.startswith("source_shrank: 22 of 22 items") and "by hand" in lines[-1]
        assert len(texts(house, made)) == 22
        assert not house.run(house.catalog.get_instance_by_uid(made.uid)).settings.paused
    docs.rmdir()
    away.rename(docs)
    assert synced(house, made)[1][-1] == "22 unchanged"
    for number in range(20):
        (docs / f"{number}.md").unlink()
    assert synced(house, made)[0].end_reason.startswith("source_shrank: 20 of 22 items")
    made = house.run(house.catalog.get_instance_by_uid(made.uid))
    job = house.run(house.syncing.begin(made))
    house.run(house.syncing.wait())
    assert house.run(house.syncing.get(made, job.id)).end_reason == "completed"
    assert set(items(house, made)) == {"a.md", "deep/b.md"}


def test_an_instance_that_moves_to_a_folder_with_nothing_in_it_keeps_what_it_has(house: House, docs: Path) -> None:
    fill(docs, 10)
    made = make(house, docs)
    synced(house, made)
    other = docs.with_name("other")
    other.mkdir()
    made = house.run(house.instances.update(made, replace(made.settings, source=str(other))))
    job, _ = synced(house, made)
    assert job.end_reason.startswith("source_shrank: 12 of 12 items")
    assert len(texts(house, made)) == 12
    (other / "new.md").write_text("lamp oil")
    assert synced(house, made)[1][-1] == "1 completed, 12 removed"


def test_the_prefix_of_a_bucket_says_nothing_about_a_folder(house: House, docs: Path) -> None:
    fill(docs, 10)
    made = house.make(source_kind="folder", source=str(docs), source_options=SourceOptions("docs/"))
    synced(house, made)
    away = docs.with_name("away")
    docs.rename(away)
    assert synced(house, made)[0].end_reason.startswith("bucket_not_found")
    assert len(texts(house, made)) == 12
    docs.mkdir()
    made = house.run(house.catalog.get_instance_by_uid(made.uid))
    made = house.run(house.instances.update(made, replace(made.settings, paused=False)))
    assert synced(house, made)[0].end_reason.startswith("source_shrank: 12 of 12 items")
    assert len(texts(house, made)) == 12


def test_what_rules_leave_out_is_meant_to_go_however_much_it_is(house: House, docs: Path) -> None:
    fill(docs, 20)
    made = make(house, docs)
    synced(house, made)
    settings = replace(made.settings, source_options=SourceOptions(include=("deep/**",)))
    house.run(house.instances.update(made, settings))
    assert synced(house, made)[0].end_reason == "completed"
    assert set(items(house, made)) == {"deep/b.md"}


def test_a_type_that_nobody_reads_is_not_fetched_again_until_it_changes(scripted: House, script: Script) -> None:
    film, page = Entry("film.mp4", "1"), Entry("a.md", "1")
    script.entries = [film, page]
    script.contents = {"film.mp4": b"\0\0\0 ftyp", "a.md": b"lamp oil"}
    made = scripted.make(source_kind="r2", source="bucket")
    synced(scripted, made)
    assert items(scripted, made)["film.mp4"].error.startswith("unsupported_type: ")
    script.fetched.clear()
    _, lines = synced(scripted, made)
    assert script.fetched == [] and "1 error, 1 unchanged" in lines
    script.entries = [replace(film, memo="2"), page]
    synced(scripted, made)
    synced(scripted, made)
    assert script.fetched == ["film.mp4"]
    script.fetched.clear()
    newer = pulling.Pulling(
        script, scripted.memos, scripted.catalog, scripted.indexing, scripted.service_tokens, release="next"
    )

    async def tell(line: str, severity: Severity) -> None:
        """Nobody listens."""

    scripted.run(newer.pull(made, tell))
    assert script.fetched == ["film.mp4"], "another release may read it"


LINKS = SourceOptions(crawl=CrawlOptions(discovers=True, start="links", max_age=0))


@pytest.fixture
def crawled(tmp_path: Path, site: WebSite) -> Iterator[tuple[House, Instance]]:
    """A site with five pages that are indexed; one refuses."""
    site.html("/", "".join(f"<a href=/{name}>{name}</a>" for name in ("a", "b", "deep/c", "deep/d", "admin")))
    for name in ("a", "b", "deep/c", "deep/d"):
        site.html(f"/{name}", f"page {name}")
    site.pages["/admin"] = Reply(status=403)
    opener = OpenSources(version="test", guard=Guard(["127.0.0.1"]), patience=Patience(first=0.01))
    house = House(tmp_path, sources=opener)
    try:
        house.run(house.indexing.start())
        made = house.make(source_kind="web-crawler", source=site.url, source_options=LINKS)
        job, lines = synced(house, made)
        assert job.end_reason == "completed" and lines[-1] == "5 completed, 1 error"
        yield house, made
    finally:
        house.close()


def indexed(house: House, made: Instance, site: WebSite) -> set[str]:
    """The paths of the pages that can be found."""
    return {key.removeprefix(site.url) for key, one in items(house, made).items() if one.status == "completed"}


def test_a_page_that_refuses_keeps_nothing_from_leaving(crawled: tuple[House, Instance], site: WebSite) -> None:
    house, made = crawled
    site.html("/", "<a href=/a>a</a><a href=/admin>x</a>")
    job, lines = synced(house, made)
    assert job.end_reason == "completed" and lines[-1] == "1 completed, 1 error, 3 removed, 1 unchanged"
    assert indexed(house, made, site) == {"/", "/a"}
    assert items(house, made)[f"{site.url}/admin"].error.startswith("crawl_got_http_403: ")


def test_what_rules_leave_out_goes_although_the_crawl_is_not_whole(
    crawled: tuple[House, Instance], site: WebSite
) -> None:
    house, made = crawled
    site.html("/", "<a href=/a>a</a>")  # which leads to the others now, and does not answer
    site.pages["/a"] = Reply(status=500)
    options = replace(LINKS, exclude=("**/b",))
    made = house.run(house.instances.update(made, replace(made.settings, source_options=options)))
    house.run(house.syncing.wait())
    site.pages["/robots.txt"] = Reply(b"User-agent: *\nDisallow: /deep/d")
    job, lines = synced(house, made)
    assert job.end_reason.startswith(
        f"unknown_error: the site was only partly read: http_5xx: {site.url}/a answers 500. Items of pages that"
    )
    assert indexed(house, made, site) == {"/", "/deep/c"}, "what nothing leads to stays, as nobody knows"
    assert lines[-2] == "1 completed, 1 error, 2 removed, 1 skipped"


def test_a_site_that_forbids_most_of_itself_is_obeyed(
    crawled: tuple[House, Instance], site: WebSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull_state, "FEWEST_GONE", 1)
    house, made = crawled
    for name in ("a", "b", "deep/c"):
        site.html(f"/{name}", f"page {name}", "<meta name=robots content=noindex>")
    site.pages["/robots.txt"] = Reply(b"User-agent: *\nDisallow: /deep/d")
    job, lines = synced(house, made)
    assert job.end_reason == "completed" and indexed(house, made, site) == {"/"}
    told = f"{site.url}/a: blocked_by_content_signal: {site.url}/a asks not to be indexed (noindex)"
    assert told in lines


def test_a_site_that_has_lost_its_pages_for_a_moment_loses_no_item(
    crawled: tuple[House, Instance], site: WebSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull_state, "FEWEST_GONE", 1)
    house, made = crawled
    before = dict(site.pages)
    for name in ("a", "b", "deep/c", "deep/d"):
        del site.pages[f"/{name}"]
    job, _ = synced(house, made)
    assert job.end_reason.startswith("source_shrank: 4 of 6 items")
    assert indexed(house, made, site) == {"/", "/a", "/b", "/deep/c", "/deep/d"}
    site.pages.update(before)
    assert synced(house, made)[0].end_reason == "completed"
    for name in ("a", "b"):
        del site.pages[f"/{name}"]
    job, lines = synced(house, made)
    assert job.end_reason == "completed" and lines[-1] == "3 error, 3 unchanged"
    assert indexed(house, made, site) == {"/", "/deep/c", "/deep/d"}


def test_a_site_that_sends_everybody_to_one_page_has_not_forbidden_the_others(
    crawled: tuple[House, Instance], site: WebSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull_state, "FEWEST_GONE", 1)
    house, made = crawled
    site.html("/maintenance", "We are back soon.")
    for name in ("a", "b", "deep/c", "deep/d"):
        site.redirect(f"/{name}", "/maintenance")
    job, _ = synced(house, made)
    assert job.end_reason.startswith("source_shrank: 4 of ")
    assert {"/a", "/b", "/deep/c", "/deep/d"} <= indexed(house, made, site)


def test_a_page_behind_a_redirect_stays_however_often_the_redirect_fails(tmp_path: Path, site: WebSite) -> None:
    site.html("/c", "lamp oil")
    site.redirect("/a", "/c", 301)
    site.sitemap("/a", changefreq="always")
    house = House(tmp_path, sources=OpenSources(version="test", guard=Guard(["127.0.0.1"])))
    try:
        house.run(house.indexing.start())
        made = house.make(source_kind="web-crawler", source=site.url)
        synced(house, made)
        site.pages["/a"] = Reply(status=500)
        for _ in range(3):
            assert synced(house, made)[1][-1] == "1 error"
            assert texts(house, made) == {f"{site.url}/c": "lamp oil"}
        site.redirect("/a", "/c", 301)
        assert synced(house, made)[1][-1] == "1 completed", "it is asked for although it did not change"
    finally:
        house.close()


@pytest.fixture
def behind(crawled: tuple[House, Instance], site: WebSite) -> tuple[House, Instance]:
    """The same, with a page that only /a leads to."""
    house, made = crawled
    site.html("/a", "<a href=/behind>behind</a>")
    site.html("/behind", "fog horn")
    synced(house, made)
    assert "/behind" in indexed(house, made, site)
    return house, made


@pytest.mark.parametrize("refusal", [Reply(status=403), Reply(status=302, headers={"location": "/a"})])
def test_what_only_a_page_in_error_leads_to_stays(
    behind: tuple[House, Instance], site: WebSite, refusal: Reply
) -> None:
    house, made = behind
    site.pages["/a"] = refusal
    for _ in range(3):
        job, _ = synced(house, made)
        assert job.end_reason == "completed" and "/behind" in indexed(house, made, site)
    site.html("/", "<a href=/b>b</a>")
    synced(house, made)
    assert indexed(house, made, site) == {"/", "/b"}, "what leads there is gone"


def test_under_other_options_nobody_knows_where_a_page_in_error_leads(
    behind: tuple[House, Instance], site: WebSite
) -> None:
    house, made = behind
    site.pages["/a"] = Reply(status=403)
    options = replace(LINKS, crawl=replace(LINKS.crawl, headers=(("X-Team", "docs"),)))
    made = house.run(house.instances.update(made, replace(made.settings, source_options=options)))
    for _ in range(3):
        job, _ = synced(house, made)
        assert job.end_reason.startswith("unknown_error: the site was only partly read: crawl_got_http_403: ")
        assert "/behind" in indexed(house, made, site)


def test_a_page_without_what_the_selector_finds_leads_on(behind: tuple[House, Instance], site: WebSite) -> None:
    house, made = behind
    site.html("/behind", "<main>fog horn</main>")
    options = replace(LINKS, crawl=replace(LINKS.crawl, selectors=(Selector("**", "main"),)))
    made = house.run(house.instances.update(made, replace(made.settings, source_options=options)))
    for status in (200, 403):
        job, _ = synced(house, made)
        found = items(house, made)
        assert job.end_reason == "completed" and found[f"{site.url}/behind"].status == "completed"
        assert found[f"{site.url}/"].error.startswith("file_content_empty: "), status
        site.pages["/a"] = Reply(status=403)


def test_a_type_that_nobody_reads_is_told_so_after_its_settings_changed(scripted: House, script: Script) -> None:
    script.entries = [Entry("film.mp4", "1")]
    script.contents = {"film.mp4": b"\0\0\0 ftyp"}
    made = scripted.make(source_kind="r2", source="bucket")
    synced(scripted, made)
    made = scripted.run(scripted.instances.update(made, replace(made.settings, chunk_size=128)))
    assert items(scripted, made)["film.mp4"].status == "outdated"
    for _ in range(2):
        synced(scripted, made)
        assert items(scripted, made)["film.mp4"].error.startswith("unsupported_type: ")


def test_what_another_source_remembered_is_not_told(scripted: House, script: Script) -> None:
    made = scripted.make(source_kind="r2", source="bucket")
    synced(scripted, made)
    made = scripted.run(scripted.instances.update(made, replace(made.settings, source="another")))
    script.contents = {"b.md": b"fog horn"}
    synced(scripted, made)
    known = {one.key: one for one in scripted.run(scripted.memos.list(made.uid))}
    assert (known["a.md"].source, known["a.md"].memo) == ("r2:another", "")
    assert known["a.md"].error == "http_5xx: a.md fails"


def test_a_temporary_redirect_to_another_host_takes_nothing_away(
    crawled: tuple[House, Instance], site: WebSite
) -> None:
    house, made = crawled
    before = texts(house, made)
    for name in ("a", "b", "deep/c", "deep/d"):
        site.redirect(f"/{name}", "https://status.example/", 301 if name == "b" else 302)
    job, lines = synced(house, made)
    assert job.end_reason == "completed" and lines[-1].startswith("5 error")
    now = texts(house, made)
    assert {key.removeprefix(site.url) for key in now if now[key] != before[key]} == {"/b"}


def test_a_site_of_sitemaps_that_forbids_most_of_itself_is_obeyed_too(
    tmp_path: Path, site: WebSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull_state, "FEWEST_GONE", 1)
    for name in ("a", "b", "c"):
        site.html(f"/{name}", f"page {name}")
    site.sitemap("/a", "/b", "/c", lastmod="2020-01-01")
    house = House(tmp_path, sources=OpenSources(version="test", guard=Guard(["127.0.0.1"])))
    try:
        house.run(house.indexing.start())
        made = house.make(source_kind="web-crawler", source=site.url)
        synced(house, made)
        site.pages["/robots.txt"] = Reply(b"User-agent: *\nDisallow: /")
        job, lines = synced(house, made)
        assert job.end_reason == "completed" and lines[-1] == "3 error"
        assert not any(texts(house, made).values())
    finally:
        house.close()


def test_an_upload_that_comes_while_its_place_is_removed_stays(house: House, docs: Path) -> None:
    """The sync has seen that the file is gone; before it removes the item, a person uploads one of that name."""
    made = house.make(source_kind="folder", source=str(docs))
    synced(house, made)
    (docs / "a.md").unlink()

    async def upload() -> None:
        await house.indexing.upload(made, Upload("a.md", b"mine"), wait=20)

    indexing = Interrupted(house.indexing, "get", upload)
    opener = OpenSources(version="test", roots=[house.folder / "source"])
    pull = Pulling(opener, house.memos, house.catalog, indexing, house.service_tokens)  # type: ignore[arg-type]  # the real

    async def tell(message: str, severity: Severity) -> None:
        assert severity == "info", message

    house.run(pull.pull(made, tell))
    item = items(house, made)["a.md"]
    assert (item.source, item.status, texts(house, made)["a.md"]) == ("", "completed", "mine")
