"""``public_endpoint_params`` of instances and namespaces: settings in, settings out (contract, 17.1)."""

import re
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field

from secondlook.api.body import Body, validate
from secondlook.domain.endpoint import Endpoint, EndpointParams, Owner, RateLimit
from secondlook.domain.instance import Instance
from secondlook.domain.overrides import Override
from secondlook.errors import InvalidDomainError, InvalidOptionError
from secondlook.services.endpoints import Endpoints

KEY = "public_endpoint_params"
MOST_ALLOWED = 10
MOST_HOSTS = 100
EVERYBODY = "*"
PLAIN = EndpointParams()
LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
DOMAIN = re.compile(rf"(?=.{{4,253}}\Z)(?:{LABEL}\.)+(?=[a-z]){LABEL}")
"""A host name with a dot; no address, no port, no wildcard."""
HOST = re.compile(r"\*|(?:https?://)?(?:\*\.)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?")
"""All pages; or a host or origin, with ``*.`` for every host below it."""


class SwitchBody(Body):
    """One way of asking."""

    disabled: bool = False


class ToolBody(SwitchBody):
    """The tool for agents."""

    description: str = Field(PLAIN.description, min_length=1, max_length=4096)


class LimitBody(Body):
    """How often the endpoint may be asked."""

    requests: int = Field(PLAIN.limit.requests, ge=1, le=1_000_000_000)
    period_ms: int = Field(60_000, ge=60_000, le=3_600_000)
    technique: Literal["fixed", "sliding"] = "fixed"


class EndpointBody(Body):
    """Everything that can be set; it is always set whole."""

    enabled: bool = False
    search_endpoint: SwitchBody = SwitchBody()
    chat_completions_endpoint: SwitchBody = SwitchBody()
    mcp: ToolBody = ToolBody()
    rate_limit: LimitBody = LimitBody()
    authorized_hosts: list[str] | None = Field(None, max_length=MOST_HOSTS)
    custom_domains: list[str] | None = Field(None, max_length=1)
    default_domain_enabled: bool = True
    instances_allowed: list[str] | None = Field(None, max_length=MOST_ALLOWED)
    allowed_overrides: list[Override] | None = None


def owner_of(instance: Instance) -> Owner:
    """To whom the endpoint of an instance belongs."""
    return Owner(instance.account, instance.namespace, instance.uid)


@dataclass(frozen=True, slots=True)
class Change:
    """What a request wants of an endpoint, already checked: new settings, or that it be switched off."""

    endpoints: Endpoints
    before: Endpoint | None
    params: EndpointParams | None = None
    off: bool = False

    async def apply(self, owner: Owner) -> Endpoint | None:
        """The endpoint as it then is."""
        if self.params is not None:
            return await self.endpoints.put(owner, self.params)
        return await self.endpoints.disable(owner) if self.off else self.before


async def read_change(endpoints: Endpoints, owner: Owner, raw: dict[str, Any], *, host: str) -> Change:
    """What the request wants, nothing if it does not name the endpoint; null switches that of a namespace off.

    ``host`` is that of the request, which no endpoint may take over.

    Raises:
        CallerError: it cannot be had; see ``Endpoints.check`` and ``read_params``.
    """
    before = await endpoints.of(owner)
    if raw.get(KEY) is None:
        return Change(endpoints, before, off=KEY in raw and not owner.uid)
    params = read_params(raw, before, of_namespace=not owner.uid)
    await endpoints.check(owner, params, host=host)
    return Change(endpoints, before, params)


def read_params(raw: dict[str, Any], before: Endpoint | None, *, of_namespace: bool = False) -> EndpointParams:
    """The settings that the request sends; domains that it leaves out stay.

    Raises:
        InvalidOptionError: a value is out of its range. InvalidDomainError: a domain is none.
    """
    body = validate(EndpointHolder, {KEY: raw[KEY]}).public_endpoint_params
    if body.instances_allowed and not of_namespace:
        raise InvalidOptionError(
            f"{KEY}.instances_allowed: an instance's endpoint searches that instance only: leave it out"
        )
    kept = before.params.domains if before else ()
    return EndpointParams(
        enabled=body.enabled,
        search=not body.search_endpoint.disabled,
        chat=not body.chat_completions_endpoint.disabled,
        tool=not body.mcp.disabled,
        description=body.mcp.description,
        limit=RateLimit(body.rate_limit.requests, body.rate_limit.period_ms / 1000, body.rate_limit.technique),
        origins=None if body.authorized_hosts is None else tuple(check_host(one) for one in body.authorized_hosts),
        domains=kept if body.custom_domains is None else tuple(check_domain(one) for one in body.custom_domains),
        plain_domain=body.default_domain_enabled,
        instances=tuple(dict.fromkeys(body.instances_allowed or ())),
        overrides=None if body.allowed_overrides is None else tuple(dict.fromkeys(body.allowed_overrides)),
    )


class EndpointHolder(Body):
    """The key with what it holds, so that a refusal names the whole path."""

    public_endpoint_params: EndpointBody = EndpointBody()


def check_domain(given: str) -> str:
    """The domain in small letters; raises ``InvalidDomainError``."""
    domain = given.strip().lower().rstrip(".")
    if not DOMAIN.fullmatch(domain):
        raise InvalidDomainError(
            f"{KEY}.custom_domains: {given[:80]!r} is not a host name: give one like search.example.com, without"
            " scheme, port and path"
        )
    return domain


def check_host(given: str) -> str:
    """The host or origin in small letters; raises ``InvalidOptionError``."""
    host = given.strip().lower().rstrip("/")
    if not HOST.fullmatch(host):
        raise InvalidOptionError(
            f"{KEY}.authorized_hosts: {given[:80]!r} is not a host: give one like example.com, *.example.com,"
            " https://example.com:8443, or *"
        )
    return host


def origins_of(endpoint: Endpoint, instance: Instance | None) -> tuple[str, ...]:
    """The pages that may read answers: as set, else those of the website that is searched, else all."""
    if endpoint.params.origins is not None:
        return endpoint.params.origins
    site = instance.settings.source if instance and instance.settings.source_kind == "web-crawler" else ""
    try:
        host = urlsplit(site).hostname
    except ValueError:  # kept by a release that did not refuse it: no page is on that site
        return ()
    return (host,) if host else (EVERYBODY,)


def is_at(endpoint: Endpoint | None, hostname: str) -> bool:
    """Whether that host leads to the endpoint: one of its domains, or one whose first label is its id."""
    host = hostname.strip().lower().rstrip(".")
    if endpoint is None or not endpoint.params.enabled:
        return False
    return host in endpoint.params.domains or (bool(endpoint.id) and host.partition(".")[0] == endpoint.label)


def shown(endpoint: Endpoint | None, instance: Instance | None = None) -> dict[str, object]:
    """The two keys of an endpoint in the object of its owner."""
    if endpoint is None:
        return {"public_endpoint_id": None, KEY: None}
    params = endpoint.params
    made: dict[str, object] = {
        "enabled": params.enabled,
        "search_endpoint": {"disabled": not params.search},
        "chat_completions_endpoint": {"disabled": not params.chat},
        "mcp": {"disabled": not params.tool, "description": params.description},
        "rate_limit": {
            "requests": params.limit.requests,
            "period_ms": round(params.limit.period * 1000),
            "technique": params.limit.technique,
        },
        "authorized_hosts": list(origins_of(endpoint, instance)),
        "custom_domains": list(params.domains) or None,
        "default_domain_enabled": params.plain_domain,
        "allowed_overrides": None if params.overrides is None else list(params.overrides),
    }
    if not endpoint.owner.uid:
        made["instances_allowed"] = list(params.instances)
    return {"public_endpoint_id": endpoint.id or None, KEY: made}
