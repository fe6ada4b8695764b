"""Which instances an answer shows, and how: one by itself, or those of a list."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from secondlook.api.ai_search.endpoints import is_at, owner_of
from secondlook.api.ai_search.instances import CLOUDFLARES_EMBEDDER, instance_of
from secondlook.domain.instance import Instance
from secondlook.errors import NamespaceNotFoundError
from secondlook.services.bundle import Services

ABSENT = ("metadata", "public_endpoint_params", "token_id")
"""Fields that are null in lists and absent elsewhere where there is nothing to show, as Cloudflare's SDKs have them."""


async def listed(
    services: Services, place: tuple[str, str], namespace: str, *, named: bool, hostname: str = ""
) -> Sequence[Instance]:
    """The instances of that account and namespace, as far as the filters ``namespace`` and ``hostname`` leave them.

    Args:
        named: the path names the namespace, so that the filter cannot name another one.

    Raises:
        NamespaceNotFoundError: there is no namespace of that place.
    """
    account, own = place
    found: Sequence[Instance] = ()
    if named or namespace in ("", own):
        found = await services.instances.list(account, own)
        found = found if namespace in ("", own) else ()
    else:
        with suppress(NamespaceNotFoundError):
            found = await services.instances.list(account, namespace)
    if not hostname:
        return found
    endpoints = await services.endpoints.all_of(account)
    return [one for one in found if is_at(endpoints.get(owner_of(one)), hostname)]


async def show(services: Services, instance: Instance, *, strict: bool) -> dict[str, object]:
    """The object of one instance by itself."""
    [row] = await show_all(services, instance.account, [instance], strict=strict)
    return alone(row)


async def show_all(
    services: Services, account: str, instances: Sequence[Instance], *, strict: bool
) -> list[dict[str, object]]:
    """The objects of instances of one account, in their order."""
    doing = await services.instances.activity(instances)
    syncs = await services.syncing.states(instances)
    endpoints = await services.endpoints.all_of(account)
    mode, fusion = services.instances.match_mode_of, services.instances.fusion_of
    return [
        instance_of(
            one,
            what,
            state,
            endpoint=endpoints.get(owner_of(one)),
            match_mode=mode(one.settings),
            fusion=fusion(one.settings),
            strict=strict,
        )
        for one, what, state in zip(instances, doing, syncs, strict=True)
    ]


def alone(row: Mapping[str, object]) -> dict[str, object]:
    """An instance as it is shown outside of lists: what may be absent there, but not null, is absent."""
    return {name: value for name, value in row.items() if value is not None or name not in ABSENT}


def without_shown(sent: dict[str, Any], instance: Instance, *, strict: bool) -> dict[str, Any]:
    """What a client sends, without the embedding model that it was only shown: clients send back what they read."""
    shown = strict and not instance.settings.embedding_model and sent.get("embedding_model") == CLOUDFLARES_EMBEDDER
    return {**sent, "embedding_model": None} if shown else sent
