"""Search and answer over several instances at once: one list, reranked together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from secondlook.domain.candidate import Ranking
from secondlook.domain.instance import Instance, InstanceSettings
from secondlook.domain.options import Fusion, Generation, Plan, RetrievalType
from secondlook.domain.query import Query
from secondlook.errors import (
    BackendError,
    CallerError,
    InstanceNotFoundError,
    InstanceSearchesFailedError,
    InvalidOptionError,
    RerankerError,
    SecondlookError,
    TooManyNamedError,
)
from secondlook.pipeline import search
from secondlook.ports import Catalog, Tools
from secondlook.services.generating import Answer, begin_answer
from secondlook.services.joint_retriever import JointRetriever, Member
from secondlook.services.measuring import count_refusal, count_search
from secondlook.services.query_limits import told_of
from secondlook.services.searching import Ask, SearchDefaults, check_rerankers, make_plan
from secondlook.telemetry import span

MOST_INSTANCES = 10
MakeAsk = Callable[[Instance], Ask]
MakeGeneration = Callable[[InstanceSettings], Generation]
"""How to answer, from the settings of the instance that decides."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one of the instances gave.

    Attributes:
        found: chunks of it that were retrieved.
        entered: those that came as far as the reranker.
        returned: those among the results.
        milliseconds: spent in its index.
        error: why it could not be searched.
    """

    name: str
    found: int = 0
    entered: int = 0
    returned: int = 0
    milliseconds: float = 0.0
    error: SecondlookError | None = None


@dataclass(frozen=True, slots=True)
class Joint:
    """One ranking over several instances, the ``members``; ``names`` tells which of them an index belongs to."""

    ranking: Ranking
    parts: tuple[Part, ...]
    names: Mapping[str, str] = field(default_factory=dict, hash=False)
    members: tuple[Instance, ...] = ()


class JointSearching:
    """Searches instances of one namespace together."""

    def __init__(self, tools: Tools, catalog: Catalog, defaults: SearchDefaults | None = None) -> None:
        self._tools = tools
        self._catalog = catalog
        self._defaults = defaults or SearchDefaults()

    async def search(
        self, place: tuple[str, str], names: Sequence[str], query: Query, *, make_ask: MakeAsk, partial: bool = True
    ) -> Joint:
        """One list of the named instances, cut to the results that are wanted.

        All are retrieved at the same time and merged before anything is boosted or reranked. What is decided once for
        the merged list, and which the request leaves open, is decided by the first named instance; reranking by the
        first that has it on.

        Args:
            place: account and namespace.
            partial: leave out an instance that fails; otherwise fail.

        Raises:
            InvalidOptionError, TooManyNamedError: no name, or more than ``MOST_INSTANCES``, or too long a query.
            NamespaceNotFoundError: there is no such namespace.
            CallerError: no instance can be searched, because of the request.
            InstanceSearchesFailedError: one failed, and ``partial`` is not set.
        """
        wanted, query = _check_names(names), self._defaults.query_limits.fit(query)
        await self._catalog.list_instances(*place)  # an unknown namespace is no matter of one instance
        plans: dict[str, tuple[Instance, Plan]] = {}
        failed: dict[str, SecondlookError] = {}
        for name in wanted:
            try:
                instance = await self._catalog.get_instance(*place, name)
                ask = make_ask(instance)
                check_rerankers(ask, self._tools.rerankers)
                plans[name] = instance, make_plan(instance, ask, self._defaults)
            except SecondlookError as error:
                failed[name] = error
        _check_failures(failed, wanted, partial)
        if not plans:
            return Joint(Ranking(query), tuple(Part(name, error=failed[name]) for name in wanted))
        members = {name: Member(plan.index, plan.retrieval) for name, (_, plan) in plans.items()}
        plan = join_plans([plan for _, plan in plans.values()])
        by_share = plan.retrieval.type == "keyword" or plan.fusion.method == "convex"
        joined = JointRetriever(self._tools.retriever, list(members.values()), by_share=by_share)
        with span("search"):
            try:
                ranking = told_of(await search(query, plan, replace(self._tools, retriever=joined)), query)
            except RerankerError as error:
                count_refusal(error)
                raise
            except BackendError:
                if not await self._any_gone([instance for instance, _ in plans.values()]):
                    raise
                return await self.search(place, names, query, make_ask=make_ask, partial=partial)  # without it
        count_search(ranking)
        failed |= {name: await self._reason(plans[name][0], one.error) for name, one in members.items() if one.error}
        _check_failures(failed, wanted, partial)
        parts = [_part(name, members.get(name), failed.get(name), ranking) for name in wanted]
        found = tuple(instance for instance, _ in plans.values())
        return Joint(ranking, tuple(parts), {one.index: name for name, one in members.items()}, found)

    async def _any_gone(self, instances: Sequence[Instance]) -> bool:
        """Whether one of them was deleted meanwhile."""
        names = {one.uid for one in instances}
        return not names <= {one.uid for one in await self._catalog.list_instances(*_place_of(instances[0]))}

    async def _reason(self, instance: Instance, error: SecondlookError) -> SecondlookError:
        """Why it could not be searched: that it was deleted meanwhile, if it was."""
        try:
            await self._catalog.get_instance(*_place_of(instance), instance.name)
        except InstanceNotFoundError as gone:
            return gone
        return error

    async def answer(
        self,
        place: tuple[str, str],
        names: Sequence[str],
        query: Query,
        *,
        make_ask: MakeAsk,
        make_generation: MakeGeneration,
        partial: bool = True,
    ) -> tuple[Joint, Answer]:
        """Search, then start the answer; nothing is generated until the deltas are read. Raises as ``search``."""
        joint = await self.search(place, names, query, make_ask=make_ask, partial=partial)
        settings = joint.members[0].settings if joint.members else InstanceSettings()
        generation = make_generation(settings)
        wanted = Generation(
            generation.model or settings.generation_model,
            generation.system_prompt or settings.answer_prompt,
            generation.forwarded,
        )
        query = self._defaults.query_limits.fit(query)
        explain = any(make_ask(one).explain for one in joint.members)
        return joint, begin_answer(joint.ranking, query, wanted, self._tools, explain=explain)


def _place_of(instance: Instance) -> tuple[str, str]:
    return instance.account, instance.namespace


def join_plans(plans: Sequence[Plan]) -> Plan:
    """One plan for all: that of the first, with the reranking of the first that reranks.

    What a request asks for is in every plan; members whose own fusion differs are fused by convex combination.
    """
    first = plans[0]
    reranking = next((one.reranking for one in plans if one.reranking), None)
    deepest = max(one.retrieval.num_candidates for one in plans)
    types = {one.retrieval.type for one in plans}
    fusions = {one.fusion for one in plans}
    together: RetrievalType = types.pop() if len(types) == 1 else "hybrid"
    return replace(
        first,
        fusion=first.fusion if len(fusions) == 1 else Fusion("convex"),
        retrieval=replace(first.retrieval, type=together, num_candidates=deepest, where=None),
        filtering=replace(first.filtering, by_index={one.index: one.filtering.min_score for one in plans}),
        reranking=reranking,
    )


def _check_names(names: Sequence[str]) -> list[str]:
    wanted = list(dict.fromkeys(names))
    if not wanted:
        raise InvalidOptionError(f"no instances named: name 1 to {MOST_INSTANCES}")
    if len(wanted) > MOST_INSTANCES:
        raise TooManyNamedError(f"{len(wanted)} instances named: a search takes at most {MOST_INSTANCES}")
    return wanted


def _check_failures(failed: Mapping[str, SecondlookError], wanted: Sequence[str], partial: bool) -> None:
    """Raises when all failed because of the request, or when any did and a part is not enough."""
    if len(failed) == len(wanted) and all(isinstance(one, CallerError) for one in failed.values()):
        raise next(iter(failed.values()))
    if failed and not partial:
        told = "; ".join(f"{name}: {error}" for name, error in failed.items())
        raise InstanceSearchesFailedError(f"{len(failed)} of {len(wanted)} instances could not be searched: {told}")


def _part(name: str, member: Member | None, error: SecondlookError | None, ranking: Ranking) -> Part:
    if member is None or error is not None:
        return Part(name, milliseconds=member.milliseconds if member else 0.0, error=error)
    returned = sum(one.chunk.index == member.index for one in ranking.candidates)
    late = [one for one in ranking.dropped if one.candidate.chunk.index == member.index and one.stage in AFTER_WINDOW]
    return Part(name, member.found, returned + len(late), returned, member.milliseconds)


AFTER_WINDOW = ("keep", "rerank", "cut")
"""Stages that drop what came into the candidate window."""
