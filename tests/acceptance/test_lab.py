"""The Lab over real models: figures are those of eval and of trec_eval, and planted rerankers get what they deserve."""

import asyncio
import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ir_measures
import pytest

from secondlook.bootstrap import Runtime, open_runtime
from secondlook.domain.chunk import IndexedChunk
from secondlook.domain.instance import Instance, InstanceSettings, Item
from secondlook.domain.lab import ArmSpec
from secondlook.evaluation.datasets import Dataset, Document
from secondlook.evaluation.queries import judged
from secondlook.evaluation.report import QueryRow
from secondlook.models.fakes import FakeReranker
from secondlook.ports import Passage, Rerankers
from secondlook.services.evaluating import Evaluating, make_chunk
from secondlook.services.lab_records import LabRequest
from secondlook.services.lab_runs import LabRuns
from secondlook.services.lab_work import LabTools
from secondlook.services.models import ModelList
from secondlook.services.searching import SearchDefaults
from secondlook.settings import Settings
from secondlook.stores.database import Database
from secondlook.stores.lab import SqlLabBook
from tests.house.yard import ROOT

WHOLE = "built-in, 50 candidates"


def sections() -> Dataset:
    """The sections of our own documents; each heading of some words asks for the text below it, and for its page."""
    documents: list[Document] = []
    queries: dict[str, str] = {}
    judgments: dict[str, dict[str, int]] = {}
    for page in sorted((ROOT / "docs" / "howto").glob("*.md")):
        parts = re.split(r"(?m)^#{1,3} (.+)$", page.read_text(encoding="utf-8"))
        names = [f"{page.stem}-{at}" for at in range(1, len(parts), 2)]
        for name, heading, text in zip(names, parts[1::2], parts[2::2], strict=True):
            body = re.sub(r"(?s)```.*?```", "", text).strip()[:1500]
            if body:
                documents.append(Document(name, "", body))
            if body and len(heading.split()) >= 3:
                queries[name] = heading
                judgments[name] = {**{other: 1 for other in names if other != name}, name: 2}
    known = {one.id for one in documents}
    judgments = {
        name: {item: grade for item, grade in found.items() if item in known} for name, found in judgments.items()
    }
    return Dataset("documents", tuple(documents), queries, judgments)


DATASET = sections()
Measured = tuple[dict[str, Any], Sequence[QueryRow]]


class Place:
    """A runtime whose one instance holds the set."""

    def __init__(self, runtime: Runtime, instance: Instance, book: SqlLabBook) -> None:
        self.runtime = runtime
        self.instance = instance
        self._book = book

    async def measure(
        self, arms: Sequence[ArmSpec], *, planted: FakeReranker | None = None, most: int = 999
    ) -> Measured:
        """Report and rows of a run, with that reranker in the place of the built-in one."""
        tools = self.runtime.tools
        if planted:
            tools = replace(tools, rerankers=Rerankers(tools.rerankers.find, planted))
        outside = LabTools(tools, self._catalog, self.runtime.indexer, ModelList(lambda: ()), SearchDefaults())
        runs = LabRuns(self._book, outside)
        queries = [judged(text, DATASET.judgments[name]) for name, text in DATASET.queries.items()][:most]
        run = await runs.begin(self.instance, LabRequest(tuple(queries), tuple(arms)))
        await runs.wait(run.id)
        done = await runs.get(self.instance, run.id)
        assert done.state == "completed", done.reason
        return json.loads(done.report), await runs.rows(done)

    @property
    def _catalog(self) -> Any:
        return self.runtime.services.lab.outside.catalog


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Settings:
    """A data folder whose instance ``docs`` holds the set."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), cache_dir=cache_dir, offline=True)

    async def inside() -> None:
        async with open_runtime(settings, queue="none") as runtime:
            made = InstanceSettings(min_score=0.0, match_mode="or")
            instance = await runtime.services.instances.create("acc", "default", "docs", settings=made)
            catalog = runtime.services.lab.outside.catalog
            chunks = [make_chunk(one) for one in DATASET.documents]
            embedded = await runtime.tools.embedder.embed_passages([one.passage for one in chunks])
            for chunk, one in zip(chunks, embedded, strict=True):
                await catalog.put_item(Item(chunk.id, instance.uid, chunk.item_key, "completed", "", 1))
                await runtime.indexer.put_item(instance.uid, chunk.id, [IndexedChunk(chunk, one.vector, one.stored)])

    asyncio.run(inside())
    return settings


def over_the_set(settings: Settings, folder: Path, work: Callable[[Place], Any]) -> None:
    async def inside() -> None:
        async with open_runtime(settings, queue="none") as runtime:
            instance = await runtime.services.instances.get("acc", "default", "docs")
            database = Database(f"sqlite+aiosqlite:///{folder / 'lab.sqlite'}")
            book = SqlLabBook(database)
            await book.open()
            await work(Place(runtime, instance, book))
            await database.close()

    asyncio.run(inside())


def theirs(rows: Sequence[QueryRow], arm: str) -> list[float]:
    """nDCG@10 of each query as trec_eval has it."""
    found = []
    for row in rows:
        run = {"q": {name: float(-rank) for rank, name in enumerate(row.arms[arm].ranking)}}
        [value] = ir_measures.iter_calc([ir_measures.nDCG @ 10], {"q": dict(row.grades)}, run)
        found.append(value.value)
    return found


def test_the_figures_are_those_of_eval_and_of_trec_eval(tmp_path: Path, indexed: Settings) -> None:
    async def work(place: Place) -> None:
        report, rows = await place.measure([ArmSpec(), ArmSpec(window=20)])
        evaluated = await Evaluating(place.runtime.tools, place.runtime.indexer).run(DATASET)
        figures = {one.arm: one for one in evaluated.arms}
        ours = {one["name"]: one for one in report["arms"]}
        for name, arm in (("off", "hybrid"), (WHOLE, "hybrid+rerank")):
            assert ours[name]["ndcg@10"] == pytest.approx(figures[arm].ndcg, abs=5e-5)
            assert ours[name]["mrr@10"] == pytest.approx(figures[arm].mrr, abs=5e-5)
            assert ours[name]["recall@50"] == pytest.approx(figures[arm].recall, abs=5e-5)
        for name in ours:
            assert [row.arms[name].ndcg for row in rows] == pytest.approx(theirs(rows, name), abs=1e-6)

    assert len(DATASET.queries) > 60
    over_the_set(indexed, tmp_path, work)


def test_planted_rerankers_get_what_they_deserve(tmp_path: Path, indexed: Settings) -> None:
    texts = {one.text: one.id for one in DATASET.documents}
    grades = {text: DATASET.judgments[name] for name, text in DATASET.queries.items()}
    draw = random.Random(11)  # a draw, no secret

    def truth(query: str, passage: Passage) -> float:
        return grades[query].get(texts[passage.text], 0) / 2

    async def work(place: Place) -> None:
        oracle, _ = await place.measure([ArmSpec()], planted=FakeReranker("oracle@1", scorer=truth))
        assert oracle["verdict"]["answer"] == "on"
        noise, _ = await place.measure([ArmSpec()], planted=FakeReranker("noise@1", scorer=lambda q, p: draw.random()))
        assert noise["verdict"]["answer"] == "off"
        few, _ = await place.measure([ArmSpec()], planted=FakeReranker("oracle@1", scorer=truth), most=15)
        assert few["verdict"]["answer"] == "not enough evidence"
        trust = oracle["arms"][2]["calibration"]
        assert trust["brier_fitted"] < trust["brier_raw"]

    over_the_set(indexed, tmp_path, work)
