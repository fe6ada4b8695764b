"""Each method of ``client.aisearch`` of the official Python SDK, called as its signature says, against a live server.

``METHODS`` has a line for each; a release of the SDK with more methods fails the last test.
"""

import inspect
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from cloudflare import BadRequestError, Cloudflare

from tests.acceptance.server_process import ServerProcess

pytestmark = pytest.mark.server

ACCOUNT = "0123456789abcdef0123456789abcdef"
KEY = "signals/fog.md"
TEXT = "Two blasts of the fog horn every ninety seconds."
ASKED: Any = [{"role": "user", "content": "fog horn"}]
OPTIONS: Any = {"retrieval": {"match_threshold": 0}, "cache": {"enabled": False}}


@dataclass
class Bed:
    """A client, and an instance that holds one item."""

    client: Cloudflare
    name: str
    item: str

    @property
    def short(self) -> Any:
        return self.client.aisearch.instances

    @property
    def inner(self) -> Any:
        return self.client.aisearch.namespaces.instances

    @property
    def spaces(self) -> Any:
        return self.client.aisearch.namespaces

    def here(self) -> dict[str, str]:
        """Where the instance is."""
        return {"account_id": ACCOUNT, "name": "default"}

    def at(self) -> dict[str, str]:
        """Where the instance's items are."""
        return {**self.here(), "id": self.name}


def fresh() -> str:
    return f"made-{uuid.uuid4().hex[:8]}"


def made(bed: Bed, resource: Any, *where: str) -> str:
    """The name of a new instance."""
    name = fresh()
    assert resource.create(*where, account_id=ACCOUNT, id=name).id == name
    return name


def deleted(bed: Bed, resource: Any, *where: str, **more: str) -> bool:
    name = made(bed, resource, *where)
    resource.delete(name, account_id=ACCOUNT, **more)
    return name not in [one.id for one in resource.list(*where, account_id=ACCOUNT, per_page=100)]


def space(bed: Bed) -> str:
    name = fresh()
    assert bed.spaces.create(account_id=ACCOUNT, name=name, description="a").name == name
    return name


def space_deleted(bed: Bed) -> bool:
    name = space(bed)
    bed.spaces.delete(name, account_id=ACCOUNT)
    return name not in [one.name for one in bed.spaces.list(account_id=ACCOUNT)]


def item_deleted(bed: Bed) -> bool:
    gone = uploaded(bed, "gone.md")
    bed.inner.items.delete(gone.id, **bed.at())
    return "gone.md" not in [one.key for one in bed.inner.items.list(bed.name, **bed.here())]


def uploaded(bed: Bed, key: str) -> Any:
    text = TEXT if key == KEY else "Grade B stays liquid."
    file = {"file": (key, text.encode(), "text/markdown"), "wait_for_completion": True, "metadata": '{"a": 1}'}
    return bed.inner.items.upload(bed.name, **bed.here(), file=file)


def site(bed: Bed) -> dict[str, str]:
    """An instance of its own for each job, since two syncs may not follow each other at once."""
    name = fresh()
    bed.short.create(account_id=ACCOUNT, id=name)
    return {"id": name, "account_id": ACCOUNT}


def job(bed: Bed, at: dict[str, str]) -> str:
    made = bed.short.jobs.create(**at, description="after deploy")
    assert (made.source, made.description) == ("user", "after deploy")
    return str(made.id)


def short_job(bed: Bed, name: str) -> Any:
    """What a method of jobs gives for a job just made, and its id."""
    at = site(bed)
    made = job(bed, at)
    jobs = bed.short.jobs
    if name == "list":
        return made in [one.id for one in jobs.list(**at)]
    return jobs.get(made, **at).id == made if name == "get" else logged(lambda: list(jobs.logs(made, **at)))


def inner_job(bed: Bed, name: str) -> Any:
    """The same by the longer path."""
    at = {**site(bed), "name": "default"}
    jobs = bed.inner.jobs
    made = str(jobs.create(**at, description="after deploy").id)
    if name == "list":
        return made in [one.id for one in jobs.list(**at)]
    return jobs.get(made, **at).id == made if name == "get" else logged(lambda: list(jobs.logs(made, **at)))


def logged(read: Callable[[], list[Any]]) -> list[Any]:
    """The log of a job, once it has begun."""
    until = time.monotonic() + 20
    while not (lines := read()) and time.monotonic() < until:
        pass
    return lines


def cancelled(bed: Bed) -> bool:
    """A job that has ended cannot be cancelled; before, it is."""
    at = {**site(bed), "name": "default"}
    made = bed.inner.jobs.create(**at).id
    try:
        return bool(bed.inner.jobs.update(made, **at, action="cancel").id == made)
    except BadRequestError as error:
        return error.errors[0].code == 7046


def token_of(bed: Bed) -> Any:
    return bed.client.aisearch.tokens.create(account_id=ACCOUNT, name=fresh(), cf_api_id="id", cf_api_key="key")


def token_changed(bed: Bed) -> bool:
    tokens, made = bed.client.aisearch.tokens, token_of(bed)
    tokens.update(made.id, account_id=ACCOUNT, name="other", cf_api_id="id", cf_api_key="new")
    return bool(tokens.read(made.id, account_id=ACCOUNT).name == "other")


def token_deleted(bed: Bed) -> bool:
    tokens, made = bed.client.aisearch.tokens, token_of(bed)
    tokens.delete(made.id, account_id=ACCOUNT)
    return made.id not in [one.id for one in tokens.list(account_id=ACCOUNT)]


def says(answer: Any) -> bool:
    return "signals/fog.md" in answer.choices[0].message.content


def finds(answer: Any) -> bool:
    return bool(answer.chunks[0].item.key == KEY)


def joint(bed: Bed) -> Any:
    return {**OPTIONS, "instance_ids": [bed.name]}


CHANGES: Mapping[str, Any] = {
    "aisearch_model": "@cf/meta/llama-3.3-70b-instruct-fp8-fast",
    "cache": False,
    "cache_threshold": "flexible_friend",
    "cache_ttl": 600,
    "fusion_method": "max",
    "max_num_results": 7,
    "reranking": True,
    "score_threshold": 0.1,
    "system_prompt_aisearch": "Be brief.",
}


def changed(answer: Any) -> bool:
    shown = answer.to_dict()
    return {wire: shown.get(wire.replace("aisearch", "ai_search")) for wire in CHANGES} == dict(CHANGES)


METHODS: Mapping[str, Callable[[Bed], Any]] = {
    "instances.chat_completions": lambda bed: says(
        bed.short.chat_completions(bed.name, account_id=ACCOUNT, messages=ASKED, aisearch_options=OPTIONS)
    ),
    "instances.create": lambda bed: made(bed, bed.short),
    "instances.delete": lambda bed: deleted(bed, bed.short),
    "instances.list": lambda bed: bed.name in [one.id for one in bed.short.list(account_id=ACCOUNT, search=bed.name)],
    "instances.read": lambda bed: bed.short.read(bed.name, account_id=ACCOUNT).id == bed.name,
    "instances.search": lambda bed: finds(
        bed.short.search(bed.name, account_id=ACCOUNT, query="fog horn", aisearch_options=OPTIONS)
    ),
    "instances.stats": lambda bed: bed.short.stats(bed.name, account_id=ACCOUNT).completed >= 1,
    "instances.update": lambda bed: changed(bed.short.update(made(bed, bed.short), account_id=ACCOUNT, **CHANGES)),
    "namespaces.create": space,
    "namespaces.delete": space_deleted,
    "namespaces.list": lambda bed: space(bed) in [one.name for one in bed.spaces.list(account_id=ACCOUNT)],
    "namespaces.read": lambda bed: bed.spaces.read(space(bed), account_id=ACCOUNT).description == "a",
    "namespaces.update": lambda bed: (
        bed.spaces.update(space(bed), account_id=ACCOUNT, description="b").description == "b"
    ),
    "namespaces.instances.chat_completions": lambda bed: says(
        bed.inner.chat_completions(bed.name, **bed.here(), messages=ASKED, aisearch_options=OPTIONS)
    ),
    "namespaces.instances.create": lambda bed: made(bed, bed.inner, "default"),
    "namespaces.instances.delete": lambda bed: deleted(bed, bed.inner, "default", name="default"),
    "namespaces.instances.list": lambda bed: (
        bed.name in [one.id for one in bed.inner.list("default", account_id=ACCOUNT, search=bed.name)]
    ),
    "namespaces.instances.read": lambda bed: bed.inner.read(bed.name, **bed.here()).namespace == "default",
    "namespaces.instances.search": lambda bed: finds(
        bed.inner.search(bed.name, **bed.here(), messages=ASKED, aisearch_options=OPTIONS)
    ),
    "namespaces.instances.stats": lambda bed: bed.inner.stats(bed.name, **bed.here()).engine is not None,
    "namespaces.instances.update": lambda bed: changed(
        bed.inner.update(made(bed, bed.inner, "default"), **bed.here(), **CHANGES)
    ),
    "namespaces.instances.items.chunks": lambda bed: (
        [one.text for one in bed.inner.items.chunks(bed.item, **bed.at())] == [TEXT]
    ),
    "namespaces.instances.items.create_or_update": lambda bed: (
        bed.inner.items.create_or_update(
            bed.name, **bed.here(), key=KEY, next_action="INDEX", wait_for_completion=True
        ).status
        == "completed"
    ),
    "namespaces.instances.items.delete": item_deleted,
    "namespaces.instances.items.download": lambda bed: (
        bed.inner.items.download(bed.item, **bed.at()).read() == TEXT.encode()
    ),
    "namespaces.instances.items.get": lambda bed: bed.inner.items.get(bed.item, **bed.at()).key == KEY,
    "namespaces.instances.items.list": lambda bed: (
        [one.key for one in bed.inner.items.list(bed.name, **bed.here(), key=KEY)] == [KEY]
    ),
    "namespaces.instances.items.sync": lambda bed: (
        bed.inner.items.sync(bed.item, **bed.at(), next_action="INDEX", wait_for_completion=True).key == KEY
    ),
    "namespaces.instances.items.upload": lambda bed: uploaded(bed, "more.md").status == "completed",
    "namespaces.instances.items.logs": lambda bed: (
        bed.item and next(iter(bed.inner.items.logs(bed.item, **bed.at()))).action
    ),
    **{f"instances.jobs.{one}": partial(short_job, name=one) for one in ("get", "list", "logs")},
    "instances.jobs.create": lambda bed: job(bed, site(bed)),
    **{f"namespaces.instances.jobs.{one}": partial(inner_job, name=one) for one in ("get", "list", "logs")},
    "namespaces.instances.jobs.create": lambda bed: (
        bed.inner.jobs.create(**site(bed), name="default", description="after deploy").source == "user"
    ),
    "namespaces.instances.jobs.update": cancelled,
    "namespaces.search": lambda bed: finds(
        bed.spaces.search("default", account_id=ACCOUNT, query="fog horn", aisearch_options=joint(bed))
    ),
    "namespaces.chat_completions": lambda bed: says(
        bed.spaces.chat_completions("default", account_id=ACCOUNT, messages=ASKED, aisearch_options=joint(bed))
    ),
    "tokens.create": lambda bed: token_of(bed).id,
    "tokens.read": lambda bed: bed.client.aisearch.tokens.read(token_of(bed).id, account_id=ACCOUNT).cf_api_id == "id",
    "tokens.update": token_changed,
    "tokens.delete": token_deleted,
    "tokens.list": lambda bed: len(list(bed.client.aisearch.tokens.list(account_id=ACCOUNT))) >= 1,
}
"""What each method must give: something true."""


@pytest.fixture(scope="module")
def bed(server: ServerProcess, token: str) -> Iterator[Bed]:
    client = Cloudflare(api_token=token, base_url=f"{server.url}/client/v4", max_retries=0)
    bed = Bed(client, fresh(), "")
    bed.inner.create("default", account_id=ACCOUNT, id=bed.name, score_threshold=0)
    bed.item = uploaded(bed, KEY).id
    yield bed


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
@pytest.mark.parametrize("method", METHODS)
def test_each_method(bed: Bed, method: str) -> None:
    assert METHODS[method](bed)


def methods_of(resource: Any, path: str = "") -> set[str]:
    """The names of all methods of a resource and of those under it."""
    found: set[str] = set()
    for name in dir(resource):
        if name.startswith(("_", "with_")):
            continue
        one = getattr(resource, name)
        if inspect.ismethod(one):
            found.add(path + name)
        elif hasattr(one, "with_raw_response"):
            found |= methods_of(one, f"{path}{name}.")
    return found


def test_no_method_is_left_out() -> None:
    assert methods_of(Cloudflare(api_token="x").aisearch) == set(METHODS)
