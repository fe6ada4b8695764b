"""The services over a real catalogue, engine and blobs, with small fake models."""

import asyncio
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from secondlook.bootstrap import Stores
from secondlook.domain.instance import Instance, InstanceSettings
from secondlook.engines.embedded import EmbeddedEngine
from secondlook.errors import InvalidModelError, SetupError
from secondlook.models.fakes import FakeEmbedder, FakeGenerator, FakeReranker
from secondlook.ports import Embedder, Reranker, Rerankers, Tools
from secondlook.services.access import Access
from secondlook.services.bundle import Services
from secondlook.services.endpoints import Endpoints
from secondlook.services.explaining import Explaining
from secondlook.services.indexing import Indexing
from secondlook.services.instances import Instances
from secondlook.services.joint_searching import JointSearching
from secondlook.services.judged_sets import JudgedSets
from secondlook.services.lab_runs import LabRuns
from secondlook.services.lab_work import LabTools
from secondlook.services.listing import Listing
from secondlook.services.models import ModelList
from secondlook.services.online import OnlineTrials
from secondlook.services.overrides import Overrides
from secondlook.services.pulling import Pulling
from secondlook.services.queries import QueryLog
from secondlook.services.quota import Quota
from secondlook.services.recording import RecordedJoint, RecordedSearching
from secondlook.services.reranking import PassageReranking
from secondlook.services.searching import SearchDefaults, Searching
from secondlook.services.service_tokens import ServiceTokens
from secondlook.services.sign_in import SignIn
from secondlook.services.syncing import Syncing
from secondlook.services.trying import TryingSearching
from secondlook.services.working import WorkingOptions
from secondlook.sources.guard import Guard
from secondlook.sources.opening import OpenSources
from secondlook.stores.blobs import FileBlobs
from secondlook.stores.catalog import SqlCatalog
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
from secondlook.supply import Sources

T = TypeVar("T")


class House:
    """Everything on one event loop; ``run`` awaits."""

    def __init__(
        self,
        folder: Path,
        embedder: Embedder | None = None,
        kind: type[SqlCatalog] = SqlCatalog,
        *,
        sources: Sources | None = None,
    ) -> None:
        self._runner = asyncio.Runner()
        self.folder = folder
        self.time = 1_790_000_000.0
        self.catalog = kind(f"sqlite+aiosqlite:///{folder / 'catalog.sqlite'}")
        self.engine = EmbeddedEngine(folder / "indexes")
        self.blobs = FileBlobs(folder / "files")
        self.embedder = embedder or FakeEmbedder()
        self.tools = Tools(self.engine, self.embedder, Rerankers(self.find, FakeReranker()), FakeGenerator())
        self.access = Access(self.catalog, lambda: self.time)
        self.sign_in = SignIn(self.access, self.catalog, clock=lambda: self.time)
        self.journal = SqlJournal(self.catalog.database)
        self.vault = FileBlobs(folder / "secrets", private=True)
        self.service_tokens = ServiceTokens(SqlServiceTokens(self.catalog.database), self.vault, self.catalog)
        self.instances = Instances(
            self.catalog,
            self.engine,
            self.blobs,
            embedder=self.embedder,
            rerankers=self.tools.rerankers,
            known_embedder=lambda name: name == "known",
            service_tokens=self.service_tokens,
            clock=lambda: self.time,
        )
        self.leases = SqlLeases(self.catalog.database)
        self.indexing = self.make_indexing()
        self.searching = Searching(self.tools)
        self.reranking = PassageReranking(self.tools.rerankers)
        self.explaining = Explaining(self.tools, self.catalog, self.engine)
        self.memos = SqlMemos(self.catalog.database)
        opener = sources or OpenSources(version="test", roots=[folder / "source"], guard=Guard(["127.0.0.1"]))
        self.pulling = Pulling(opener, self.memos, self.catalog, self.indexing, self.service_tokens)
        self.syncing = Syncing(self.journal, self.catalog, self.indexing, self.pulling)
        self.quota = Quota(SqlUsage(self.catalog.database))
        self.joint = JointSearching(self.tools, self.catalog)
        self.published = SqlEndpoints(self.catalog.database)
        self.asked = SqlQueries(self.catalog.database)
        self.queries = QueryLog(self.asked, self.catalog, self.engine, most=50, clock=lambda: self.time)
        self.book = SqlLabBook(self.catalog.database)
        outside = LabTools(self.tools, self.catalog, self.engine, ModelList(lambda: ()), SearchDefaults())
        self.lab = LabRuns(self.book, outside)
        self.stores = Stores(self.catalog, self.published, self.queries, self.book)
        self.sets = SqlJudgedSets(self.catalog.database)
        self.trying = TryingSearching(self.searching, self.queries)
        self.services = Services(
            self.access,
            self.instances,
            self.indexing,
            RecordedSearching(self.trying, self.queries),
            self.reranking,
            self.explaining,
            RecordedJoint(self.joint, self.queries),
            Endpoints(self.published, self.catalog, Snippets(folder / "snippets")),
            self.syncing,
            self.service_tokens,
            self.quota,
            ModelList(lambda: ()),
            self.lab,
            self.queries,
            Listing(self.catalog, self.catalog),
            self.trying,
            OnlineTrials(self.queries, self.catalog),
            self.sign_in,
            JudgedSets(self.sets, self.catalog, self.engine, clock=lambda: self.time),
            Overrides(self.tools.rerankers, self.tools.generator),
        )
        self.run(self.catalog.open())
        self.run(self.published.open())
        self.run(self.asked.open())
        self.run(self.book.open())
        self.run(self.sets.open())

    def make_indexing(self, engine: EmbeddedEngine | None = None, **options: Any) -> Indexing:
        """What another process would have over the same stores."""
        how = WorkingOptions(**{"retry_wait": 0.01, "poll": 0.05, "lease": 1.0, **options})
        return Indexing(
            self.catalog,
            engine or self.engine,
            self.blobs,
            self.embedder,
            journal=self.journal,
            leases=self.leases,
            working=how,
        )

    def find(self, name: str) -> Reranker:
        if name == "missing":
            raise SetupError("the weights of missing are not here")
        raise InvalidModelError(f"{name} is not known")

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What the coroutine returns."""
        return self._runner.run(work)

    def make(self, name: str = "docs", **settings: Any) -> Instance:
        """A new instance that cuts nothing."""
        changed = InstanceSettings(**{"min_score": 0.0, "match_mode": "or", **settings})
        return self.run(self.instances.create("acc", "default", name, settings=changed))

    def stored(self) -> list[bytes]:
        """What the blobs hold."""
        return sorted(path.read_bytes() for path in (self.folder / "files").rglob("*") if path.is_file())

    def close(self) -> None:
        """Everything closed in order."""
        self.run(self.syncing.stop())
        self.run(self.indexing.stop())
        self.run(self.queries.stop())
        self.engine.close()
        self.run(self.catalog.close())
        self._runner.close()


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[House]:
    """A house whose workers have not begun."""
    made = House(tmp_path)
    yield made
    made.close()


@pytest.fixture
def house(idle: House) -> House:
    """A house that indexes."""
    idle.run(idle.indexing.start())
    return idle
