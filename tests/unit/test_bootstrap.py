"""The one place that picks: what is opened, what a model's absence says, and what offline forbids."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from secondlook import bootstrap
from secondlook.domain.answer import Question
from secondlook.domain.filters import Comparison
from secondlook.domain.instance import InstanceSettings, MetadataField
from secondlook.domain.options import Compatibility, Generation
from secondlook.domain.query import Query
from secondlook.errors import InvalidModelError, RerankerError, SetupError
from secondlook.models.extractive import ExtractiveGenerator
from secondlook.models.fakes import FakeReranker
from secondlook.models.openai_compatible import OpenAICompatible
from secondlook.ports import Passage, Prompt
from secondlook.services.indexing import Upload
from secondlook.services.searching import Ask
from secondlook.settings import Settings
from secondlook.stores.lock import FileLock
from tests.rerank_server import serve_reranker
from tests.tiny_models import make_model
from tests.unit.models.test_onnx_cross_encoder import export


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
                assert (found.receipt.status, found.receipt.model) == ("ran", "cohere:m@unknown/remote")
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


def test_two_of_the_same_model_go_by_their_names(tmp_path: Path) -> None:
    write_rerankers(tmp_path, "http://127.0.0.1:9", "one", "two")
    settings = Settings(data_dir=tmp_path, offline=True)
    shelf = bootstrap.make_shelf(settings, FakeReranker(), bootstrap.read_remotes(settings))
    assert shelf.find("one") is not shelf.find("two")
    with pytest.raises(InvalidModelError, match=r"cohere:m.*one, two"):
        shelf.find("cohere:m")
    asyncio.run(shelf.close())
    rows = {row.name: row for row in bootstrap.list_models(settings)}
    assert rows["two"].remote and rows["two"].score_kind == "probability"
    assert "cohere:m at http://127.0.0.1:9" in rows["two"].note


def test_a_configured_reranker_cannot_take_a_known_name(tmp_path: Path) -> None:
    write_rerankers(tmp_path, "http://127.0.0.1:9", "BAAI/bge-reranker-base")
    with pytest.raises(SetupError, match=r"rerankers\.toml: name 'BAAI/bge-reranker-base'"):
        bootstrap.list_models(Settings(data_dir=tmp_path))


def test_a_named_file_of_rerankers_must_be_there(tmp_path: Path) -> None:
    assert bootstrap.read_remotes(Settings(data_dir=tmp_path)) == []
    with pytest.raises(SetupError, match="SECONDLOOK_RERANKERS"):
        bootstrap.read_remotes(Settings(data_dir=tmp_path, rerankers=tmp_path / "no.toml"))


def test_a_graph_is_added(tmp_path: Path) -> None:
    source = export(tmp_path / "tiny")
    (source / "config.json").unlink()
    folder = bootstrap.add_model(Settings(data_dir=tmp_path / "data"), "mine/graph", source)
    assert (folder / "model.onnx").is_file() and not (folder / "model.safetensors").exists()


def test_weights_under_a_known_name_must_pass_its_self_test(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    with pytest.raises(RerankerError, match="failed its self-test"):
        bootstrap.add_model(settings, "cross-encoder/ms-marco-MiniLM-L-2-v2", make_model(tmp_path / "tiny").folder)
    with pytest.raises(SetupError, match="cannot be a model's name"):
        bootstrap.add_model(settings, "../up", tmp_path / "tiny")
    assert not settings.models_dir.exists()


def test_one_process_works_a_data_folder_and_others_may_help_or_read(tmp_path: Path, cache_dir: Path) -> None:
    settings = Settings(data_dir=tmp_path, cache_dir=cache_dir, offline=True)

    async def work() -> None:
        async with bootstrap.open_runtime(settings) as server:
            made = await server.services.instances.create("acc", "default", "docs", settings=InstanceSettings())
            with pytest.raises(SetupError, match=f"a server works on the data folder {tmp_path} already"):
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
    loose = tmp_path / "files" / "u1" / "loose"
    loose.parent.mkdir(parents=True)
    loose.write_bytes(b"x")

    async def serve(beside: bootstrap.Queue) -> bool:
        async with bootstrap.open_runtime(settings, queue=beside), bootstrap.open_runtime(settings):
            return loose.is_file()

    assert asyncio.run(serve("own"))
    assert not asyncio.run(serve("none"))


def test_a_running_server_takes_up_what_a_killed_command_left(
    tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path, cache_dir=cache_dir, offline=True)

    async def work(every: float) -> None:
        monkeypatch.setattr(bootstrap, "TAKE_UP_EVERY", every)
        async with bootstrap.open_runtime(settings) as server:
            made = await server.services.instances.create(
                "acc", "default", f"docs{every:.0f}", settings=InstanceSettings()
            )
            async with bootstrap.open_runtime(settings, queue="own") as command:
                await command.services.indexing.stop()  # as if it were killed once the upload is on disk
                item = await command.services.indexing.upload(made, Upload("a.md", b"lamp oil"))
                with FileLock(tmp_path / "uploads.lock") as uploads:
                    assert await bootstrap.take_up_left(server.services.indexing, uploads) == 0, "it may be at work"
            if every > 1:
                with FileLock(tmp_path / "uploads.lock") as uploads:
                    assert await bootstrap.take_up_left(server.services.indexing, uploads) == 1
            async with asyncio.timeout(60):
                while item.status != "completed":
                    await asyncio.sleep(0.01)
                    item = await server.services.indexing.get(made, item.id)

    asyncio.run(work(3600))
    asyncio.run(work(0.01))


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

    with pytest.raises(SetupError, match=f"{path} is no folder"):
        asyncio.run(work())
    if not name:
        with pytest.raises(SetupError, match=f"{path} is no folder"):
            asyncio.run(bootstrap.with_access(settings, lambda access: access.list()))


def test_a_data_folder_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root would be refused nothing
    with pytest.raises(SetupError, match=f"{tmp_path} may not be read and written"):
        bootstrap.prepare_folder(tmp_path)


def test_a_data_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")

    async def work() -> None:
        async with bootstrap.open_runtime(Settings(data_dir=tmp_path / "file" / "data", offline=True)):
            raise AssertionError("it opened")

    with pytest.raises(SetupError, match="SECONDLOOK_DATA_DIR"):
        asyncio.run(work())


def test_the_model_for_other_languages_must_be_known(tmp_path: Path, cache_dir: Path) -> None:
    settings = Settings(tmp_path, cache_dir, language_guard="route", multilingual_reranker="no/such", offline=True)

    async def work() -> None:
        async with bootstrap.open_runtime(settings):
            raise AssertionError("it opened")

    with pytest.raises(SetupError, match=r"SECONDLOOK_MULTILINGUAL_RERANKER.*no/such"):
        asyncio.run(work())


def test_tokens_need_no_model(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", offline=True)
    token, secret = asyncio.run(bootstrap.with_access(settings, lambda access: access.create("mine")))
    found = asyncio.run(bootstrap.with_access(settings, lambda access: access.authenticate(secret)))
    assert found == token
    assert not settings.models_dir.exists()


def test_the_generator_is_the_one_that_is_set() -> None:
    assert isinstance(bootstrap.make_generator(Settings()), ExtractiveGenerator)
    made = bootstrap.make_generator(Settings(llm_url="http://127.0.0.1:9/v1", llm_model="mine"))
    assert isinstance(made, OpenAICompatible)
    assert made.name("") == "mine"
    asyncio.run(made.close())


@pytest.mark.parametrize(
    ("name", "known"),
    [("secondlook/all-minilm-l6-v2", True), ("@cf/qwen/qwen3-embedding-0.6b", True), ("no/such", False), ("", False)],
)
def test_embedders_that_a_client_may_name(name: str, known: bool) -> None:
    assert bootstrap.is_known_embedder(name) is known


def test_offline_downloads_nothing(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, offline=True)
    with pytest.raises(SetupError, match="offline mode is on"):
        bootstrap.pull_model(settings, "BAAI/bge-reranker-base")
    with pytest.raises(InvalidModelError, match="no/such"):
        bootstrap.pull_model(settings, "no/such")
    assert list(tmp_path.iterdir()) == []


def test_a_hub_that_is_away(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, hf_endpoint="http://127.0.0.1:9")
    with pytest.raises(SetupError, match=r"cannot be fetched.*models add"):
        bootstrap.pull_model(settings, "BAAI/bge-reranker-base")


def test_a_local_model_is_listed_once_it_has_run(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    folder = bootstrap.add_model(settings, "mine/tiny", make_model(tmp_path / "tiny").folder)
    assert (folder / "model.safetensors").is_file()
    assert {row.name: row.cached for row in bootstrap.list_models(settings)}["mine/tiny"]
    (tmp_path / "tiny" / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(SetupError):
        bootstrap.add_model(settings, "broken", tmp_path / "tiny")
    assert "broken" not in {row.name for row in bootstrap.list_models(settings)}


def test_a_pinned_name_takes_only_the_pinned_weights(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    with pytest.raises(SetupError, match="SHA-256"):
        bootstrap.add_model(settings, "all-minilm-l6-v2", make_model(tmp_path / "tiny", head=False).folder)
    assert not os.path.lexists(settings.models_dir / "models" / "all-minilm-l6-v2")


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
        answers = bootstrap.make_answers(settings, [])
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


def test_what_websites_may_be_read_from_must_be_hosts_or_networks(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="SECONDLOOK_FETCH_ALLOW"):
        bootstrap.make_sources(Settings(data_dir=tmp_path, fetch_allow=("http://wiki",)))
