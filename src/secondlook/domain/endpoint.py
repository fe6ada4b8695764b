"""A public endpoint: what of an instance or a namespace anybody may ask, without a token."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from secondlook.domain.overrides import Override

Technique = Literal["fixed", "sliding"]
EventValue = str | int | bool

NAMESPACE_MARK = "ns-"
"""Stands before the id in the host and the path of a namespace's endpoint."""
LABEL = re.compile(r"(ns-)?([0-9a-f]{16})")
"""The first label of a host, or a part of a path, that names an endpoint."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How many requests are let in during a period of that many seconds, by all callers together."""

    requests: int = 120
    period: float = 60.0
    technique: Technique = "fixed"


@dataclass(frozen=True, slots=True)
class EndpointParams:
    """What is set on an endpoint.

    Attributes:
        search, chat, tool: which ways of asking are open.
        description: of the tool, for the agents that choose it.
        origins: web pages whose scripts may read answers, as hosts or origins, ``*`` for all; None for the default.
        domains: hosts of one's own under which the endpoint answers too.
        plain_domain: whether it answers under its id.
        instances: of a namespace, those that may be asked.
        overrides: what callers may choose in place of the instance's settings; None for the server's default.
    """

    enabled: bool = False
    search: bool = True
    chat: bool = True
    tool: bool = True
    description: str = "Finds exactly what you're looking for"
    limit: RateLimit = RateLimit()
    origins: tuple[str, ...] | None = None
    domains: tuple[str, ...] = ()
    plain_domain: bool = True
    instances: tuple[str, ...] = ()
    overrides: tuple[Override, ...] | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """To whom an endpoint belongs: an instance by its ``uid``, or, when that is empty, the namespace."""

    account: str
    namespace: str
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint; ``id`` is empty until it is enabled first, and then stays for ever."""

    owner: Owner
    params: EndpointParams
    id: str = ""

    @property
    def label(self) -> str:
        """Its id as hosts and paths have it."""
        return self.id if self.owner.uid else f"{NAMESPACE_MARK}{self.id}"


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """What a search box told of its use; ``at`` in milliseconds since 1970."""

    at: int
    told: Mapping[str, EventValue] = field(default_factory=dict, hash=False)
