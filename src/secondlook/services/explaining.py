"""Why an item is among the results of a search, or is not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from secondlook.domain.candidate import Candidate, Dropped, DropStage, Ranking
from secondlook.domain.chunk import Chunk
from secondlook.domain.filters import matches
from secondlook.domain.instance import Instance
from secondlook.domain.letters import as_typed
from secondlook.domain.options import Plan
from secondlook.domain.query import Query
from secondlook.domain.wording import plural
from secondlook.pipeline import search
from secondlook.ports import Catalog, Hits, Indexer, Tools
from secondlook.services.searching import Ask, SearchDefaults, check_rerankers, make_plan
from secondlook.services.trusts import Trusts

Verdict = Literal[
    "not_indexed",
    "filtered_out",
    "not_retrieved",
    "below_threshold",
    "outside_window",
    "below_reranking_threshold",
    "outranked",
    "returned",
]
VERDICTS: dict[DropStage, Verdict] = {
    "filter": "below_threshold",
    "window": "outside_window",
    "keep": "outranked",
    "rerank": "below_reranking_threshold",
    "cut": "outranked",
}
"""Stages in the order in which a search meets them: the chunk that came furthest speaks for its item."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """The best rank that one of the item's chunks has by each method over the whole index; None for no hit."""

    vector: int | None = None
    keyword: int | None = None


@dataclass(frozen=True, slots=True)
class Why:
    """The verdict and what it stands on.

    Attributes:
        reason: one sentence with the numbers.
        candidate: the item's chunk that came furthest, as it was when it was dropped or returned.
        rank: its rank then.
        ranks: given when nothing of the item was retrieved.
        ranking: the search; None when it was not run.
    """

    verdict: Verdict
    reason: str
    candidate: Candidate | None = None
    rank: int | None = None
    ranks: Ranks | None = None
    ranking: Ranking | None = None


class Explaining:
    """Runs the very search that is asked about, and reads what it wrote down."""

    def __init__(
        self,
        tools: Tools,
        catalog: Catalog,
        indexer: Indexer,
        *,
        defaults: SearchDefaults | None = None,
        trusts: Trusts | None = None,
    ) -> None:
        self._tools = tools
        self._catalog = catalog
        self._indexer = indexer
        self._defaults = defaults or SearchDefaults()
        self._trusts = trusts

    async def why(self, instance: Instance, query: Query, ask: Ask, *, item_key: str) -> Why:
        """What became of the item of that key; raises what the search raises."""
        query, plan = self._defaults.query_limits.fit(query), make_plan(instance, ask, self._defaults)
        check_rerankers(ask, self._tools.rerankers)
        if self._trusts:
            plan = await self._trusts.applied(plan)
        item = await self._catalog.find_item(instance.uid, item_key)
        if item is None:
            return Why("not_indexed", f"there is no item {item_key!r}")
        count = await self._indexer.count_chunks(instance.uid)
        chunks, _ = await self._indexer.list_chunks(instance.uid, item.id, max(count, 1), 0)
        if not chunks:
            told = f": {item.error}" if item.error else ""
            return Why("not_indexed", f"the item has no chunks; its status is {item.status}{told}")
        where = plan.retrieval.where
        open_chunks = [one for one in chunks if where is None or matches(where, one.metadata)]
        if not open_chunks:
            return Why("filtered_out", "none of its chunks matches the metadata filter")
        ranking = await search(query, plan, self._tools)
        if found := _returned(ranking, item.id) or _dropped(ranking, item.id):
            return found
        return await self._not_retrieved(ranking, plan, open_chunks, count)

    async def _not_retrieved(self, ranking: Ranking, plan: Plan, chunks: Sequence[Chunk], count: int) -> Why:
        retriever, options, text = self._tools.retriever, plan.retrieval, as_typed(ranking.query.text)
        vector = keyword = None
        if options.type != "keyword":
            embedded = await self._tools.embedder.embed_query(text)
            vector = await retriever.search_vectors(plan.index, embedded, count, options.where)
        if options.type != "vector":
            keyword = await retriever.search_keywords(
                plan.index, text, count, match_mode=options.match_mode, where=options.where
            )
        ids = {chunk.id for chunk in chunks}
        ranks = Ranks(_best_rank(vector, ids), _best_rank(keyword, ids))
        told = [
            f"{name} {'search did not find it' if rank is None else f'search ranked it {rank}'}"
            for name, hits, rank in (("vector", vector, ranks.vector), ("keyword", keyword, ranks.keyword))
            if hits is not None
        ]
        reason = f"retrieval fetched {plural(plan.num_hits, 'hit')} from each method; {', '.join(told)}"
        return Why("not_retrieved", reason, ranks=ranks, ranking=ranking)


def _returned(ranking: Ranking, item_id: str) -> Why | None:
    for rank, one in enumerate(ranking.candidates, 1):
        if one.chunk.item_id == item_id:
            reason = f"it is result {rank} of {len(ranking.candidates)}, with a score of {one.score:.4f}"
            return Why("returned", reason, one, rank, ranking=ranking)
    return None


def _dropped(ranking: Ranking, item_id: str) -> Why | None:
    order = list(VERDICTS)

    def how_far(one: Dropped) -> tuple[int, int]:
        return -order.index(one.stage), one.rank

    gone = sorted((one for one in ranking.dropped if one.candidate.chunk.item_id == item_id), key=how_far)
    if not gone:
        return None
    last = gone[0]
    return Why(VERDICTS[last.stage], last.reason, last.candidate, last.rank, ranking=ranking)


def _best_rank(hits: Hits | None, ids: set[str]) -> int | None:
    ranked = enumerate(hits.hits, 1) if hits else ()
    return next((rank for rank, hit in ranked if hit.chunk_id in ids), None)
