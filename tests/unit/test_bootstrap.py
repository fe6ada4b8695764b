"""The one place that picks: what is opened, what a model's absence says, and what offline forbids."""

import asyncio
import logging
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from secondlook import bootstrap, provision
from secondlook.domain.answer import Question
from secondlook.domain.filters import Comparison
from secondlook.domain.instance import InstanceSettings, MetadataField
from secondlook.domain.options import Compatibility, Generation
from secondlook.domain.query import Query
from secondlook.errors import RerankerError, SetupError
from secondlook.models.openai_compatible import OpenAICompatible
from secondlook.ports import Passage, Prompt
from secondlook.services.indexing import Upload
from secondlook.services.searching import Ask
from secondlook.settings import Settings
from tests.rerank_server import serve_reranker


def test_a_runtime_indexes_searches_reranks_and_answers(tmp_path: Path, cache_dir: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new" / "data", cache_dir=cache_dir, offline=True, rerank_budget_ms=60_000)

    async def first() -> str:
        async with bootstrap.open_runtime(settings) as runtime:
            services = runtime.services
            made = await services.instances.create("acc", "default", "docs", settings=InstanceSettings(min_score=0))
            for key, text in (("oil.md", "Warm the lamp oil when it freezes."), ("fog.md", "Two blasts of the horn.")):
                assert (await services.indexing.upload(made, Upload(key, text.encode()), wait=60)).status == "completed"
            ask = Ask(rerank=True, match_mode="or", min_relevance=None)
            answer = await services.searching.answer(made, Query("frozen oil"), ask, generation=Generation())
            assert answer.ranking.receipt.status == "ran"
            assert "late-interaction" in answer.ranking.receipt.model
            assert [one.chunk.item_key for one in answer.ranking.candidates] == ["oil.md", "fog.md"]
            return "".join([delta.text async for delta in answer.deltas])

    async def second() -> list[str]:
        async with bootstrap.open_runtime(settings) as runtime:
            found = await runtime.services.instances.get("acc", "default", "docs")
            return [item.key for item in await runtime.services.indexing.list(found)]

    assert "Warm the lamp oil" in asyncio.run(first())
    assert set(asyncio.run(second())) == {"oil.md", "fog.md"}


def write_rerankers(folder: Path, url: str, *names: str) -> None:
    entries = [f'[[reranker]]\nname = "{name}"\nprovider = "cohere"\nurl = "{url}"\nmodel = "m"\n' for name in names]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rerankers.toml").write_text("\n".join(entries), encoding="utf-8")


def test_a_configured_reranker_serves_under_its_names_and_is_closed(tmp_path: Path, cache_dir: Path) -> None:
    settings = Settings(data_dir=tmp_path, cache_dir=cache_dir, offline=True, llm_url="http://127.0.0.1:9/v1")

    async def work() -> bootstrap.Runtime:
        async with bootstrap.open_runtime(settings) as runtime:
            services = runtime.services
            made = await services.instances.create("acc", "default", "docs", settings=InstanceSettings(min_score=0))
            for key, text in (("oil.md", "Warm the lamp oil when it freezes."), ("fog.md", "Two blasts of the horn.")):
                await services.indexing.upload(made, Upload(key, text.encode()), wait=60)
            for name in ("far", "cohere:m"):
                ask = Ask(rerank=True, reranker=name, match_mode="or", min_relevance=None)
                found = await services.searching.search(made, Query("horn blasts"), ask)
                assert found.receipt.status == "ran"
                assert re.fullmatch("cohere:m@[0-9a-f]{8}/remote", found.receipt.model)
                assert found.candidates[0].chunk.item_key == "fog.md"
            return runtime

    with serve_reranker() as server:
        write_rerankers(tmp_path, server.url + "/ok", "far")
        runtime = asyncio.run(work())
    with pytest.raises(RuntimeError, match="closed"):
        asyncio.run(runtime.tools.rerankers.find("far").score("oil", [Passage("lamp")]))
    assert isinstance(runtime.tools.generator, OpenAICompatible)
    with pytest.raises(RuntimeError, match="closed"):
        asyncio.run(anext(aiter(runtime.tools.generator.stream(Prompt((), "q", ())))))


def test_one_process_works_a_data_folder_and_others_may_help_or_read(tmp_path: Path, cache_dir: Path) -> None:
    settings = Settings(data_dir=tmp_path, cache_dir=cache_dir, offline=True)

    async def work() -> None:
        async with bootstrap.open_runtime(settings) as server:
            made = await server.services.instances.create("acc", "default", "docs", settings=InstanceSettings())
            with pytest.raises(SetupError, match=f"a server is already running on the data folder {tmp_path}"):
                async with bootstrap.open_runtime(settings):
                    raise AssertionError("it opened")
            loose = tmp_path / "files" / made.uid / "about-to-be-named"
            loose.parent.mkdir()
            loose.write_bytes(b"x")
            async with bootstrap.open_runtime(settings, queue="own") as beside:
                item = await beside.services.indexing.upload(made, Upload("a.md", b"lamp oil"), wait=60)
                assert item.status == "completed"
            async with bootstrap.open_runtime(settings, queue="none") as reader:
                assert [one.key for one in await reader.services.indexing.list(made)] == ["a.md"]
            assert loose.is_file()

    asyncio.run(work())


def test_loose_blobs_go_at_start_unless_somebody_may_be_about_to_name_them(tmp_path: Path, cache_dir: Path) -> None:
    settings = Settings(data_dir=tmp_path, cache_dir=cache_dir, offline=True)
    assert asyncio.run(opens(settings))
    loose = tmp_path / "files" / "u1" / "loose"
    loose.parent.mkdir(parents=True)
    loose.write_bytes(b"x")

    async def serve(beside: bootstrap.Queue) -> bool:
        async with bootstrap.open_runtime(settings, queue=beside), bootstrap.open_runtime(settings):
            return loose.is_file()

    assert asyncio.run(serve("own"))
    assert not asyncio.run(serve("none"))


@pytest.mark.parametrize("state", ["missing", "empty"])
def test_files_outlive_their_catalogue(tmp_path: Path, cache_dir: Path, state: str) -> None:
    settings = Settings(data_dir=tmp_path, cache_dir=cache_dir, offline=True)
    assert asyncio.run(opens(settings))
    kept = tmp_path / "files" / "u1" / "blob"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"x")
    (tmp_path / "catalog.sqlite").unlink()
    if state == "empty":
        (tmp_path / "catalog.sqlite").touch()
    with pytest.raises(SetupError, match="from a backup"):
        asyncio.run(opens(settings))
    assert kept.is_file()


def test_a_running_server_takes_up_what_a_killed_command_left(tmp_path: Path, cache_dir: Path) -> None:
    settings = Settings(data_dir=tmp_path, cache_dir=cache_dir, offline=True, lease_seconds=1)

    async def work() -> None:
        async with bootstrap.open_runtime(settings) as server:
            made = await server.services.instances.create("acc", "default", "docs", settings=InstanceSettings())
            async with bootstrap.open_runtime(settings, queue="own") as command:
                await command.services.indexing.stop()  # as if it were killed once the upload is on disk
                item = await command.services.indexing.upload(made, Upload("a.md", b"lamp oil"))
            async with asyncio.timeout(60):
                while item.status != "completed":
                    await asyncio.sleep(0.01)
                    item = await server.services.indexing.get(made, item.id)

    asyncio.run(work())


def test_a_reader_indexes_nothing(tmp_path: Path, cache_dir: Path) -> None:
    settings = Settings(data_dir=tmp_path, cache_dir=cache_dir, offline=True)

    async def work(queue: bootstrap.Queue) -> str:
        async with bootstrap.open_runtime(settings, queue=queue) as runtime:
            services = runtime.services
            if not await services.instances.list("acc", None):
                made = await services.instances.create("acc", "default", "docs", settings=InstanceSettings())
                await services.indexing.upload(made, Upload("a.md", b"lamp oil"))
            [made] = await services.instances.list("acc", None)
            if queue == "all":
                await services.indexing.drain()
            [item] = await services.indexing.list(made)
            return item.status

    assert [asyncio.run(work("none")), asyncio.run(work("own")), asyncio.run(work("all"))] == [
        "queued", "queued", "completed",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["", "indexes", "files"])
def test_a_file_where_a_folder_should_be(tmp_path: Path, name: str) -> None:
    settings = Settings(data_dir=tmp_path / "data", offline=True)
    path = settings.data_dir / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("in the way", encoding="utf-8")

    async def work() -> None:
        async with bootstrap.open_runtime(settings):
            raise AssertionError("it opened")

    with pytest.raises(SetupError, match=f"{path} is not a folder"):
        asyncio.run(work())
    if not name:
        with pytest.raises(SetupError, match=f"{path} is not a folder"):
            asyncio.run(bootstrap.with_access(settings, lambda access: access.list()))


def test_a_data_folder_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root would be refused nothing
    with pytest.raises(SetupError, match=f"cannot read and write the data folder {tmp_path}"):
        bootstrap.prepare_folder(tmp_path)


def test_a_data_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")

    async def work() -> None:
        async with bootstrap.open_runtime(Settings(data_dir=tmp_path / "file" / "data", offline=True)):
            raise AssertionError("it opened")

    with pytest.raises(SetupError, match="SECONDLOOK_DATA_DIR"):
        asyncio.run(work())


@pytest.mark.parametrize("name", ["no/such", "BAAI/bge-reranker-v2-m3"])
def test_a_model_for_other_languages_that_is_missing_stops_nothing(
    tmp_path: Path, cache_dir: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    settings = Settings(tmp_path, cache_dir, language_guard="route", multilingual_reranker=name, offline=True)
    assert asyncio.run(opens(settings))
    [line] = [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]
    assert line.startswith("Queries in languages that a reranker does not cover are not reranked: SECONDLOOK_MULTI")
    assert name in line


async def opens(settings: Settings) -> bool:
    async with bootstrap.open_runtime(settings) as runtime:
        return bool(await runtime.services.models.all())


def test_a_host_that_cannot_be_allowed_stops_nothing(
    tmp_path: Path, cache_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(tmp_path, cache_dir, offline=True, fetch_allow=("http://x/y", "10.1.0.0/16"))
    assert asyncio.run(opens(settings))
    [line] = [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]
    assert "SECONDLOOK_FETCH_ALLOW" in line and "'http://x/y'" in line


@pytest.mark.parametrize("damage", ["gone", "not a database"])
def test_a_damaged_index_stops_no_other_instance(
    tmp_path: Path, cache_dir: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    settings = Settings(tmp_path, cache_dir, offline=True)

    async def make() -> str:
        async with bootstrap.open_runtime(settings) as runtime:
            made = [
                await runtime.services.instances.create("acc", "default", name, settings=InstanceSettings(min_score=0))
                for name in ("bad", "good")
            ]
            for one in made:
                await runtime.services.indexing.upload(one, Upload("oil.md", b"Warm the lamp oil."), wait=60)
            return made[0].uid

    async def search() -> list[str]:
        async with bootstrap.open_runtime(settings) as runtime:
            services = runtime.services
            good = await services.instances.get("acc", "default", "good")
            await services.indexing.upload(good, Upload("new.md", b"New lamp oil."), wait=60)
            found = await services.searching.search(good, Query("lamp oil"), Ask(match_mode="or"))
            return sorted({one.chunk.item_key for one in found.candidates})

    uid = asyncio.run(make())
    for path in (tmp_path / "indexes").glob(f"{uid}.sqlite*"):
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes(b"no index" * 1000)
    assert asyncio.run(search()) == ["new.md", "oil.md"]
    assert "acc/bad" in caplog.text and "Traceback" not in caplog.text


def test_a_reranker_without_its_key_is_unavailable_and_stops_nothing(
    tmp_path: Path, cache_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_rerankers(tmp_path, "http://127.0.0.1:9", "far")
    with (tmp_path / "rerankers.toml").open("a", encoding="utf-8") as file:
        file.write('key_env = "NO_SUCH_KEY"\n')
    settings = Settings(data_dir=tmp_path, cache_dir=cache_dir, offline=True)
    why = "the environment variable NO_SUCH_KEY (key_env) is empty or not set"

    async def work() -> None:
        async with bootstrap.open_runtime(settings) as runtime:
            services = runtime.services
            wanted = InstanceSettings(min_score=0, reranking=True, reranking_model="far")
            made = await services.instances.create("acc", "default", "docs", settings=wanted)
            await services.indexing.upload(made, Upload("oil.md", b"Warm the lamp oil."), wait=60)
            found = await services.searching.search(made, Query("lamp oil"), Ask(match_mode="or"))
            assert (found.receipt.status, found.receipt.cause, len(found.candidates)) == ("fell_back", "missing", 1)
            assert why in found.receipt.reason
            built_in = await services.searching.search(made, Query("oil"), Ask(reranker="secondlook/late-interaction"))
            assert built_in.receipt.status == "ran"
            with pytest.raises(RerankerError, match="NO_SUCH_KEY"):
                await services.searching.search(made, Query("lamp oil"), Ask(raise_on_failure=True))
            with pytest.raises(RerankerError, match="NO_SUCH_KEY"):
                await services.reranking.rerank("oil", ["lamp"], model="far")

    asyncio.run(work())
    [line] = [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]
    assert line.startswith("A remote reranker is unavailable: ") and why in line


def test_tokens_need_no_model(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", offline=True)
    token, secret = asyncio.run(bootstrap.with_access(settings, lambda access: access.create("mine"), make=True))
    found = asyncio.run(bootstrap.with_access(settings, lambda access: access.authenticate(secret)))
    assert found == token
    assert not settings.models_dir.exists()


@pytest.mark.parametrize("mode", ["plain", "strict"])
def test_answers_are_kept_and_filters_are_as_strict_as_set(
    tmp_path: Path, cache_dir: Path, mode: Compatibility
) -> None:
    settings = Settings(data_dir=tmp_path, cache_dir=cache_dir, offline=True, compatibility=mode, answer_cache_mb=1)
    station = "north pier " * 6
    ask = Ask(cached=None, min_score=0, where=Comparison("station", "eq", station + "east"))

    async def work() -> list[tuple[int, bool]]:
        async with bootstrap.open_runtime(settings) as runtime:
            fields = (MetadataField("station", "text"),)
            made = await runtime.services.instances.create(
                "a", "default", "i", settings=InstanceSettings(fields=fields)
            )
            upload = Upload("west.md", b"The lamp of the west.", metadata={"station": station + "west"})
            await runtime.services.indexing.upload(made, upload, wait=60)
            found = [await runtime.services.searching.search(made, Query("lamp"), ask) for _ in range(2)]
        return [(len(one.candidates), one.reuse is not None) for one in found]

    assert asyncio.run(work()) == [(int(mode == "strict"), False), (int(mode == "strict"), True)]
    assert (tmp_path / "answers.sqlite").is_file()


def test_what_no_request_tells_empties_the_kept_answers(tmp_path: Path) -> None:
    question = Question("i", "1", "s", "a question")

    async def found(settings: Settings) -> bool:
        answers = provision.make_answers(settings, [])
        try:
            before = await answers.find(question, least=0.5, life=600)
            await answers.keep(question, b"x")
            return before is not None
        finally:
            answers.close()

    plain = Settings(data_dir=tmp_path)
    assert [asyncio.run(found(one)) for one in (plain, plain)] == [False, True]
    for change in ({"long_passages": "mean"}, {"llm_url": "http://x"}, {"compatibility": "strict"}):
        assert [asyncio.run(found(replace(plain, **one))) for one in (change, change)] == [False, True]


def test_a_watched_folder_is_followed_from_start_to_end(tmp_path: Path, cache_dir: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.md").write_text("Warm the lamp oil.")
    settings = Settings(
        data_dir=tmp_path / "data", cache_dir=cache_dir, offline=True, folder_roots=(tmp_path,), folder_watch=1
    )

    async def run() -> None:
        async with bootstrap.open_runtime(settings) as runtime:
            services = runtime.services
            wanted = InstanceSettings(source_kind="folder", source=str(docs))
            made = await services.instances.create("acc", "default", "docs", settings=wanted)
            for key in ("a.md", "b.md"):
                (docs / key).write_text("Two blasts of the fog horn.")
                while key not in {one.key for one in await services.indexing.list(made, ("completed",))}:
                    await asyncio.sleep(0.05)

    asyncio.run(asyncio.wait_for(run(), 60))
