"""Public endpoints: who may be asked what without a token, under which names, and how often."""

import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from secondlook.domain.endpoint import LABEL, Endpoint, EndpointParams, EventValue, Owner, UsageEvent
from secondlook.domain.instance import Instance
from secondlook.errors import (
    DomainTakenError,
    InactiveEndpointError,
    InstanceNotFoundError,
    InvalidDomainError,
    NamespaceNotFoundError,
    NoDomainLeftError,
    UnknownInstancesError,
)
from secondlook.ports import Catalog
from secondlook.services.throttling import Throttle
from secondlook.telemetry import box_events

log = logging.getLogger(__name__)

MOST_EVENTS = 10_000
"""Kept of each endpoint, the newest."""


class EndpointStore(Protocol):
    """Where endpoints are remembered; durable once a call returns."""

    async def of(self, owner: Owner) -> Endpoint | None:
        """The owner's endpoint, if it ever was set."""

    async def all_of(self, account: str) -> Sequence[Endpoint]:
        """Every endpoint of the account."""

    async def find(self, public_id: str) -> Endpoint | None:
        """The endpoint of that id."""

    async def list_domains(self) -> Mapping[str, Owner]:
        """Who answers under each domain."""

    async def put(self, endpoint: Endpoint) -> Endpoint:
        """Write it whole; an id that it has already stays. Raises ``DomainTakenError``."""

    async def remove(self, owner: Owner) -> None:
        """Remove the endpoint, its domains and events."""

    async def add_events(self, public_id: str, told: Sequence[UsageEvent], *, most: int) -> None:
        """Write them down, and forget the oldest beyond ``most``."""

    async def list_events(self, public_id: str, limit: int) -> Sequence[UsageEvent]:
        """The newest, newest first."""


class Bundles(Protocol):
    """Where the code of the search box lies."""

    async def read(self, version: str) -> bytes | None:
        """The code; None for a version that is not known. Raises ``AssetError``."""


def is_claimable(domain: str, allowed: Sequence[str]) -> bool:
    """Whether one of these is the domain, or ``*.`` and a domain above it."""
    return any(domain == one or (one.startswith("*.") and domain.endswith(one[1:])) for one in allowed)


class Endpoints:
    """Sets, finds and guards endpoints."""

    def __init__(
        self,
        store: EndpointStore,
        catalog: Catalog,
        bundles: Bundles,
        *,
        throttle: Throttle | None = None,
        claimable: Sequence[str] = (),
    ) -> None:
        """``claimable``: hosts that endpoints may have as domains of their own, ``*.`` for all below one."""
        self._store = store
        self._catalog = catalog
        self._bundles = bundles
        self._throttle = throttle or Throttle()
        self._claimable = tuple(claimable)
        self._domains: Mapping[str, Owner] | None = None
        self._changes = 0

    async def of(self, owner: Owner) -> Endpoint | None:
        """The owner's endpoint, if it ever was set."""
        return await self._store.of(owner)

    async def all_of(self, account: str) -> Mapping[Owner, Endpoint]:
        """Every endpoint of the account."""
        return {one.owner: one for one in await self._store.all_of(account)}

    async def tell_domains(self) -> None:
        """Log each domain in use that could not be claimed today; it keeps working."""
        for domain, owner in sorted((await self._all_domains()).items()):
            if not is_claimable(domain, self._claimable):
                log.warning(
                    "The custom domain %s of account %s keeps working, although SECONDLOOK_CUSTOM_DOMAINS does not"
                    " allow it", domain, owner.account,
                )  # fmt: skip

    async def check(self, owner: Owner, params: EndpointParams, *, host: str = "") -> None:
        """Whether these can be set by a request to this host. Domains that the endpoint has already stay.

        Raises:
            InvalidDomainError: the operator does not let endpoints have the domain, or it is the server's own.
            InactiveEndpointError: a domain for an endpoint that is not enabled.
            NoDomainLeftError: the plain domain is switched off, and there is no other.
            DomainTakenError: another endpoint has the domain.
            UnknownInstancesError: a named instance is not in the namespace.
        """
        if params.domains and not params.enabled:
            raise InactiveEndpointError(
                f"the domain {params.domains[0]!r} needs an enabled endpoint: enable the endpoint, or remove the domain"
            )
        if params.enabled and not params.plain_domain and not params.domains:
            raise NoDomainLeftError(
                "the default domain can be disabled only once the endpoint has a custom one: add one"
            )
        before = await self._store.of(owner)
        for domain in params.domains:
            if before is None or domain not in before.params.domains:
                self._check_claim(domain, host)
            other = (await self._all_domains()).get(domain, owner)
            if other != owner and await self._is_gone(other):
                await self.remove(other)  # a crash came between the end of its owner and its own
            elif other != owner:
                raise DomainTakenError(f"the domain {domain!r} belongs to another endpoint: remove it there first")
        if params.instances:
            there = await self._names(owner)
            if gone := [name for name in params.instances if name not in there]:
                raise UnknownInstancesError(f"namespace {owner.namespace!r} has no instance {gone[0]!r}")

    def _check_claim(self, domain: str, host: str) -> None:
        if domain == host.rstrip("."):
            raise InvalidDomainError(f"the domain {domain!r} is this server's own address: give another")
        if not is_claimable(domain, self._claimable):
            raise InvalidDomainError(
                f"the domain {domain!r} cannot be used here: the operator of this server has not named it in"
                " SECONDLOOK_CUSTOM_DOMAINS"
            )

    async def put(self, owner: Owner, params: EndpointParams) -> Endpoint:
        """The endpoint with these settings, which were checked; its id is made when it is enabled first."""
        made = Endpoint(owner, params, secrets.token_hex(8) if params.enabled else "")
        try:
            return await self._store.put(made)
        finally:
            self._forget_domains()

    async def disable(self, owner: Owner) -> Endpoint | None:
        """Switch it off; its id and settings stay, its domains go."""
        found = await self._store.of(owner)
        return await self.put(owner, replace(found.params, enabled=False, domains=())) if found else None

    async def remove(self, owner: Owner) -> None:
        """Remove it for good, with its owner."""
        try:
            await self._store.remove(owner)
        finally:
            self._forget_domains()

    async def owner_at(self, host: str) -> Owner | None:
        """Who has that custom domain."""
        return (await self._all_domains()).get(host)

    async def find(self, label: str) -> Endpoint | None:
        """The endpoint of that label, if it is one and of the kind that the label says."""
        match = LABEL.fullmatch(label)
        found = await self._store.find(match[2]) if match else None
        return found if found and found.label == label else None

    async def instance_of(self, endpoint: Endpoint) -> Instance | None:
        """The instance behind an endpoint; None for a namespace's, or when it is gone."""
        try:
            return await self._catalog.get_instance_by_uid(endpoint.owner.uid) if endpoint.owner.uid else None
        except InstanceNotFoundError:
            return None

    def admit(self, endpoint: Endpoint) -> float:
        """0, and the request counts; or the seconds until one will be let in."""
        return self._throttle.admit(endpoint.id, endpoint.params.limit)

    async def record(self, endpoint: Endpoint, told: Sequence[Mapping[str, EventValue]]) -> None:
        """Keep what a search box told; of each endpoint the newest ``MOST_EVENTS``."""
        for one in told:
            box_events.labels(
                "more" if one.get("clickViewMore") else "click" if "clickedResultId" in one else "search"
            ).inc()
        now = int(time.time() * 1000)
        await self._store.add_events(endpoint.id, [UsageEvent(now, one) for one in told], most=MOST_EVENTS)

    async def bundle(self, version: str) -> bytes | None:
        """The code of the search box; None for a version that is not known. Raises ``AssetError``."""
        return await self._bundles.read(version)

    async def events(self, endpoint: Endpoint, limit: int = MOST_EVENTS) -> Sequence[UsageEvent]:
        """What search boxes told, newest first."""
        return await self._store.list_events(endpoint.id, limit)

    def _forget_domains(self) -> None:
        self._domains = None
        self._changes += 1

    async def _is_gone(self, owner: Owner) -> bool:
        try:
            if owner.uid:
                await self._catalog.get_instance_by_uid(owner.uid)
            else:
                await self._catalog.list_instances(owner.account, owner.namespace)
        except (InstanceNotFoundError, NamespaceNotFoundError):
            return True
        return False

    async def _names(self, owner: Owner) -> set[str]:
        try:
            return {one.name for one in await self._catalog.list_instances(owner.account, owner.namespace)}
        except NamespaceNotFoundError:
            return set()  # it is about to be made

    async def _all_domains(self) -> Mapping[str, Owner]:
        if self._domains is not None:
            return self._domains
        changes = self._changes
        domains = await self._store.list_domains()
        if changes == self._changes:  # else what was read may be from before the last change
            self._domains = domains
        return domains
