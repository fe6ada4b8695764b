"""Which models there are: by which name, with which weights, and what offline forbids."""

import asyncio
import os
from pathlib import Path

import pytest

from secondlook import provision
from secondlook.errors import InvalidModelError, RerankerError, SetupError
from secondlook.models.extractive import ExtractiveGenerator
from secondlook.models.fakes import FakeReranker
from secondlook.models.openai_compatible import OpenAICompatible
from secondlook.models.registry import RerankerShelf
from secondlook.models.remote_config import RemoteFile
from secondlook.ports import declared
from secondlook.settings import Settings
from tests.tiny_models import make_model
from tests.unit.models.test_onnx_cross_encoder import export


def write_rerankers(folder: Path, url: str, *names: str) -> None:
    entries = [f'[[reranker]]\nname = "{name}"\nprovider = "cohere"\nurl = "{url}"\nmodel = "m"\n' for name in names]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rerankers.toml").write_text("\n".join(entries), encoding="utf-8")


def test_two_of_the_same_model_go_by_their_names(tmp_path: Path) -> None:
    write_rerankers(tmp_path, "http://127.0.0.1:9", "one", "two")
    settings = Settings(data_dir=tmp_path, offline=True)
    shelf = provision.make_shelf(settings, FakeReranker(), provision.read_remotes(settings))
    assert shelf.find("one") is not shelf.find("two")
    with pytest.raises(InvalidModelError, match=r"cohere:m.*one, two"):
        shelf.find("cohere:m")
    asyncio.run(shelf.close())
    rows = {row.name: row for row in provision.list_models(settings)}
    assert rows["two"].remote and rows["two"].score_kind == "probability"
    assert "cohere:m at http://127.0.0.1:9" in rows["two"].note


def test_a_configured_reranker_cannot_take_a_known_name(tmp_path: Path) -> None:
    write_rerankers(tmp_path, "http://127.0.0.1:9", "BAAI/bge-reranker-base", "far")
    found = provision.read_remotes(Settings(data_dir=tmp_path))
    assert [one.name for one in found.endpoints] == ["far"]
    assert "(BAAI/bge-reranker-base): name 'BAAI/bge-reranker-base' is the name of a known model" in found.problems[0]
    [row] = [one for one in provision.list_models(Settings(data_dir=tmp_path)) if one.name == "BAAI/bge-reranker-base"]
    assert row.status == "absent", "the known model is listed as it is"


def test_a_reranker_without_its_key_is_listed_with_the_reason(tmp_path: Path) -> None:
    write_rerankers(tmp_path, "http://127.0.0.1:9", "good", "bad")
    with (tmp_path / "rerankers.toml").open("a", encoding="utf-8") as file:
        file.write('key_env = "NO_SUCH_KEY"\n')
    settings = Settings(data_dir=tmp_path, offline=True)
    rows = {row.name: row for row in provision.list_models(settings)}
    assert (rows["good"].status, rows["bad"].status) == ("remote", "unavailable")
    assert "the environment variable NO_SUCH_KEY (key_env) is empty or not set" in rows["bad"].note
    shelf = provision.make_shelf(settings, FakeReranker(), provision.read_remotes(settings))
    assert "NO_SUCH_KEY" in declared(shelf.find("bad")).unavailable
    assert not declared(shelf.find("good")).unavailable
    asyncio.run(shelf.close())


@pytest.mark.parametrize("text", [None, "[[reranker", "other = 1"])
def test_a_file_that_cannot_be_read_stops_no_other_model(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "mine.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    settings = Settings(data_dir=tmp_path, rerankers=path, offline=True)
    found = provision.read_remotes(settings)
    assert found.problems and str(path) in found.unreadable
    default = FakeReranker()
    shelf = provision.make_shelf(settings, default, found)
    assert shelf.find("") is default
    with pytest.raises(SetupError, match="models pull"):
        shelf.find("BAAI/bge-reranker-base")
    assert str(path) in declared(shelf.find("hosted")).unavailable, "it may be one of the file's"
    assert any(row.built_in for row in provision.list_models(settings))
    assert provision.read_remotes(Settings(data_dir=tmp_path / "new")) == RemoteFile()
    asyncio.run(shelf.close())


def test_a_graph_is_added(tmp_path: Path) -> None:
    source = export(tmp_path / "tiny")
    (source / "config.json").unlink()
    folder = provision.add_model(Settings(data_dir=tmp_path / "data"), "mine/graph", source)
    assert (folder / "model.onnx").is_file() and not (folder / "model.safetensors").exists()


def test_weights_under_a_known_name_must_pass_its_self_test(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    with pytest.raises(RerankerError, match="failed its self-test"):
        provision.add_model(settings, "cross-encoder/ms-marco-MiniLM-L-2-v2", make_model(tmp_path / "tiny").folder)
    with pytest.raises(SetupError, match="cannot be a model's name"):
        provision.add_model(settings, "../up", tmp_path / "tiny")
    assert not settings.models_dir.exists()


def test_the_generator_is_the_one_that_is_set() -> None:
    assert isinstance(provision.make_generator(Settings()), ExtractiveGenerator)
    made = provision.make_generator(Settings(llm_url="http://127.0.0.1:9/v1", llm_model="mine"))
    assert isinstance(made, OpenAICompatible)
    assert made.name("") == "mine"
    asyncio.run(made.close())


@pytest.mark.parametrize(
    ("name", "known"),
    [("secondlook/all-minilm-l6-v2", True), ("@cf/qwen/qwen3-embedding-0.6b", True), ("no/such", False), ("", False)],
)
def test_embedders_that_a_client_may_name(name: str, known: bool) -> None:
    assert provision.is_known_embedder(name) is known


def test_offline_downloads_nothing(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, offline=True)
    with pytest.raises(SetupError, match="offline mode is on"):
        provision.pull_model(settings, "BAAI/bge-reranker-base")
    with pytest.raises(InvalidModelError, match="no/such"):
        provision.pull_model(settings, "no/such")
    assert list(tmp_path.iterdir()) == []


def test_a_hub_that_is_away(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, hf_endpoint="http://127.0.0.1:9")
    with pytest.raises(SetupError, match=r"could not fetch.*models add"):
        provision.pull_model(settings, "BAAI/bge-reranker-base")


def test_a_local_model_is_listed_once_it_has_run(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    folder = provision.add_model(settings, "mine/tiny", make_model(tmp_path / "tiny").folder)
    assert (folder / "model.safetensors").is_file()
    assert {row.name: row.cached for row in provision.list_models(settings)}["mine/tiny"]
    (tmp_path / "tiny" / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(SetupError):
        provision.add_model(settings, "broken", tmp_path / "tiny")
    assert "broken" not in {row.name for row in provision.list_models(settings)}


def test_a_pinned_name_takes_only_the_pinned_weights(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    with pytest.raises(SetupError, match="SHA-256"):
        provision.add_model(settings, "all-minilm-l6-v2", make_model(tmp_path / "tiny", head=False).folder)
    assert not os.path.lexists(settings.models_dir / "models" / "all-minilm-l6-v2")


def test_an_alias_of_a_model_that_is_unknown_ends_the_start_and_one_that_is_missing_does_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def open_shelf(*aliases: tuple[str, str]) -> RerankerShelf:
        settings = Settings(data_dir=tmp_path, reranker_aliases=aliases)
        return provision.make_shelf(settings, FakeReranker(), provision.read_remotes(settings))

    with pytest.raises(SetupError, match=r"SECONDLOOK_RERANKER_ALIASES: far=no/such: unknown reranking model"):
        open_shelf(("far", "no/such"))
    assert open_shelf(("near", "secondlook/late-interaction")).find("near")
    open_shelf(("bge", "BAAI/bge-reranker-base"))
    assert "the reranker alias bge" in caplog.text
