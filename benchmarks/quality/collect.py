"""Runs judged queries through the product's own hybrid search and keeps what a reranker would be given.

    python benchmarks/quality/collect.py SET_FOLDER OUT_FOLDER [--split train]

Writes OUT_FOLDER/<name>.pkl: float16 token vectors of each query and passage with the query's token
ids, and for each query its 50 candidates with their first-stage evidence and grades.
"""

import argparse
import asyncio
import pickle
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from secondlook.bootstrap import Runtime, open_runtime
from secondlook.domain.chunk import IndexedChunk
from secondlook.domain.query import Query
from secondlook.evaluation.datasets import Dataset, read_dataset
from secondlook.models.embedder import join_windows
from secondlook.models.late_interaction import QUERY_TOKENS, encode_windows, features, load_recipe
from secondlook.pipeline import search
from secondlook.ports import IndexShape
from secondlook.provision import load_encoder
from secondlook.services.evaluating import make_chunk, make_plans
from secondlook.settings import Settings

Halves = NDArray[np.float16]


@dataclass
class Asked:
    """A query with its candidates in retrieval order.

    Attributes:
        evidence: float32 [candidates, 2], the convex score of the first stage and the cosine.
        grades: int [candidates].
    """

    query_id: str
    token_ids: NDArray[np.int32]
    vectors: Halves
    passages: list[str]
    evidence: NDArray[np.float32]
    grades: NDArray[np.int32]
    judged: int


@dataclass
class Collected:
    """A set, ready to learn from."""

    name: str
    passages: dict[str, Halves] = field(default_factory=dict)
    token_ids: dict[str, NDArray[np.int32]] = field(default_factory=dict)
    queries: list[Asked] = field(default_factory=list)


async def collect(dataset: Dataset) -> Collected:
    """The set through the served int8 encoder, the embedded engine and the pipeline."""
    made = Collected(dataset.name)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), offline=True)
        async with open_runtime(settings) as runtime:
            await fill(runtime, settings, dataset, made)
            await ask(runtime, settings, dataset, made)
    return made


async def fill(runtime: Runtime, settings: Settings, dataset: Dataset, made: Collected) -> None:
    """Index every document and keep its token vectors."""
    encoder = load_encoder(settings)
    await runtime.indexer.create_index("train", IndexShape(encoder.config.hidden, "porter"))
    for start in range(0, len(dataset.documents), 64):
        chunks = [make_chunk(one) for one in dataset.documents[start : start + 64]]
        indexed = []
        for chunk in chunks:
            windows, _ = await encode_windows(encoder, chunk.passage)
            made.passages[chunk.id] = np.concatenate([one.vectors[1:-1] for one in windows]).astype(np.float16)
            made.token_ids[chunk.id] = np.concatenate([one.token_ids[1:-1] for one in windows])
            indexed.append(IndexedChunk(chunk, join_windows(windows)))
        await runtime.indexer.put_item("train", f"batch-{start}", indexed)
        print(f"\r{dataset.name}: {start + len(chunks)} of {len(dataset.documents)}", end="", flush=True)


async def ask(runtime: Runtime, settings: Settings, dataset: Dataset, made: Collected) -> None:
    """Search every judged query."""
    plan = make_plans("train", "")["hybrid"]
    encoder = load_encoder(settings)
    for query_id, text in dataset.queries.items():
        ranking = await search(Query(text), plan, runtime.tools)
        [encoded] = await encoder.encode([text], max_tokens=QUERY_TOKENS)
        judgments = dataset.judgments[query_id]
        ids = [one.chunk.id for one in ranking.candidates]
        made.queries.append(
            Asked(
                query_id,
                encoded.token_ids[1:-1],
                encoded.vectors[1:-1].astype(np.float16),
                ids,
                features(
                    [one.evidence for one in ranking.candidates], np.zeros(len(ids), np.float32), load_recipe().usual
                ),
                np.array([judgments.get(one, 0) for one in ids], np.int32),
                sum(grade > 0 for grade in judgments.values()),
            )
        )


def main() -> None:
    """Collect one set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--split", default="train")
    given = parser.parse_args()
    made = asyncio.run(collect(read_dataset(given.folder, split=given.split)))
    given.out.mkdir(parents=True, exist_ok=True)
    with (given.out / f"{made.name}.pkl").open("wb") as file:
        pickle.dump(made, file, protocol=5)
    print(f"\n{made.name}: {len(made.passages)} passages, {len(made.queries)} queries")


if __name__ == "__main__":
    main()
