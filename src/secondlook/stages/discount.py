"""Take down passages that repeat the query and add nothing."""

from secondlook.domain.candidate import Candidate, Ranking, Step, changed, lowered
from secondlook.domain.echoes import Echoes
from secondlook.domain.wording import plural
from secondlook.telemetry import Stopwatch


def discount_echoes(ranking: Ranking, most: float) -> Ranking:
    """The candidates, those that echo the query with up to ``most`` of their score taken off.

    ``rerank_candidates`` takes the same share off their relevance.

    Both methods of retrieval, and most rerankers, measure likeness, and nothing is more like a question than itself.
    """
    with Stopwatch("discount") as watch:
        echoes = Echoes(ranking.query.text)
        taken_off = [most * echoes.find(one.chunk) for one in ranking.candidates]
        found = sum(map(bool, taken_off))
        if found:
            ranking = ranking.ordered(
                Candidate(one.chunk, lowered(one.score, part), changed(one.evidence, echo_discount=part))
                if part
                else one
                for one, part in zip(ranking.candidates, taken_off, strict=True)
            )
    note = f"{plural(found, 'passage')} repeated the query" if found else ""
    return ranking.noted(Step("discount", watch.milliseconds, len(ranking.candidates), note))
