"""The code of the search box: where it comes from, and that only what was pinned is fetched."""

import asyncio
import base64
import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from secondlook.errors import AssetError
from secondlook.stores import snippets
from secondlook.stores.snippets import NAME, PACKAGE, Snippets, unpack
from tests.file_server import serve_files

CODE = b"export const box = 1;"
PATH = f"/{PACKAGE}/-/ai-search-snippet-9.9.9.tgz"


def make_package(name: str = "package/dist/search-snippet.es.js") -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(CODE)
        archive.addfile(entry, io.BytesIO(CODE))
    return held.getvalue()


def digest(package: bytes) -> str:
    return base64.b64encode(hashlib.sha512(package).digest()).decode()


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> bytes:
    made = make_package()
    monkeypatch.setattr(snippets, "PINNED", {"9.9.9": digest(made)})
    return made


def read(found: Snippets, version: str = "9.9.9") -> bytes | None:
    return asyncio.run(found.read(version))


def test_it_is_fetched_once_and_kept(package: bytes, tmp_path: Path) -> None:
    with serve_files({PATH: package}) as hub:
        found = Snippets(tmp_path, registry=f"{hub.url}/")
        assert read(found) == CODE
        assert read(found) == read(Snippets(tmp_path)) == CODE
        assert len(hub.asked) == 1
    assert (tmp_path / "9.9.9" / NAME).read_bytes() == CODE


def test_many_that_ask_at_once_fetch_once(package: bytes, tmp_path: Path) -> None:
    async def work(found: Snippets) -> list[bytes | None]:
        return list(await asyncio.gather(*(found.read("9.9.9") for _ in range(5))))

    with serve_files({PATH: package}) as hub:
        assert asyncio.run(work(Snippets(tmp_path, registry=hub.url))) == [CODE] * 5
        assert len(hub.asked) == 1


def test_what_differs_from_the_pin_is_refused(package: bytes, tmp_path: Path) -> None:
    with serve_files({PATH: package[:-1] + b"x"}) as hub:
        found = Snippets(tmp_path, registry=hub.url)
        with pytest.raises(AssetError, match="does not match the pinned checksum"):
            read(found)
        assert not (tmp_path / "9.9.9").exists()
        hub.files[PATH] = package
        assert read(found) == CODE


def test_it_cannot_be_fetched(package: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssetError, match="SECONDLOOK_SNIPPET_DIR"):
        read(Snippets(tmp_path))
    with serve_files({}) as hub, pytest.raises(AssetError, match="could not fetch"):
        read(Snippets(tmp_path, registry=hub.url))
    with pytest.raises(AssetError, match="could not fetch"):
        read(Snippets(tmp_path, registry="http://127.0.0.1:1"))
    monkeypatch.setattr(snippets, "LARGEST", 10)
    with serve_files({PATH: package}) as hub, pytest.raises(AssetError, match="more than 10 bytes"):
        read(Snippets(tmp_path, registry=hub.url))


@pytest.mark.parametrize("version", ["0.0.1", "../9.9.9", "9.9", "", "9.9.9/../.."])
def test_versions_that_are_not_known(package: bytes, tmp_path: Path, version: str) -> None:
    assert read(Snippets(tmp_path, registry="http://127.0.0.1:1"), version) is None


def test_a_folder_is_asked_first(package: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    (folder / "dist").mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"version": "1.2.3-beta.1"}))
    (folder / "dist" / NAME).write_bytes(b"mine")
    found = Snippets(tmp_path / "cache", folder=folder)
    assert read(found, "1.2.3-beta.1") == b"mine"
    assert read(found, "1.2.3") is None
    with pytest.raises(AssetError):
        read(found)
    (folder / "package.json").write_text("no json")
    with pytest.raises(AssetError, match="could not read"):
        read(found, "1.2.3-beta.1")


def test_a_cache_that_cannot_be_written_costs_nothing(package: bytes, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with serve_files({PATH: package}) as hub:
        assert read(Snippets(blocked, registry=hub.url)) == CODE


@pytest.mark.parametrize(
    "broken",
    [make_package("package/other.js"), gzip.compress(b"no archive"), b"no gzip"],
    ids=["another file", "no archive", "no gzip"],
)
def test_packages_without_the_bundle(broken: bytes) -> None:
    with pytest.raises(AssetError, match="has no dist"):
        unpack(broken, digest(broken))


def test_the_pins_are_checksums() -> None:
    assert all(len(base64.b64decode(one)) == 64 for one in snippets.PINNED.values())
