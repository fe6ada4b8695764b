"""Questions that the documents do not answer find nothing with the defaults, and those that they answer are kept."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from secondlook.bootstrap import Runtime, open_runtime
from secondlook.demo import sample_files
from secondlook.domain.candidate import Ranking
from secondlook.domain.instance import InstanceSettings
from secondlook.domain.options import MAX_TOP_K, Filtering, Plan, Retrieval
from secondlook.domain.query import Query
from secondlook.evaluation.datasets import Dataset, read_dataset
from secondlook.pipeline import search
from secondlook.ports import IndexShape
from secondlook.services.evaluating import Evaluating
from secondlook.services.intake import Upload
from secondlook.services.searching import Ask
from secondlook.settings import Settings

SHARED = Path(__file__).parents[3] / "shared" / "eval"
PUBLIC = ("claude-docs", "scifact", "cranfield")
ASKED = 40
"""Questions of each set."""
DOCUMENTS = 100
"""Of the set that is searched."""
UNANSWERED = (
    "What is the capital of Mongolia?",
    "Who painted the ceiling of the Sistine Chapel?",
    "How many bones does an adult human have?",
    "Which wine goes with grilled trout?",
    "How do I bake sourdough bread without yeast?",
    "When did the Western Roman Empire fall?",
    "What are the rules of offside in football?",
    "How is a mortgage amortised?",
    "Who wrote One Hundred Years of Solitude?",
    "What is the boiling point of ethanol?",
    "How do penguins keep their eggs warm?",
    "Which vitamins are soluble in fat?",
    "How do I knit a raglan sleeve?",
    "What does a cello sound like compared to a viola?",
    "Who won the chess championship in 1972?",
    "How are contact lenses fitted?",
    "What is the plural of octopus?",
    "How do I train a puppy to sit?",
    "Which enzymes digest lactose?",
    "What caused the Thirty Years War?",
    "How long is a marathon in miles?",
    "Who composed the Goldberg Variations?",
    "What is a sonnet?",
    "How do I file a patent in Japan?",
    "Which pigments make leaves green?",
    "How many players are in a cricket team?",
    "What is the difference between a crocodile and an alligator?",
    "How do I remove red wine from a carpet?",
    "Who discovered penicillin?",
    "What is the national dish of Portugal?",
    "How does a heart valve close?",
    "Which languages are spoken in Belgium?",
    "How do I tune a guitar by ear?",
    "What is Gödel's incompleteness theorem?",
    "How are diamonds cut?",
    "Who was the first woman in space?",
    "What does inflation do to pensions?",
    "How do I write a cover letter?",
    "Which spices are in garam masala?",
    "How tall is the Eiffel Tower?",
)
ANSWERED = (
    ("How many days does the battery of the S2 last?", "hardware/batteries-s2.md"),
    ("the station stopped reporting after I moved it to the shed", "problems/nothing-arrives.md"),
    ("What does a red status light mean?", "hardware/status-light.md"),
    ("How do I make an API key?", "console/api-keys.md"),
    ("Who may invite members to the console?", "console/members-and-roles.md"),
    ("How is the firmware updated?", "firmware/updating.md"),
    ("How long is the warranty?", "service/warranty.md"),
    ("How do I return a station?", "service/shipping-and-returns.md"),
    ("calibrate the pressure sensor", "maintenance/wind-and-pressure-calibration.md"),
    ("export the measurements as CSV", "console/data-export.md"),
    ("set an alert for frost", "console/alerts.md"),
    ("mount the S3 on a mast", "installation/mounting-s3.md"),
)


class House:
    """A runtime for this module."""

    def __init__(self, folder: Path) -> None:
        self._runner = asyncio.Runner()
        self._opened = open_runtime(Settings(data_dir=folder), queue="own")
        self.runtime: Runtime = self.run(self._opened.__aenter__())

    def run(self, work: Any) -> Any:
        return self._runner.run(work)

    def close(self) -> None:
        self.run(self._opened.__aexit__(None, None, None))
        self._runner.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("house"))
    yield made
    made.close()


@pytest.mark.slow
def test_the_sample_handbook_answers_what_it_holds_and_nothing_else(house: House) -> None:
    services = house.runtime.services

    async def work() -> None:
        instance = await services.instances.create("acc", "default", "sample", settings=InstanceSettings())
        for key, path in sample_files():
            if key.startswith("handbook/"):
                await services.indexing.upload(instance, Upload(key, path.read_bytes(), "text/markdown"), wait=120)

        async def keys(query: str, ask: Ask) -> list[str]:
            ranking = await services.searching.search(instance, Query(query), ask)
            return [one.chunk.item_key for one in ranking.candidates]

        found = {query: await keys(query, Ask()) for query in UNANSWERED}
        for_all = {query: await keys(query, Ask(threshold_for_all=True)) for query in UNANSWERED}
        assert found == for_all, "keywords carried something past the threshold"
        assert sum(not one for one in found.values()) >= 0.9 * len(UNANSWERED)
        lost = [query for query, key in ANSWERED if f"handbook/{key}" not in await keys(query, Ask())]
        assert lost == []

    house.run(work())


def shortened(dataset: Dataset) -> Dataset:
    """The first questions, and documents that answer them among others."""
    queries = dict(list(dataset.queries.items())[:ASKED])
    right = {name for query in queries for name in dataset.judgments[query]}
    documents = sorted(dataset.documents, key=lambda one: one.id not in right)[: max(len(right), DOCUMENTS)]
    return replace(dataset, documents=tuple(documents), queries=queries)


@pytest.mark.slow
@pytest.mark.skipif(
    not all((SHARED / name / "corpus.jsonl").is_file() for name in PUBLIC),
    reason=f"the public sets {', '.join(PUBLIC)} are not in {SHARED}",
)
def test_public_sets_keep_their_own_questions_and_let_no_keyword_in_for_foreign_ones(house: House) -> None:
    """Compared with the threshold for all: of what that leaves empty, at most 1 question in 20 finds anything."""
    tools = house.runtime.tools
    whole, *foreign = (read_dataset(SHARED / name) for name in PUBLIC)
    own = shortened(whole)
    plan = Plan("public", Retrieval("hybrid", match_mode="or"), filtering=Filtering(0.4), top_k=MAX_TOP_K)
    for_all = replace(plan, filtering=Filtering(0.4, keyword_share=None))

    async def ask(query: str, one: Plan) -> Ranking:
        return await search(Query(query), one, tools)

    async def work() -> tuple[int, int, int, int]:
        await house.runtime.indexer.create_index("public", IndexShape(tools.embedder.dimensions, "porter", None))
        await Evaluating(tools, house.runtime.indexer).fill("public", own, lambda what, done, total: None)
        empty = still = kept = kept_for_all = 0
        for dataset in foreign:
            for query in list(dataset.queries.values())[:ASKED]:
                if not (await ask(query, for_all)).candidates:
                    empty += 1
                    still += not (await ask(query, plan)).candidates
        for name, query in own.queries.items():
            right = set(own.judgments[name])
            kept += bool(right & {one.chunk.id for one in (await ask(query, plan)).candidates})
            kept_for_all += bool(right & {one.chunk.id for one in (await ask(query, for_all)).candidates})
        return empty, still, kept, kept_for_all

    empty, still, kept, kept_for_all = house.run(work())
    assert empty >= ASKED, "too few questions are unanswerable to say anything"
    assert still >= 0.95 * empty
    assert kept >= max(kept_for_all, 0.97 * len(own.queries))
