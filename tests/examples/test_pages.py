"""Every example of the README and the documents runs as it is written, in order, against a real server."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import llm_server
from tests.acceptance.server_process import run_cli, start_server
from tests.clients.node import MODULES, ready
from tests.examples.blocks import defined, read_blocks, shell
from tests.examples.running import Session, StandIn, check_syntax, opened, run_page
from tests.house.yard import DOCS, ROOT, documents, where
from tests.machine import need
from tests.rerank_server import serve_reranker
from tests.s3_server import serve_s3
from tests.tiny_models import make_model
from tests.web_site import serve_site

pytestmark = [pytest.mark.server, pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(900)]

START = ROOT / "examples" / "README.md"
"""Fills the instance and sets the variables that all other pages use."""
ALONE = [ROOT / "README.md", DOCS / "quickstart.md"]
"""Pages that begin with nothing."""
NODE = re.compile(r"^(npx|node|npm) ", re.MULTILINE)
NOT_RUN: Mapping[str, list[str]] = {
    "README.md": ["it runs this test too"],
    "docs/benchmarks.md": [
        "it takes an hour, and the other engines are not among the test tools",
        "it takes an hour, and the corpus is not in this repository",
        "it takes an hour, and the corpus is not in this repository",
    ],
    "docs/howto/index-a-website.md": ["it installs packages of the system"],
    "docs/howto/use-as-a-reranker.md": [
        "LangChain is not among the test tools; tests/acceptance/test_rerank_clients.py installs it and runs the same"
    ],
    "docs/howto/use-from-a-worker.md": [
        "it needs the project of a Worker; tests/acceptance/test_dev_worker.py runs it in one",
        "a part of a Worker; tests/acceptance/test_workers.py runs one",
        "it needs the Worker in one file; tests/acceptance/test_dev_worker.py runs one",
    ],
    "docs/howto/watch-a-server.md": [
        "the agent of OpenTelemetry is not among the test tools; tests/unit/test_telemetry.py records the spans"
    ],
    "docs/quickstart.md": ["the README runs the same", "it runs this test too"],
    "docs/reference/api.md": [
        "it downloads a model from a hub; tests/wire/test_models.py downloads from a hub of the tests",
        "there is no download to cancel; tests/wire/test_models.py cancels one",
        "it needs an npm registry or the unpacked package; tests/acceptance/test_snippet.py has one",
    ],
}
"""The blocks that cannot run here, by page, each with the reason that the page gives."""


def pages() -> list[Path]:
    """Every page with a block that runs or says why it does not."""
    told = [*ALONE, *(path for path in documents() if path.is_relative_to(DOCS) and "decisions" not in path.parts)]
    return [path for path in dict.fromkeys(told) if any(one.runs or one.notes for one in read_blocks(path))]


def needs_node(path: Path) -> bool:
    """Whether a block of the page runs a program of Node."""
    return any(one.runs and (one.language == "js" or NODE.search(one.text)) for one in read_blocks(path))


def cases() -> list[object]:
    """The pages that do something, with their marks and names."""
    found = [path for path in pages() if any(one.runs or one.note("body") is not None for one in read_blocks(path))]
    return [pytest.param(one, marks=[pytest.mark.node] if needs_node(one) else [], id=where(one)) for one in found]


def language_model(stack: ExitStack, session: Session) -> str:
    return stack.enter_context(llm_server.running())


def reranker(stack: ExitStack, session: Session) -> str:
    return f"{stack.enter_context(serve_reranker()).url}/ok"


def bucket(stack: ExitStack, session: Session) -> str:
    s3 = stack.enter_context(serve_s3())
    for name in ("reports", "handbook"):
        s3.make_bucket(name)
        s3.put(name, "2026/oil.md", b"# Oil\n\nForty barrels of lamp oil were used.\n", "text/markdown")
    return s3.url


def site(stack: ExitStack, session: Session) -> str:
    made = stack.enter_context(serve_site())
    made.html("/", '<h1>Station</h1><p>The light of the station.</p><a href="/fog">Fog</a>', "<title>Station</title>")
    made.html("/fog", "<h1>Fog</h1><p>Two blasts of the horn every ninety seconds.</p>", "<title>Fog</title>")
    made.sitemap("/", "/fog")
    session.run("export SECONDLOOK_FETCH_ALLOW=127.0.0.1; secondlook serve")
    return made.url


def model(stack: ExitStack, session: Session) -> str:
    folder = session.folder / "model"
    make_model(folder, head=True)
    return str(folder)


def cloudflare(stack: ExitStack, session: Session) -> str:
    """Another server with the same instance, in the place of Cloudflare's API; its token is returned."""
    folder = session.folder / "elsewhere"
    shutil.copytree(session.folder / "secondlook-data", folder)
    token = run_cli("token", "create", "--name", "import", "--quiet", data_dir=folder)
    run_cli("index", "handbook", str(ROOT / "examples" / "handbook"), "--account", "YOUR_ACCOUNT", data_dir=folder)
    server = start_server(folder)
    stack.callback(server.stop)
    session.run(f"export CLOUDFLARE_API_BASE_URL={server.url}/client/v4")
    return token


STAND_INS: Mapping[str, StandIn] = {
    "llm": language_model,
    "rerank": reranker,
    "s3": bucket,
    "site": site,
    "model": model,
    "cloudflare": cloudflare,
}


@dataclass(frozen=True, slots=True)
class Start:
    """What the first page leaves: its data folder, its variables as lines of a shell, and how many blocks it ran."""

    data: Path
    variables: str
    ran: int


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Start:
    """Every page but the first ones begins here, so the first page runs once for all of them."""
    need("curl")
    folder = tmp_path_factory.mktemp("start")
    with opened(folder, SECONDLOOK_CACHE_DIR=str(cache_dir)) as session, ExitStack() as stack:
        ran = run_page(session, START, STAND_INS, stack)
        variables = session.declared(*sorted(defined(shell(START))))
    return Start(folder / "secondlook-data", variables, ran)


@pytest.fixture
def session(path: Path, tmp_path: Path, cache_dir: Path, start: Start) -> Iterator[Session]:
    """A reader's terminal in a new clone, or after the first page."""
    models = shutil.copytree(cache_dir, tmp_path / "models", dirs_exist_ok=True)  # a page may add one of its own
    environment = {"SECONDLOOK_CACHE_DIR": str(models)}
    if needs_node(path):
        program = Path(ready().program).parent
        environment |= {"NODE_MODULES_BIN": str(MODULES / ".bin"), "PATH": f"{program}{os.pathsep}{os.environ['PATH']}"}
    if path not in ALONE:
        shutil.copytree(start.data, tmp_path / "secondlook-data")
    with opened(tmp_path, "" if path in ALONE else start.variables, **environment) as made:
        yield made


def test_the_first_page_runs_as_written(start: Start) -> None:
    assert start.ran == len(read_blocks(START))


@pytest.mark.parametrize("path", cases())
def test_the_examples_run_as_written(path: Path, session: Session) -> None:
    with ExitStack() as stack:
        assert run_page(session, path, STAND_INS, stack)


@pytest.mark.parametrize("path", documents(), ids=where)
def test_what_is_only_shown_is_well_formed(path: Path) -> None:
    for block in read_blocks(path):
        check_syntax(block)


def test_what_is_not_run_is_known() -> None:
    found = {
        where(path): [told for one in read_blocks(path) if (told := one.note("skip")) is not None] for path in pages()
    }
    assert {path: reasons for path, reasons in found.items() if reasons} == NOT_RUN
    assert all(reason for reasons in NOT_RUN.values() for reason in reasons)
