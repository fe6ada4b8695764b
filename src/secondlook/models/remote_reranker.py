"""Rerankers behind HTTP: one client for all, and each vendor's field names as frozen data."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from typing import Any, TypeVar

import httpx

from secondlook.domain.wording import plural
from secondlook.errors import RerankerBusyError, RerankerError
from secondlook.models.breaker import CircuitBreaker
from secondlook.models.refusals import seconds_of
from secondlook.models.scores import to_units
from secondlook.ports import Passage, ScoreKind, Scores
from secondlook.telemetry import span, tell

T = TypeVar("T")

AT_ONCE = 8
"""Requests of one reranker that are on their way at a time."""
LARGEST_ANSWER = 8 << 20
"""Bytes that are read of an answer, unpacked; a thousand results with their texts have less."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of server wants to be asked, and how it answers.

    Attributes:
        path: what follows the configured address; ``{model}`` stands for the model's name.
        texts: the field with the passages.
        wrap: the key under which each passage stands in an object of its own, or "" for bare texts.
        limit: the field that asks for all results, or "" where all come anyway.
        model: the field with the model's name, or "" where the address says it.
        results: the keys that lead to the list of results; a key that is not there is passed over.
        batch: most passages a request.
        raw_scores: the field that asks for logits, if there is one.
    """

    path: str
    texts: str
    wrap: str = ""
    limit: str = ""
    model: str = "model"
    results: tuple[str, ...] = ()
    index: str = "index"
    score: str = "relevance_score"
    score_kind: ScoreKind = "probability"
    batch: int = 1000
    raw_scores: str = ""
    fixed: Mapping[str, object] = field(default_factory=dict, hash=False)


DIALECTS: Mapping[str, Dialect] = {
    "cohere": Dialect("/rerank", "documents", limit="top_n", results=("results",)),
    "jina": Dialect("/rerank", "documents", limit="top_n", results=("results",), fixed={"return_documents": False}),
    "voyage": Dialect(
        "/rerank",
        "documents",
        limit="top_k",
        results=("data",),
        fixed={"return_documents": False, "truncation": True},
    ),
    "tei": Dialect(
        "/rerank",
        "texts",
        model="",
        score="score",
        score_kind="logit",
        batch=32,
        raw_scores="raw_scores",
        fixed={"truncate": True},
    ),
    "workers-ai": Dialect(
        "/ai/run/{model}",
        "contexts",
        wrap="text",
        limit="top_k",
        model="",
        results=("result", "response"),
        index="id",
        score="score",
        score_kind="logit",
        batch=100,
    ),
}
"""Provider -> dialect. TEI refuses more than 32 texts a request unless it was told otherwise."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a remote reranker is and how it is used.

    Attributes:
        timeout: seconds for the whole rerank, all its requests together.
        score_kind: what the server's numbers mean; the dialect's when None.
        batch: most passages a request; the dialect's when 0.
    """

    name: str
    provider: str
    url: str
    model: str = ""
    key: str = field(default="", repr=False)
    timeout: float = 10.0
    score_kind: ScoreKind | None = None
    batch: int = 0

    @property
    def headers(self) -> dict[str, str]:
        """The key, if there is one."""
        return {"authorization": f"Bearer {self.key}"} if self.key else {}

    @property
    def identity(self) -> str:
        """Provider, model (its name where the server has one model only), a digest of name and address, ``remote``.

        Two servers that say they run the same model may run others: scores of one are never taken for the other's.
        """
        where = blake2b(f"{self.name}\n{self.url}\n{self.score_kind}".encode(), digest_size=4).hexdigest()
        return f"{self.provider}:{self.model or self.name}@{where}/remote"


class RemoteReranker:
    """A server that scores pairs; it has one HTTP client and one circuit breaker."""

    wants_stored = False
    remote = True

    def __init__(self, endpoint: Endpoint, *, breaker: CircuitBreaker | None = None) -> None:
        self._endpoint = endpoint
        self._dialect = DIALECTS[endpoint.provider]
        self._batch = endpoint.batch or self._dialect.batch
        self._url = join_url(endpoint.url, self._dialect.path.replace("{model}", endpoint.model))
        self._breaker = breaker or CircuitBreaker(f"the reranker {endpoint.name}")
        self._client = make_client(endpoint)
        self.score_kind: ScoreKind = endpoint.score_kind or self._dialect.score_kind

    @property
    def identity(self) -> str:
        """That of the endpoint; revision, runtime and precision are the server's secret."""
        return self._endpoint.identity

    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        """One score a passage, 0 for one without text; what the server cut off is not known, and counted as nothing.

        Raises:
            RerankerBusyError: the server takes no more requests now.
            RerankerError: the server is left alone, late, refuses, or answers what cannot be used.
        """
        places = [at for at, passage in enumerate(passages) if passage.text.strip()]  # servers refuse an empty text
        texts = [passages[at].text for at in places]
        parts = [texts[at : at + self._batch] for at in range(0, len(texts), self._batch)]
        values = [0.0] * len(passages)
        if not parts:
            return Scores(tuple(values))
        with self._breaker.watch():
            found = await ask_all(self._endpoint, [partial(self._ask, query, part) for part in parts])
        for at, value in zip(places, to_units(self.score_kind, [one for part in found for one in part]), strict=True):
            values[at] = value
        return Scores(tuple(values))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _ask(self, query: str, texts: Sequence[str]) -> list[float]:
        answer = await post(self._client, self._endpoint, self._url, self._body(query, texts))
        return align(read_results(answer, self._dialect), self._dialect, len(texts))

    def _body(self, query: str, texts: Sequence[str]) -> dict[str, object]:
        ours = self._dialect
        body: dict[str, object] = {"query": query, **ours.fixed}
        body[ours.texts] = [{ours.wrap: text} for text in texts] if ours.wrap else list(texts)
        if ours.limit:
            body[ours.limit] = len(texts)
        if ours.model and self._endpoint.model:
            body[ours.model] = self._endpoint.model
        if ours.raw_scores:
            body[ours.raw_scores] = self.score_kind == "logit"
        return body


def make_client(endpoint: Endpoint) -> httpx.AsyncClient:
    """A client that never follows a redirect: the key stays with the configured host."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(endpoint.timeout, pool=None),
        limits=httpx.Limits(max_connections=AT_ONCE),
        headers=endpoint.headers,
    )


def join_url(base: str, path: str) -> str:
    """The address with the path, which may already stand at its end."""
    bare = base.rstrip("/")
    return bare if bare.endswith(path) else bare + path


async def ask_all(endpoint: Endpoint, calls: Sequence[Callable[[], Coroutine[Any, Any, T]]]) -> list[T]:
    """What each call gives, in order; all go at once, and the first that fails ends the others.

    Raises:
        RerankerError: of the call that failed, or when the time is over.
    """
    try:
        async with asyncio.timeout(endpoint.timeout), asyncio.TaskGroup() as group:
            tasks = [group.create_task(call()) for call in calls]
    except TimeoutError as error:
        raise RerankerError(
            f"{endpoint.name} did not answer within {1000 * endpoint.timeout:.0f} ms", "timeout"
        ) from error
    except ExceptionGroup as several:
        raise several.exceptions[0] from several
    return [task.result() for task in tasks]


async def post(client: httpx.AsyncClient, endpoint: Endpoint, url: str, body: Mapping[str, object]) -> Any:
    """The JSON of the answer; raises ``RerankerError`` for anything else."""
    try:
        with span("request", reranker=endpoint.name, provider=endpoint.provider):
            async with client.stream("POST", url, json=body) as answer:
                tell(status=answer.status_code)
                content = await _read(answer, endpoint)
        if answer.status_code != httpx.codes.OK:
            text = " ".join(content[:200].decode(errors="replace").split())
            if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
                told = f"{endpoint.name} takes no more requests now: {text}"
                raise RerankerBusyError(told, seconds_of(answer.headers.get("retry-after", "")))
            raise RerankerError(f"{endpoint.name} answered {answer.status_code}: {text}", "status")
        return json.loads(content)
    except httpx.TimeoutException as error:
        raise RerankerError(
            f"{endpoint.name} did not answer within {1000 * endpoint.timeout:.0f} ms", "timeout"
        ) from error
    except httpx.HTTPError as error:
        raise RerankerError(
            f"could not use {endpoint.name}: {str(error) or type(error).__name__}", "connection"
        ) from error
    except (ValueError, RecursionError) as error:
        raise RerankerError(f"{endpoint.name} did not send JSON: {error}", "answer") from error


async def _read(answer: httpx.Response, endpoint: Endpoint) -> bytes:
    content = bytearray()
    async for part in answer.aiter_bytes():
        content += part
        if len(content) > LARGEST_ANSWER:
            raise RerankerError(f"{endpoint.name} sent more than {LARGEST_ANSWER:,} bytes", "answer")
    return bytes(content)


def read_results(answer: Any, dialect: Dialect) -> list[Any]:
    """The list of results inside the answer; raises ``RerankerError`` when there is none."""
    for key in dialect.results:
        if isinstance(answer, Mapping) and key in answer:
            answer = answer[key]
    if not isinstance(answer, list):
        where = ".".join(dialect.results) or "the answer"
        raise RerankerError(f"it sent no list of results in {where}", "answer")
    return answer


def align(results: Sequence[Any], dialect: Dialect, count: int) -> list[float]:
    """The scores in the order of the passages.

    Raises:
        RerankerError: unless each passage has exactly one score, and each score is a number.
    """
    if len(results) != count:
        raise RerankerError(f"it gave {plural(len(results), 'score')} for {plural(count, 'passage')}", "answer")
    found: dict[int, float] = {}
    for one in results:
        place = one.get(dialect.index) if isinstance(one, Mapping) else None
        value = one.get(dialect.score) if isinstance(one, Mapping) else None
        if type(place) is not int or not 0 <= place < count:
            raise RerankerError(
                f"it gave a score for passage {place!r}, which is not one of 0 to {count - 1}", "answer"
            )
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise RerankerError(f"the score of passage {place} is {value!r}, which is not a number", "answer")
        if place in found:
            raise RerankerError(f"it gave two scores for passage {place}", "answer")
        try:
            found[place] = float(value)
        except OverflowError as error:
            raise RerankerError(f"the score of passage {place} is too large for a number", "answer") from error
    return [found[place] for place in range(count)]
