"""``secondlook queries export`` writes what the log holds, in both forms."""

import asyncio
import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from secondlook.bootstrap import with_access, with_queries
from secondlook.cli import app
from secondlook.domain.instance import Instance, InstanceSettings
from secondlook.domain.queries import FoundChunk, LoggedQuery
from secondlook.errors import InstanceNotFoundError
from secondlook.ports import Catalog
from secondlook.services.queries import QueryLog, Said
from secondlook.settings import Settings

FOUND = (FoundChunk("c1", "winter/oil.md", 0, 64, "9c", 1, 0.9),)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with three queries, and a click on a result of the second."""

    async def fill(log: QueryLog, catalog: Catalog) -> None:
        made = Instance("uid", "default", "default", "station", InstanceSettings(logged=True), 0, 0)
        await catalog.add_instance(made)
        for number, text in enumerate(("fog", 'frozen "oil", ü', "snow")):
            log.note(made, LoggedQuery(f"q{number}", 1000 + number, "search", text, found=FOUND))
        await log.tell(made, Said("click", "q1", chunk_id="c1"))
        await log.tell(made, Said("thumbs_up", "q1"))

    settings = Settings(data_dir=tmp_path)
    asyncio.run(with_access(settings, lambda access: access.list(), make=True))
    asyncio.run(with_queries(settings, fill))
    return tmp_path


def run(folder: Path, *flags: str) -> list[str]:
    found = CliRunner().invoke(app, ["queries", "export", "station", "--data-dir", str(folder), *flags])
    assert found.exit_code == 0, found.output
    return found.stdout.splitlines()


def test_json_lines(folder: Path) -> None:
    told = [json.loads(line) for line in run(folder)]
    click = {"key": "winter/oil.md", "start": 0, "end": 64, "hash": "9c", "kind": "click"}
    assert told == [
        {"query_id": "q0", "query": "fog", "at": 1000, "feedback": []},
        {"query_id": "q1", "query": 'frozen "oil", ü', "at": 1001, "feedback": [click]},
        {"query_id": "q2", "query": "snow", "at": 1002, "feedback": []},
    ]
    assert run(folder, "--jsonl", "--judged") == run(folder)[1:2]


def test_a_table(folder: Path) -> None:
    head, fog, oil, whole, snow = csv.reader(run(folder, "--csv"))
    assert head == ["query_id", "query", "at", "key", "start", "end", "hash", "kind"]
    assert oil == ["q1", 'frozen "oil", ü', "1001", "winter/oil.md", "0", "64", "9c", "click"]
    assert whole[3:] == ["", "", "", "", "thumbs_up"]
    assert fog[3:] == snow[3:] == 5 * [""]


def test_an_instance_that_is_not_there(folder: Path) -> None:
    command = ["queries", "export", "gone", "--data-dir", str(folder)]
    found = CliRunner().invoke(app, command)
    assert isinstance(found.exception, InstanceNotFoundError)
