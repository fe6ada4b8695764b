"""What all tests share: patience with a busy machine, the real encoder, loaded once, and a server to ask."""

import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from secondlook.models.encoder import Encoder
from secondlook.provision import load_encoder
from secondlook.settings import Settings
from tests.kinds import STARTED, unmarked
from tests.rerank_server import RerankServer, serve_reranker

MEMORY = Path("/dev/shm")
ROOM = 4 << 30
"""Bytes that must be free in memory for the tests' files to lie there: most of the time goes to waiting for a disk."""


def pytest_configure(config: pytest.Config) -> None:
    """Temporary files lie in memory where there is room, unless somebody says where they should."""
    if config.option.basetemp is None and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM:
        config.option.basetemp = tempfile.mkdtemp(prefix="secondlook-tests-", dir=MEMORY)
        config.add_cleanup(lambda: shutil.rmtree(config.option.basetemp, ignore_errors=True))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that no worker is left with one of them at the end."""
    slow = {one.path for one in items if one.get_closest_marker("slow")}
    items.sort(key=lambda one: one.path not in slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Each test answers for the processes that it starts itself."""
    STARTED.take()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """A test that started a process without the mark of its kind fails."""
    wrong = unmarked({one.name for one in item.iter_markers()}, STARTED.take())
    done = yield
    if wrong:
        pytest.fail("; ".join(wrong))
    return done


hypothesis.settings.register_profile("yard", deadline=None)
hypothesis.settings.load_profile("yard")


@pytest.fixture(scope="session")
def exporter() -> InMemorySpanExporter:
    """Where the spans of this process go; a process has one provider only."""
    provider, found = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(found))
    trace.set_tracer_provider(provider)
    return found


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> InMemorySpanExporter:
    """The spans of this test."""
    exporter.clear()
    return exporter


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the encoder's graph is built once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def real_encoder(cache_dir: Path) -> Iterator[Encoder]:
    """The built-in encoder from the installed package."""
    made = load_encoder(Settings(cache_dir=cache_dir, offline=True))
    yield made
    made.close()


@pytest.fixture(scope="module")
def server() -> Iterator[RerankServer]:
    """A reranking server that speaks every dialect and fails in each known way."""
    with serve_reranker() as found:
        yield found
