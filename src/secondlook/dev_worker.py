"""Local bindings for a Worker: our Worker, set up for one server and one account, in a folder of its own."""

import importlib.resources
import json
import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Optional
from urllib.parse import urlsplit

import typer
from rich.console import Console

from secondlook import bootstrap, interrupts
from secondlook.errors import CallerError, NotAuthenticatedError, SetupError
from secondlook.server import check_url, url_of
from secondlook.services.access import Access
from secondlook.settings import Settings, load_settings

COMPATIBILITY = "2026-07-01"
"""The date that fixes how the runtime behaves; wrangler 4 and workerd of that time or later know it."""
EVERYWHERE = ("0.0.0.0", "::")
"""Hosts that a server may listen on, and nobody can connect to."""
WORKER_PORT = 8788
CONFIG, SECRETS, RUNTIME, UNTRACKED = "wrangler.json", ".dev.vars", "workerd.capnp", ".gitignore"
TOKEN = "SECONDLOOK_TOKEN"

CAPNP = """# Runs one Worker in workerd, without wrangler: its env.AI is the runtime's own, over a Secondlook server.
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "secondlook", external = (address = %(address)s,
      http = (injectRequestHeaders = [(name = "authorization", value = %(bearer)s)]))) ],
  sockets = [(name = "http", address = "127.0.0.1:%(port)d", http = (), service = "main")] );
const main :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed %(worker)s)],
  compatibilityDate = "%(date)s",
  bindings = [(name = "AI", wrapped = (moduleName = "cloudflare-internal:ai-api",
    innerBindings = [(name = "fetcher", service = "secondlook")]))] );
"""

out = Console(emoji=False)


@dataclass(frozen=True, slots=True)
class Place:
    """What the bindings mean: a server, an account of it, and the namespace of bindings that name none."""

    url: str
    account: str
    namespace: str


def write(
    folder: Annotated[Path, typer.Argument(help="The folder to write the Worker to.")] = Path("secondlook-worker"),
    url: Annotated[str, typer.Option(help="The address of the server. Default: where `serve` listens.")] = "",
    token: Annotated[str, typer.Option(help="A token of that server. Default: create one in the data folder.")] = "",
    account: Annotated[str, typer.Option(help="The account that owns the instances.")] = "default",
    namespace: Annotated[str, typer.Option(help="The namespace of bindings that do not name one.")] = "default",
    worker: Annotated[
        Optional[Path],  # noqa: UP045  # typer reads the annotation
        typer.Option(help="A Worker in one file. Also write a configuration to run it in workerd."),
    ] = None,
    data_dir: Annotated[Optional[Path], typer.Option(help="The data folder.")] = None,  # noqa: UP045
) -> None:
    """Write a Worker that serves AI Search bindings locally, and print how to use it."""
    settings = load_settings(data_dir=data_dir)
    place = Place(check_url("--url", url or address_of(settings)), account, namespace)
    check_folder(folder)
    if worker:
        check_worker(worker, place.url)
    if not token and not settings.data_dir.is_dir():
        raise SetupError(
            f"there is no data folder {settings.data_dir} to make a token in: name the server's with --data-dir,"
            " or give one of its tokens with --token"
        )
    secret = token or interrupts.run(
        bootstrap.with_access(settings, lambda access: find_token(access, folder), make=True)
    )
    lay_out(folder, place, secret)
    if worker:
        write_secret(folder / RUNTIME, capnp_of(folder, place, secret, worker))
    out.print(recipe(folder, place, worker=worker), markup=False, highlight=False, soft_wrap=True, end="")


def address_of(settings: Settings) -> str:
    """Where a server with these settings is reached from this machine."""
    return url_of("127.0.0.1" if settings.host in EVERYWHERE else settings.host, settings.port)


def check_folder(folder: Path) -> None:
    """Raises ``CallerError`` if something lies there that this command did not write: it is not overwritten."""
    ours = {CONFIG, SECRETS, RUNTIME, UNTRACKED, "src", ".wrangler", "node_modules"}
    if folder.exists() and not folder.is_dir():
        raise CallerError(f"{folder} is not a folder. Choose another.")
    if strange := sorted(path.name for path in folder.glob("*") if path.name not in ours):
        raise CallerError(f"{folder} contains other files ({', '.join(strange[:3])}). Choose a new or empty folder.")
    if (folder / CONFIG).is_file() and '"SECONDLOOK_URL"' not in (folder / CONFIG).read_text(encoding="utf-8"):
        raise CallerError(f"{folder / CONFIG} belongs to another Worker. Choose a new or empty folder.")


def check_worker(worker: Path, url: str) -> None:
    """Raises ``CallerError`` if workerd alone could not run this file, or not reach the server."""
    if worker.suffix not in (".js", ".mjs") or not worker.is_file():
        raise CallerError(f"--worker is {worker}. Pass a bundled JavaScript file, .js or .mjs.")
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.path:
        raise CallerError(f"--url is {url}. workerd only reaches plain addresses like http://127.0.0.1:8787.")


async def find_token(access: Access, folder: Path) -> str:
    """The token that the folder has, if it is still good, or a new one."""
    secrets = folder / SECRETS
    found = re.search(rf"^{TOKEN}=(\S+)$", secrets.read_text(encoding="utf-8") if secrets.is_file() else "", re.M)
    if found:
        try:
            await access.authenticate(found[1])
        except NotAuthenticatedError:
            pass
        else:
            return found[1]
    _, secret = await access.create("dev-worker")
    return secret


def lay_out(folder: Path, place: Place, secret: str) -> None:
    """Our Worker and its settings; nothing of it is for a repository."""
    (folder / "src").mkdir(parents=True, exist_ok=True)
    for source in sorted(sources().glob("*.js")):
        (folder / "src" / source.name).write_bytes(source.read_bytes())
    config = {
        "name": "secondlook",
        "main": "src/index.js",
        "compatibility_date": COMPATIBILITY,
        "vars": {
            "SECONDLOOK_URL": place.url,
            "SECONDLOOK_ACCOUNT": place.account,
            "SECONDLOOK_NAMESPACE": place.namespace,
        },
    }
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    write_secret(folder / SECRETS, f"{TOKEN}={secret}\n")
    (folder / UNTRACKED).write_text("*\n", encoding="utf-8")


def sources() -> Path:
    """The folder of our Worker's source."""
    package = Path(str(importlib.resources.files("secondlook")))
    inside = package / "worker"
    return inside if inside.is_dir() else package.parents[1] / "clients" / "worker" / "src"  # a checkout


def write_secret(path: Path, text: str) -> None:
    """Write what this user alone may read."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def capnp_of(folder: Path, place: Place, secret: str, worker: Path) -> str:
    """The configuration of workerd; what it embeds is named from its own folder."""
    inside = Path(os.path.relpath(worker.resolve(), folder.resolve())).as_posix()
    return CAPNP % {
        "address": json.dumps(urlsplit(place.url).netloc),
        "bearer": json.dumps(f"Bearer {secret}"),
        "worker": json.dumps(inside),
        "port": WORKER_PORT,
        "date": COMPATIBILITY,
    }


def recipe(folder: Path, place: Place, *, worker: Path | None) -> str:
    """What to do next."""
    config = shlex.quote(str(folder / CONFIG))
    lines = [
        f"{folder} holds a Worker that asks {place.url}, account {place.account}. In your wrangler.jsonc, write",
        '  "services": [',
        '    { "binding": "AI", "service": "secondlook" },',
        '    { "binding": "AI_SEARCH", "service": "secondlook", "entrypoint": "AiSearchNamespace" }',
        "  ]",
        'instead of "ai" and "ai_search_namespaces", leave out what you do not use, and run',
        f"  npx wrangler dev -c wrangler.jsonc -c {config}",
    ]
    if worker:
        lines += [
            f"Or run {worker} alone, with env.AI and without wrangler, on http://127.0.0.1:{WORKER_PORT}:",
            f"  npx workerd serve {shlex.quote(str(folder / RUNTIME))}",
        ]
    return "\n".join(lines) + "\n"
