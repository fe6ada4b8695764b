"""One server for all acceptance tests that do not kill it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.server_process import ServerProcess, run_cli, start_server
from tests.clients import packages
from tests.clients.node import Node, ready


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def token(data_dir: Path) -> str:
    return run_cli("token", "create", "--name", "tests", "--quiet", data_dir=data_dir)


@pytest.fixture(scope="session")
def server(data_dir: Path, token: str) -> Iterator[ServerProcess]:
    running = start_server(data_dir)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def node() -> Node:
    """A Node that finds the clients of ``tests/clients/package.json``; installed at the first use."""
    return ready()


@pytest.fixture(scope="session")
def langchain() -> Path:
    """A folder with LangChain and the other packages of ``tests/clients/packages.txt``; installed at the first use."""
    return packages.ready()
