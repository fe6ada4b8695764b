"""A whole request, top to bottom: a ranking travels through the stages."""

from collections.abc import AsyncIterator
from dataclasses import replace

from secondlook.domain.candidate import Ranking
from secondlook.domain.options import Generation, Plan
from secondlook.domain.query import Query
from secondlook.ports import Delta, Tools
from secondlook.stages.boost import boost_candidates
from secondlook.stages.discount import discount_echoes
from secondlook.stages.expand import expand_candidates
from secondlook.stages.explain import find_sentences
from secondlook.stages.filter import filter_candidates
from secondlook.stages.fuse import fuse_rankings
from secondlook.stages.generate import generate_answer
from secondlook.stages.rerank import rerank_candidates
from secondlook.stages.retrieve import retrieve_candidates
from secondlook.stages.rewrite import rewrite_query


async def search(query: Query, plan: Plan, tools: Tools) -> Ranking:
    """The ranking of the plan's index for the query, at most ``plan.top_k`` candidates."""
    ranking = Ranking(query)
    if plan.rewriting:
        ranking = await rewrite_query(ranking, plan.rewriting, tools.generator)
    found = await retrieve_candidates(ranking.query, plan, tools)
    ranking = fuse_rankings(replace(ranking, failures=found.failures), found, plan.fusion)
    if plan.echo_discount:
        ranking = discount_echoes(ranking, plan.echo_discount)
    ranking = filter_candidates(ranking, plan.filtering)
    late = plan.boosting is not None and plan.boosting.last
    if plan.boosting and not late:
        ranking = boost_candidates(ranking, plan.boosting)
    window = plan.retrieval.num_candidates
    ranking = ranking.cut(window, "window", f"outside the window of {window}").placed()
    if plan.reranking:
        ranking = await rerank_candidates(ranking, plan, tools)
    if plan.boosting and late:
        ranking = boost_candidates(ranking, plan.boosting)
    ranking = ranking.cut(plan.top_k, "cut", f"beyond the limit of {plan.top_k}")
    if plan.explain:
        ranking = await find_sentences(ranking, plan, tools)
    if plan.expand_by:
        ranking = await expand_candidates(ranking, plan.index, plan.expand_by, tools.retriever)
    return replace(ranking, receipt=replace(ranking.receipt, candidates_out=len(ranking.candidates)))


def answer(ranking: Ranking, query: Query, options: Generation, tools: Tools) -> AsyncIterator[Delta]:
    """The pieces of an answer from the ranking, in the words of the original query."""
    return generate_answer(ranking, query, options, tools.generator)
