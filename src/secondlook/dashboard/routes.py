"""Serves the built pages of ``ui/`` under /dashboard; the API's routes stay as they are."""

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

STATIC = Path(__file__).parent / "static"
"""Where the build puts the pages."""
HOME = "/dashboard/"
REFERENCE = "reference/index.html"
"""The viewer of the OpenAPI document."""
HASHED = "assets/"
"""Files below have a hash of their content in their name."""
KEPT, ASKED = "public, max-age=31536000, immutable", "no-cache"
POLICY = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'",
        "connect-src 'self'", "manifest-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    )
)  # fmt: skip
"""What a page may do: nothing with any other host, and no script or style that stands in the page itself."""
GUARDS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
NOT_BUILT = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Secondlook</title></head><body>
<h1>The dashboard is not built</h1>
<p>The API works. The dashboard needs Node 20.19, 22.12 or newer, once, to be built: run <code>make ui</code> in the
checkout, then start the server again. Packages from a registry bring it built.</p>
<p>What the API can do stands in <a href="/openapi.json">/openapi.json</a>.</p></body></html>
"""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent; ``packed`` is the same in gzip, empty if that was not worth it."""

    body: bytes
    packed: bytes
    kind: str
    tag: str
    caching: str


def make_router(folder: Path = STATIC) -> APIRouter:
    """The pages in that folder, read once; without any, a page that says how they are made."""
    router = APIRouter(include_in_schema=False)
    assets = read_assets(folder)

    @router.get("/")
    @router.get("/dashboard")
    async def home() -> RedirectResponse:
        return RedirectResponse(HOME, headers={"Cache-Control": ASKED})

    @router.get(HOME + "{path:path}")
    async def page(request: Request, path: str) -> Response:
        if "index.html" not in assets:
            return HTMLResponse(NOT_BUILT, 503, headers={**GUARDS, "Cache-Control": ASKED})
        found = assets.get(path) or (None if path.startswith(HASHED) else assets["index.html"])
        return send(found, request) if found else Response("There is no such file.", 404, media_type="text/plain")

    @router.get("/docs")
    async def reference(request: Request) -> Response:
        if REFERENCE not in assets:
            return HTMLResponse(NOT_BUILT, 503, headers={**GUARDS, "Cache-Control": ASKED})
        return send(assets[REFERENCE], request)

    return router


def read_assets(folder: Path) -> Mapping[str, Asset]:
    """Every file of the folder by its path; ``x.gz`` beside ``x`` is the same file, packed."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".gz"]
    return {name: _read(path, name) for path in paths if (name := path.relative_to(folder).as_posix())}


def send(asset: Asset, request: Request) -> Response:
    """The file in the form that the client takes; only the status if it has the same already."""
    headers = {**GUARDS, "Cache-Control": asset.caching, "ETag": asset.tag, "Vary": "Accept-Encoding"}
    if asset.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if asset.packed and takes_gzip(request.headers.get("accept-encoding", "")):
        return Response(asset.packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=asset.kind)
    return Response(asset.body, headers=headers, media_type=asset.kind)


def takes_gzip(header: str) -> bool:
    """Whether Accept-Encoding names gzip, and not with the weight 0 (RFC 9110, 12.5.3)."""
    for part in header.lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.strip().removeprefix("q=").strip("0.") != "" if weight else True
    return False


def _read(path: Path, name: str) -> Asset:
    body = path.read_bytes()
    packed = path.with_name(f"{path.name}.gz")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    caching = KEPT if name.startswith(HASHED) else ASKED
    return Asset(body, packed.read_bytes() if packed.is_file() else b"", kind, tag, caching)
