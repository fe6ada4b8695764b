"""A whole API over real services and small fake models, spoken to through ASGI."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from random import Random
from threading import Semaphore
from typing import Any, ClassVar, TypeVar, cast

import httpx
import pytest

from secondlook.api.app import ApiOptions, create_app
from secondlook.domain.model import KnownModel
from secondlook.domain.overrides import NONE, Override
from secondlook.engines.embedded import EmbeddedEngine
from secondlook.errors import InvalidModelError, SetupError
from secondlook.ledgers import Answers
from secondlook.models.fakes import FakeEmbedder, FakeGenerator, FakeReranker
from secondlook.models.hosted import why_elsewhere
from secondlook.ports import Generator, Passage, Reranker, Rerankers, Tools
from secondlook.services.access import Access
from secondlook.services.bundle import Services
from secondlook.services.caching import AnswerCache
from secondlook.services.endpoints import Endpoints
from secondlook.services.explaining import Explaining
from secondlook.services.indexing import Indexing
from secondlook.services.instances import Instances, Limits
from secondlook.services.joint_searching import JointSearching
from secondlook.services.judged_sets import JudgedSets
from secondlook.services.lab_runs import LabRuns
from secondlook.services.lab_work import LabTools
from secondlook.services.listing import Listing
from secondlook.services.measuring import MeasuredSearching
from secondlook.services.models import ModelList
from secondlook.services.online import OnlineTrials
from secondlook.services.overrides import Overrides
from secondlook.services.pulling import Pulling
from secondlook.services.queries import QueryLog
from secondlook.services.quota import Quota
from secondlook.services.recording import RecordedJoint, RecordedSearching
from secondlook.services.reranking import PassageReranking
from secondlook.services.searching import SearchDefaults
from secondlook.services.service_tokens import ServiceTokens
from secondlook.services.sign_in import SignIn
from secondlook.services.syncing import Syncing
from secondlook.services.throttling import Throttle
from secondlook.services.trying import TryingSearching
from secondlook.services.working import WorkingOptions
from secondlook.sources.guard import Guard
from secondlook.sources.opening import OpenSources
from secondlook.stores.blobs import FileBlobs
from secondlook.stores.catalog import SqlCatalog
from secondlook.stores.disk_reserve import DiskReserve
from secondlook.stores.endpoints import SqlEndpoints
from secondlook.stores.journal import SqlJournal
from secondlook.stores.judged_sets import SqlJudgedSets
from secondlook.stores.lab import SqlLabBook
from secondlook.stores.leases import SqlLeases
from secondlook.stores.memos import SqlMemos
from secondlook.stores.queries import SqlQueries
from secondlook.stores.service_tokens import SqlServiceTokens
from secondlook.stores.snippets import Snippets
from secondlook.stores.usage import SqlUsage

T = TypeVar("T")
BGE = "@cf/baai/bge-reranker-base"
MISSING = "models/known-but-not-here"
BROKEN = "models/broken"
NEW = "/client/v4/accounts/acc/ai-search/instances"
LEGACY = "/client/v4/accounts/acc/autorag/rags"

MODELS = (
    KnownModel("made/embedder", "embedding", "MIT", True, True, "en", 23, 512, "cosine"),
    KnownModel(
        "made/reader",
        "reranking",
        "MIT",
        False,
        False,
        "en zh",
        278,
        512,
        note="pull it",
        aliases=("@cf/x",),
        purpose="Reads.",
    ),
    KnownModel("made/far", "reranking", "-", True, False, "many", remote=True),
)

PAGES: Mapping[str, str] = {
    "winter/oil.md": "Warm the lamp oil reservoir before lighting when the oil freezes.",
    "stores/oil-grades.md": "Grade B oil stays liquid. Oil oil oil oil lamp lamp.",
    "signals/fog.md": "Two blasts of the fog horn every ninety seconds.",
}


def by_length(_query: str, passage: Passage) -> float:
    """Shorter passages are more relevant: an order unlike that of retrieval."""
    return 1.0 / (1.0 + len(passage.text) / 50)


class Hub:
    """Where models are downloaded from, one block whenever ``allow`` says so."""

    def __init__(self) -> None:
        self.blocks = Semaphore(0)
        self.error: Exception | None = None

    def check(self, name: str, revision: str) -> str:
        if name == "cross-encoder/ms-marco-MiniLM-L-6-v2":  # that of the examples, which is pinned
            return name
        if name != "made/reader":
            raise InvalidModelError(f"model {name!r} cannot be downloaded")
        if not revision:
            raise SetupError("no revision is pinned")
        return name

    def fetch(self, name: str, _revision: str, heard: Callable[[str, int, int], None]) -> Path:
        for block in range(1, 4):
            heard("model.safetensors", 100 * block, 300)
            self.blocks.acquire()
            if self.error:
                raise self.error
        heard("model.safetensors", 300, 300)
        return Path(name)


class LentApp:
    """An application that one ``Wire`` after the other uses: making its hundreds of routes takes a quarter of a second.

    It has no state but its services, those of the present user. One that got routes of a test is not lent again.
    """

    free: ClassVar[dict[bool, list["LentApp"]]] = {True: [], False: []}

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self._services = LentServices()
        self.app = create_app(cast(Services, self._services), options=ApiOptions(strict=strict))
        self._routes = list(self.app.router.routes)

    @classmethod
    def take(cls, services: Services, *, strict: bool) -> "LentApp":
        made = cls.free[strict].pop() if cls.free[strict] else cls(strict=strict)
        made._services.now = services
        return made

    def give_back(self) -> None:
        self._services.now = None
        if list(self.app.router.routes) == self._routes:
            self.free[self._strict].append(self)


class LentServices:
    """Every use case of the services that are used now."""

    now: Services | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.now, name)


class Wire:
    """The API on its own event loop; every call returns once the answer is whole."""

    def __init__(
        self,
        folder: Path,
        generator: Generator | None = None,
        *,
        answers: Answers | None = None,
        strict: bool = False,
        limits: Limits | None = None,
        monthly_queries: int = 0,
        reserve: DiskReserve | None = None,
        overrides: frozenset[Override] = NONE,
    ) -> None:
        self._runner = asyncio.Runner()
        self.folder = folder
        self.hub = Hub()
        self._engine = EmbeddedEngine(folder / "indexes", **({"check_room": reserve.check} if reserve else {}))
        self._catalog = SqlCatalog(f"sqlite+aiosqlite:///{folder / 'catalog.sqlite'}")
        self._endpoints = SqlEndpoints(self._catalog.database)
        self.clock = 1_000_000_020.0
        self.time = 1_790_000_000.0
        self.embedder = embedder = FakeEmbedder()
        self.rerankers: dict[str, Reranker] = {
            BGE: FakeReranker("bge@1", scorer=by_length),
            BROKEN: FakeReranker("broken@1", error=RuntimeError("out of memory")),
        }
        rerankers = Rerankers(self._find_reranker, FakeReranker("built-in@1"))
        blobs = FileBlobs(folder / "files", reserve=reserve)
        database = self._catalog.database
        journal = SqlJournal(database)
        service_tokens = ServiceTokens(
            SqlServiceTokens(database), FileBlobs(folder / "secrets", private=True), self._catalog
        )
        working = WorkingOptions(retry_wait=0.01, poll=0.1)
        self.indexing = Indexing(
            self._catalog, self._engine, blobs, embedder, journal=journal, leases=SqlLeases(database), working=working
        )
        opener = OpenSources(version="test", roots=[folder / "source"], guard=Guard(["127.0.0.1"]))
        tools = Tools(self._engine, embedder, rerankers, generator or FakeGenerator())
        cache = AnswerCache(answers, tools) if answers else None
        defaults = SearchDefaults(
            filter_bytes=64 if strict else 0,
            match_mode="and" if strict else None,
            fusion_method="rrf" if strict else None,
            threshold_for_all=strict,
        )
        self.asked = SqlQueries(database)
        queries = QueryLog(
            self.asked, self._catalog, self._engine, most=(limits or Limits()).query_log, clock=lambda: self.time
        )
        outside = LabTools(tools, self._catalog, self._engine, ModelList(lambda: ()), SearchDefaults())
        lab = LabRuns(SqlLabBook(database), outside)
        trying = TryingSearching(MeasuredSearching(tools, defaults, cache, lab.trusts), queries, random=Random(7))
        access = Access(self._catalog, lambda: self.time)
        self.services = Services(
            access,
            Instances(
                self._catalog,
                self._engine,
                blobs,
                embedder=embedder,
                rerankers=rerankers,
                defaults=defaults,
                known_embedder=lambda name: name == "@cf/qwen/qwen3-embedding-0.6b",
                service_tokens=service_tokens,
                problem_of=self.indexing.rebuilding.problem_of,
                limits=limits or Limits(),
            ),
            self.indexing,
            RecordedSearching(trying, queries, defaults),
            PassageReranking(
                rerankers,
                cut=lambda text, most: " ".join(text.split()[:most]),
                count=lambda texts: [len(text.split()) for text in texts],
                elsewhere=why_elsewhere,
                built_in=("made/built-in", 64),
            ),
            Explaining(tools, self._catalog, self._engine, trusts=lab.trusts),
            RecordedJoint(JointSearching(tools, self._catalog), queries),
            Endpoints(
                self._endpoints,
                self._catalog,
                Snippets(folder / "snippets"),
                throttle=Throttle(lambda: self.clock),
                claimable=("*.example.com", "a.example"),
            ),
            Syncing(
                journal,
                self._catalog,
                self.indexing,
                Pulling(opener, SqlMemos(database), self._catalog, self.indexing, service_tokens),
            ),
            service_tokens,
            Quota(SqlUsage(database), monthly_queries),
            ModelList(lambda: MODELS, check=self.hub.check, fetch=self.hub.fetch),
            lab,
            queries,
            Listing(self._catalog, self._catalog),
            trying,
            OnlineTrials(queries, self._catalog),
            SignIn(access, self._catalog, clock=lambda: self.clock),
            JudgedSets(SqlJudgedSets(database), self._catalog, self._engine, clock=lambda: self.time),
            Overrides(rerankers, tools.generator, public=overrides),
        )
        self._lent = LentApp.take(self.services, strict=strict)
        self.app = self._lent.app
        self.run(self._catalog.open())
        self.run(self._endpoints.open())
        self.run(self.asked.open())
        self.run(SqlLabBook(database).open())
        self.run(SqlJudgedSets(database).open())
        self.run(self.indexing.start())
        _, secret = self.run(self.services.access.create("test"))
        self.headers = {"Authorization": f"Bearer {secret}"}
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://wire", headers=self.headers)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What the coroutine returns."""
        return self._runner.run(work)

    def close(self) -> None:
        """Everything closed in order."""
        self.run(self.client.aclose())
        self.run(self.services.syncing.stop())
        self.run(self.services.lab.stop())
        self.hub.blocks.release(9)
        self.run(self.services.models.stop())
        self.run(self.indexing.stop())
        self.run(self.services.queries.stop())
        self._engine.close()
        self.run(self._catalog.close())
        self._runner.close()
        self._lent.give_back()

    def database(self) -> closing[sqlite3.Connection]:
        """The catalogue's file, as another program would open it."""
        return closing(sqlite3.connect(self.folder / "catalog.sqlite", isolation_level=None))

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """The answer to one request."""
        return self.run(self.client.request(method, path, **more))

    def post(self, path: str, body: object = None, **more: Any) -> httpx.Response:
        """The answer to a POST of JSON."""
        return self.ask("POST", path, json=body, **more)

    def get(self, path: str, **query: Any) -> httpx.Response:
        """The answer to a GET."""
        return self.ask("GET", path, params=query)

    def make(self, name: str = "handbook", **settings: Any) -> dict[str, Any]:
        """A new instance in the default namespace."""
        answer = self.post(NEW, {"id": name, **settings})
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()["result"]
        return result

    def upload(
        self, key: str, content: bytes | str, *, name: str = "handbook", metadata: object = None, wait: str = "true"
    ) -> httpx.Response:
        """The answer to an upload."""
        fields = {"wait_for_completion": wait}
        if metadata is not None:
            fields["metadata"] = metadata if isinstance(metadata, str) else json.dumps(metadata)
        data = content.encode() if isinstance(content, str) else content
        return self.ask("POST", f"{NEW}/{name}/items", files={"file": (key, data)}, data=fields)

    def fill(self, name: str = "handbook", **settings: Any) -> None:
        """An instance that holds ``PAGES``."""
        self.make(name, **{"score_threshold": 0.0, "retrieval_options": {"keyword_match_mode": "or"}, **settings})
        for key, text in PAGES.items():
            answer = self.upload(key, text, name=name)
            assert answer.json()["result"]["status"] == "completed", answer.text

    def _find_reranker(self, name: str) -> Reranker:
        if name == MISSING:
            raise SetupError(f"the weights of {name} are not here")
        if name not in self.rerankers:
            raise InvalidModelError(f"reranking model {name!r} is not known")
        return self.rerankers[name]


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    """An empty API."""
    found = Wire(tmp_path)
    yield found
    found.close()


@pytest.fixture
def filled(wire: Wire) -> Wire:
    """An API with the instance ``handbook``, which holds ``PAGES``."""
    wire.fill()
    return wire


def keys_of(answer: httpx.Response) -> list[str]:
    """The item keys of a search result of either generation, in order."""
    assert answer.status_code == 200, answer.text
    result = answer.json()["result"]
    if "chunks" in result:
        return [chunk["item"]["key"] for chunk in result["chunks"]]
    return [row["filename"] for row in result["data"]]


def error_of(answer: httpx.Response) -> tuple[int, int, str]:
    """Status, code and message of an error, its envelope checked."""
    body = answer.json()
    assert body["success"] is False, body
    assert body["result"] == {}
    first = body["errors"][0]
    return answer.status_code, first["code"], first["message"]


def frames_of(answer: httpx.Response) -> list[tuple[str, str]]:
    """The server-sent events as (name, data); the grammar is checked on the way."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.endswith("\n\n")
    frames = []
    for block in answer.text.removesuffix("\n\n").split("\n\n"):
        lines = block.split("\n")
        name = lines.pop(0).removeprefix("event: ") if lines[0].startswith("event: ") else ""
        assert len(lines) == 1 and lines[0].startswith("data: "), block
        frames.append((name, lines[0].removeprefix("data: ")))
    return frames
