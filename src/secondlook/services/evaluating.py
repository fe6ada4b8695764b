"""Measures search on judged queries: keyword, vector, hybrid, and hybrid with reranking."""

import secrets
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from secondlook.domain.chunk import Chunk, IndexedChunk
from secondlook.domain.instance import Analyser, Instance, InstanceSettings
from secondlook.domain.options import Plan, Reranking, Retrieval
from secondlook.domain.query import Query
from secondlook.evaluation.datasets import Dataset, Document
from secondlook.evaluation.metrics import ndcg_at, recall_at, reciprocal_rank_at
from secondlook.evaluation.report import AS_CREATED
from secondlook.evaluation.significance import randomisation_p
from secondlook.pipeline import search
from secondlook.ports import Indexer, IndexShape, Tools
from secondlook.services.arms import as_created
from secondlook.services.searching import SearchDefaults
from secondlook.services.waiting import to_the_end

DEPTH = 50
BATCH = 128
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to search, measured; ``p_value`` is that of the last arm against this one."""

    arm: str
    ndcg: float
    mrr: float
    recall: float
    ms_per_query: float
    p_value: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A data set's arms, the last being the one that is tested, and nDCG@10 by arm and query."""

    name: str
    arms: tuple[Arm, ...]
    ndcg_by_query: Mapping[str, Sequence[float]]
    fell_back: int = 0


class Evaluating:
    """Runs data sets through the very pipeline that serves."""

    def __init__(self, tools: Tools, indexer: Indexer, defaults: SearchDefaults | None = None) -> None:
        self._tools = tools
        self._indexer = indexer
        self._defaults = defaults or SearchDefaults()

    async def run(
        self,
        dataset: Dataset,
        *,
        on_progress: Progress | None = None,
        rerank_model: str = "",
        analyser: Analyser | None = None,
    ) -> Report:
        """The report; the documents are indexed for it, one passage each as BEIR has it, and dropped afterwards.

        ``analyser`` is the language of the keyword index, None for the English of the tokenizer.
        """
        heard = on_progress or (lambda what, done, total: None)
        index = f"eval-{secrets.token_hex(8)}"
        shape = IndexShape(self._tools.embedder.dimensions, "porter", analyser)
        try:
            await to_the_end(self._indexer.create_index(index, shape))
            await self.fill(index, dataset, heard)
            return await self._measure(index, dataset, rerank_model, heard)
        finally:
            await self._indexer.drop_index(index)

    async def fill(self, index: str, dataset: Dataset, heard: Progress) -> None:
        """Index the documents, one passage each."""
        documents = dataset.documents
        heard(f"{dataset.name}: indexing", 0, len(documents))
        for start in range(0, len(documents), BATCH):
            batch = documents[start : start + BATCH]
            chunks = [make_chunk(one) for one in batch]
            embeddings = await self._tools.embedder.embed_passages([chunk.passage for chunk in chunks])
            made = [IndexedChunk(chunk, one.vector, one.stored) for chunk, one in zip(chunks, embeddings, strict=True)]
            await self._indexer.put_item(index, f"batch-{start}", made)
            heard(f"{dataset.name}: indexing", start + len(batch), len(documents))

    async def _measure(self, index: str, dataset: Dataset, model: str, heard: Progress) -> Report:
        plans = make_plans(index, model, self._defaults)
        figures: dict[str, list[tuple[float, float, float]]] = {name: [] for name in plans}
        times: dict[str, list[float]] = {name: [] for name in plans}
        fell_back = 0
        for done, (query_id, text) in enumerate(dataset.queries.items(), 1):
            judgments = dataset.judgments[query_id]
            for name, plan in plans.items():
                started = time.perf_counter()
                ranking = await search(Query(text), plan, self._tools)
                times[name].append((time.perf_counter() - started) * 1000)
                fell_back += ranking.receipt.status == "fell_back"
                ranked = [candidate.chunk.id for candidate in ranking.candidates]
                figures[name].append(
                    (
                        ndcg_at(10, ranked, judgments),
                        reciprocal_rank_at(10, ranked, judgments),
                        recall_at(DEPTH, ranked, judgments),
                    )
                )
            heard(f"{dataset.name}: searching", done, len(dataset.queries))
        ndcg = {name: [row[0] for row in rows] for name, rows in figures.items()}
        last = list(plans)[-1]
        arms = tuple(
            Arm(
                name,
                ndcg=statistics.fmean(row[0] for row in rows),
                mrr=statistics.fmean(row[1] for row in rows),
                recall=statistics.fmean(row[2] for row in rows),
                ms_per_query=statistics.median(times[name]),
                p_value=None if name == last else randomisation_p(ndcg[last], ndcg[name]),
            )
            for name, rows in figures.items()
        )
        return Report(dataset.name, arms, ndcg, fell_back)


def make_plans(index: str, model: str, defaults: SearchDefaults | None = None) -> dict[str, Plan]:
    """The arms by name: first a search as a new instance gives it, then arms in which no score has a threshold."""
    hybrid = Retrieval("hybrid", match_mode="or")
    created = as_created(Instance(index, "", "", "eval", InstanceSettings(), 0, 0), defaults or SearchDefaults())
    return {
        AS_CREATED: created,
        "keyword": Plan(index, Retrieval("keyword", match_mode="or"), top_k=DEPTH),
        "vector": Plan(index, Retrieval("vector"), top_k=DEPTH),
        "hybrid": Plan(index, hybrid, created.fusion, top_k=DEPTH),
        "hybrid+rerank": Plan(
            index, hybrid, created.fusion, reranking=Reranking(model, DEPTH, min_relevance=None), top_k=DEPTH
        ),
    }


def make_chunk(document: Document) -> Chunk:
    """The document as one passage."""
    text = document.text or document.title or document.id
    return Chunk(document.id, document.id, document.id, text, end=len(text.encode()), context=document.title)


def to_json(reports: Sequence[Report]) -> dict[str, object]:
    """The figures as ``eval --json`` writes them."""
    return {
        "datasets": [
            {
                "name": report.name,
                "arms": [
                    {
                        "arm": arm.arm,
                        "ndcg@10": arm.ndcg,
                        "mrr@10": arm.mrr,
                        "recall@50": arm.recall,
                        "ms_per_query": arm.ms_per_query,
                        "p_value": arm.p_value,
                    }
                    for arm in report.arms
                ],
            }
            for report in reports
        ]
    }
