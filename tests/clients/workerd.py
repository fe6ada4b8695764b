"""A workerd with a Worker under test, bound to a Secondlook server in one of the two ways."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.clients.node import HERE, MODULES

WORKERS = HERE / "workers"
SHIM = HERE.parents[1] / "clients" / "worker" / "src"
COMPATIBILITY = "2026-07-01"
PATIENCE = 60.0

WRAPPED = """
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "secondlook", external = (address = "{address}",
      http = (injectRequestHeaders = [(name = "authorization", value = "Bearer {token}")]))) ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")] );
const main :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "{worker}")], compatibilityDate = "{date}",
  bindings = [(name = "AI", wrapped = (moduleName = "cloudflare-internal:ai-api",
    innerBindings = [(name = "fetcher", service = "secondlook")]))] );
"""
"""The runtime's own AI binding, with the server as what it fetches from."""

BOUND = r"""
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main), (name = "shim", worker = .shim),
    (name = "internet", network = (allow = ["public", "private"])) ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")] );
const main :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "{worker}")], compatibilityDate = "{date}",
  bindings = [
    (name = "AI", service = "shim"),
    (name = "AI_SEARCH", service = (name = "shim", entrypoint = "AiSearchNamespace")),
    (name = "OTHERS", service = (name = "shim", entrypoint = "AiSearchNamespace",
      props = (json = "{{\"namespace\": \"others\"}}"))),
    (name = "HANDBOOK", service = (name = "shim", entrypoint = "AiSearchInstance",
      props = (json = "{{\"instance\": \"handbook\"}}"))),
    (name = "NAMELESS", service = (name = "shim", entrypoint = "AiSearchInstance")) ] );
const shim :Workerd.Worker = (
  modules = [{modules}], compatibilityDate = "{date}",
  bindings = [
    (name = "SECONDLOOK_URL", text = "{url}"), (name = "SECONDLOOK_TOKEN", text = "{token}"),
    (name = "SECONDLOOK_ACCOUNT", text = "{account}") ] );
"""
"""Our Worker of ``clients/worker`` as an ordinary service binding."""


class Worker:
    """A running Worker."""

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, binding: str, *calls: Any) -> Any:
        """What the probe says of ``env.BINDING.call().call()``; see ``workers/probe.mjs``."""
        answer = httpx.post(self.url, json={"binding": binding, "calls": calls}, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextmanager
def serve_worker(folder: Path, *, config: str, worker: str, url: str, token: str, account: str) -> Iterator[Worker]:
    """A workerd that serves a file of ``workers/``, until the block ends."""
    sources = sorted(SHIM.glob("*.js"), key=lambda path: path.name != "index.js")  # the first module is the Worker
    for path in (*sources, WORKERS / worker):
        shutil.copy(path, folder)
    modules = ", ".join(f'(name = "{path.name}", esModule = embed "{path.name}")' for path in sources)
    text = 'using Workerd = import "/workerd/workerd.capnp";\n' + config.format(
        address=urlsplit(url).netloc, url=url, token=token, account=account, modules=modules,
        worker=worker, date=COMPATIBILITY,
    )  # fmt: skip
    path = folder / "config.capnp"
    path.write_text(text, encoding="utf-8")
    with running(path) as served:
        yield served


@contextmanager
def running(config: Path) -> Iterator[Worker]:
    """The Worker of a configuration, on a free port, until the block ends."""
    [program] = MODULES.glob("@cloudflare/workerd-*/bin/workerd*")  # the one for this machine; it needs no Node
    process = subprocess.Popen(
        [program, "serve", config, "--socket-addr=http=127.0.0.1:0", "--control-fd=1"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout
        told = json.loads(process.stdout.readline() or "{}")
        assert told.get("event") == "listen", f"workerd did not start: {told}"
        yield Worker(f"http://127.0.0.1:{told['port']}")
    finally:
        process.terminate()
        process.wait(30)
