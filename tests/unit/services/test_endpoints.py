"""Endpoints: what can be set, and under which names they answer."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from secondlook.domain.endpoint import EndpointParams, Owner, RateLimit
from secondlook.errors import (
    DomainTakenError,
    InactiveEndpointError,
    InvalidDomainError,
    NoDomainLeftError,
    UnknownInstancesError,
)
from secondlook.services.endpoints import Endpoints
from secondlook.stores.database import Database
from secondlook.stores.endpoints import SqlEndpoints
from secondlook.stores.snippets import Snippets
from tests.random_turns import Interrupted
from tests.unit.services.conftest import House

ON = EndpointParams(enabled=True)
SHORE = Owner("acc", "default")


@pytest.fixture
def endpoints(idle: House) -> Iterator[Endpoints]:
    database = Database(f"sqlite+aiosqlite:///{idle.folder / 'catalog.sqlite'}")
    store = SqlEndpoints(database)
    idle.run(store.open())
    yield Endpoints(store, idle.catalog, Snippets(idle.folder / "snippets"), claimable=("a.example", "*.b.example"))
    idle.run(database.close())


def test_no_domain_can_be_claimed_unless_the_operator_says_so(idle: House, endpoints: Endpoints) -> None:
    mine = replace(SHORE, uid=idle.make("mine").uid)
    for domain in ("a.example", "search.b.example", "deep.search.b.example"):
        idle.run(endpoints.check(mine, replace(ON, domains=(domain,)), host="api.example"))
    for domain, why in (
        ("b.example", "SECONDLOOK_CUSTOM_DOMAINS"),
        ("xb.example", "SECONDLOOK_CUSTOM_DOMAINS"),
        ("x.a.example", "SECONDLOOK_CUSTOM_DOMAINS"),
    ):
        with pytest.raises(InvalidDomainError, match=why):
            idle.run(endpoints.check(mine, replace(ON, domains=(domain,))))
    with pytest.raises(InvalidDomainError, match="this server's own address"):
        idle.run(endpoints.check(mine, replace(ON, domains=("a.example",)), host="a.example"))


def test_a_domain_that_is_stored_keeps_working_and_is_told(
    idle: House, endpoints: Endpoints, caplog: pytest.LogCaptureFixture
) -> None:
    mine = replace(SHORE, uid=idle.make("mine").uid)
    for name, domain in ((mine, "old.example"), (SHORE, "a.example")):
        idle.run(endpoints.put(name, replace(ON, domains=(domain,))))
    idle.run(endpoints.tell_domains())
    [line] = [one.getMessage() for one in caplog.records]
    assert line.startswith("The custom domain old.example of account acc keeps working, although")
    assert idle.run(endpoints.owner_at("old.example")) == mine
    idle.run(endpoints.check(mine, replace(ON, domains=("old.example",), plain_domain=False)))


def test_what_cannot_be_set(idle: House, endpoints: Endpoints) -> None:
    mine, other = replace(SHORE, uid=idle.make("mine").uid), replace(SHORE, uid="b")
    named = replace(ON, domains=("a.example",))
    idle.run(endpoints.put(mine, named))
    for owner, params, error in (
        (mine, replace(named, enabled=False), InactiveEndpointError),
        (mine, replace(ON, plain_domain=False), NoDomainLeftError),
        (other, named, DomainTakenError),
        (SHORE, replace(ON, instances=("gone",)), UnknownInstancesError),
        (replace(SHORE, namespace="new"), replace(ON, instances=("docs",)), UnknownInstancesError),
    ):
        with pytest.raises(error):
            idle.run(endpoints.check(owner, params))
    idle.run(endpoints.check(mine, named))
    idle.make("docs")
    idle.run(endpoints.check(SHORE, replace(ON, instances=("docs",))))


def test_labels_say_the_kind(idle: House, endpoints: Endpoints) -> None:
    instance, namespace = idle.run(endpoints.put(replace(SHORE, uid="a"), ON)), idle.run(endpoints.put(SHORE, ON))
    assert namespace.label == f"ns-{namespace.id}"
    for one in (instance, namespace):
        assert idle.run(endpoints.find(one.label)) == one
    assert idle.run(endpoints.find(f"ns-{instance.id}")) is None
    assert idle.run(endpoints.find(namespace.id)) is None
    assert idle.run(endpoints.find("no label")) is None
    assert idle.run(endpoints.instance_of(instance)) is None  # there is no instance a
    assert set(idle.run(endpoints.all_of("acc"))) == {SHORE, replace(SHORE, uid="a")}


def test_switched_off_it_keeps_all_but_its_domains(idle: House, endpoints: Endpoints) -> None:
    params = replace(ON, limit=RateLimit(7, 90.0, "sliding"), domains=("a.example",))
    made = idle.run(endpoints.put(SHORE, params))
    assert idle.run(endpoints.owner_at("a.example")) == SHORE
    off = idle.run(endpoints.disable(SHORE))
    assert off == replace(made, params=replace(params, enabled=False, domains=()))
    assert idle.run(endpoints.owner_at("a.example")) is None
    assert idle.run(endpoints.disable(replace(SHORE, uid="never"))) is None
    idle.run(endpoints.remove(SHORE))
    assert idle.run(endpoints.of(SHORE)) is None
    assert idle.run(endpoints.put(SHORE, ON)).id != made.id


def test_an_endpoint_counts_its_own_requests(idle: House, endpoints: Endpoints) -> None:
    made = idle.run(endpoints.put(SHORE, replace(ON, limit=RateLimit(1, 3600.0))))
    assert endpoints.admit(made) == 0
    assert endpoints.admit(made) > 0


def test_a_domain_is_free_again_when_its_owner_is_gone(idle: House, endpoints: Endpoints) -> None:
    named = replace(ON, domains=("a.example",))
    for gone in (replace(SHORE, uid="gone"), replace(SHORE, namespace="gone")):
        left = idle.run(endpoints.put(gone, named))
        idle.run(endpoints.check(SHORE, named))
        assert idle.run(endpoints.find(left.label)) is None
    assert idle.run(endpoints.put(SHORE, named)).params == named


def test_a_domain_that_is_set_while_domains_are_read_answers(idle: House) -> None:
    """What was read before a change is not kept after it."""
    database = Database(f"sqlite+aiosqlite:///{idle.folder / 'catalog.sqlite'}")
    store = SqlEndpoints(database)
    idle.run(store.open())
    mine = replace(SHORE, uid=idle.make("mine").uid)

    async def publish() -> None:
        await made.put(mine, replace(ON, domains=("a.example",)))

    made = Endpoints(
        Interrupted(store, "list_domains", publish),  # type: ignore[arg-type]  # the real store behind it
        idle.catalog,
        Snippets(idle.folder / "snippets"),
    )
    idle.run(made.owner_at("a.example"))
    assert idle.run(made.owner_at("a.example")) == mine
    idle.run(database.close())
