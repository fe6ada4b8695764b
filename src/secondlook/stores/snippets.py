"""The code of the search box: from a folder, the cache, or once from an npm registry, its checksum held."""

import asyncio
import base64
import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path

import httpx

from secondlook.errors import AssetError

PACKAGE = "@cloudflare/ai-search-snippet"
BUNDLE = "dist/search-snippet.es.js"
NAME = "search-snippet.es.js"
PINNED: Mapping[str, str] = {
    "0.0.42": "LSNCvszcgEb+hgH1jpKCGaBrXScbahpjFVoXuDGiUyC9Td7hDR57+YdMMcBbhDa7S4GYaoCO1aziJYjvC0fwnw==",
}
"""Version -> SHA-512 of the package, as the registry tells it under ``integrity``; no other version is fetched."""
VERSION = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?")
LARGEST = 10 << 20
PATIENCE = 30.0
ADVICE = "set SECONDLOOK_SNIPPET_DIR to an unpacked package, or SECONDLOOK_NPM_REGISTRY to a registry"


class Snippets:
    """Finds the bundle of a version.

    Args:
        folder: an unpacked package, whatever its version; it is asked first.
        cache: where fetched bundles are kept.
        registry: the address of an npm registry; nothing is fetched without.
    """

    def __init__(self, cache: Path, *, folder: Path | None = None, registry: str = "") -> None:
        self._cache = cache
        self._folder = folder
        self._registry = registry.rstrip("/")
        self._fetching = asyncio.Lock()

    async def read(self, version: str) -> bytes | None:
        """The bundle; None for a version that is not known.

        Raises:
            AssetError: it is known, but it is not here and cannot be fetched.
        """
        if not VERSION.fullmatch(version):
            return None
        kept = self._cache / version / NAME
        found = await asyncio.to_thread(self._here, version, kept)
        if found is not None or version not in PINNED:
            return found
        if not self._registry:
            raise AssetError(f"version {version} of the search box is not installed: {ADVICE}")
        async with self._fetching:
            if kept.is_file():
                return await asyncio.to_thread(kept.read_bytes)
            code = await asyncio.to_thread(unpack, await self._fetch(version), PINNED[version])
            await asyncio.to_thread(_keep, kept, code)
            return code

    def _here(self, version: str, kept: Path) -> bytes | None:
        folder = self._folder
        try:
            if folder and json.loads((folder / "package.json").read_text(encoding="utf-8")).get("version") == version:
                return (folder / BUNDLE).read_bytes()
            return kept.read_bytes() if kept.is_file() else None
        except (OSError, ValueError) as error:
            raise AssetError(f"could not read the search box in {folder} ({error}): {ADVICE}") from error

    async def _fetch(self, version: str) -> bytes:
        address = f"{self._registry}/{PACKAGE}/-/{PACKAGE.rpartition('/')[2]}-{version}.tgz"
        received = bytearray()
        try:
            async with (
                httpx.AsyncClient(timeout=PATIENCE, follow_redirects=True) as client,
                client.stream("GET", address) as answer,
            ):
                answer.raise_for_status()
                async for part in answer.aiter_bytes():
                    received += part
                    if len(received) > LARGEST:
                        raise AssetError(f"{address} has more than {LARGEST:,} bytes")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise AssetError(f"could not fetch {address} ({error}): {ADVICE}") from error
        return bytes(received)


def unpack(package: bytes, integrity: str) -> bytes:
    """The bundle in the package; raises ``AssetError`` if it is not the one that was pinned."""
    if base64.b64encode(hashlib.sha512(package).digest()).decode() != integrity:
        raise AssetError("the package does not match the pinned checksum")
    try:
        with tarfile.open(fileobj=io.BytesIO(package), mode="r:gz") as archive:
            inside = archive.extractfile(f"package/{BUNDLE}")
            return inside.read(LARGEST) if inside else b""
    except (tarfile.TarError, OSError, KeyError) as error:
        raise AssetError(f"the package has no {BUNDLE} ({error})") from error


def _keep(path: Path, code: bytes) -> None:
    """Write it whole or not at all; a cache that cannot be written costs another download."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(".new")
        aside.write_bytes(code)
        os.replace(aside, path)
    except OSError:
        return
