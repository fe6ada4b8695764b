"""Connections to hosts that users of the server name: to public addresses alone, unless the operator allows others.

A name is resolved once, every address it has is looked at, and the connection goes to an address that was looked at,
so that no second answer of the name server can lead elsewhere. Every redirect is a new connection or one to a place
that was checked, so it passes here as well.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable, Sequence

import httpcore

from secondlook.errors import ItemSourceError, SetupError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
NOT_PUBLIC = [
    ipaddress.ip_network(one)
    for one in (
        "192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32",
        "64:ff9b:1::/48", "100::/64", "2001::/23", "3fff::/20", "5f00::/16",
    )
]  # fmt: skip
"""What the registries of special addresses (RFC 6890) have besides what this Python knows of; and the address by which
virtual machines of Azure speak to their host."""
NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""Addresses of IPv4 behind a translator (RFC 6052); what counts is the one inside."""


class Guard:
    """Says which addresses may be spoken to.

    ``allowed`` are hosts (``wiki.corp.example``), whole domains (``*.corp.example``), addresses and networks
    (``10.1.0.0/16``) that are spoken to although they are not public.

    Raises:
        SetupError: one of them is neither.
    """

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        self._hosts: set[str] = set()
        self._domains: list[str] = []
        self._networks: list[Network] = []
        for one in allowed:
            self._allow(one.strip().lower())

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """The addresses of the host, all of which may be spoken to.

        Raises:
            ItemSourceError: it has none, or one of them may not be spoken to.
        """
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise ItemSourceError("unreachable_dns", f"could not resolve the host {host!r} ({error})") from error
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        for address in addresses:
            if not self.allows(host, ipaddress.ip_address(address.partition("%")[0])):
                raise ItemSourceError(
                    "invalid_url",
                    f"the host {host!r} resolves to {address}, which is not a public address: add it to"
                    " SECONDLOOK_FETCH_ALLOW to allow it",
                )
        return addresses

    def allows(self, host: str, address: Address) -> bool:
        """Whether that address of that host may be spoken to."""
        name = host.lower().rstrip(".")
        if name in self._hosts or any(name.endswith(domain) for domain in self._domains):
            return True
        if any(address.version == one.version and address in one for one in self._networks):
            return True
        return is_public(address)

    def _allow(self, text: str) -> None:
        try:
            self._networks.append(ipaddress.ip_network(text))
            return
        except ValueError as error:
            name = text.removeprefix("*.")
            if not name or any(sign in name for sign in "/*: \t"):
                raise SetupError(
                    f"SECONDLOOK_FETCH_ALLOW: {text!r} is not a host, a domain (*.corp.example), an"
                    " address or a network (10.1.0.0/16)"
                ) from error
        if text.startswith("*."):
            self._domains.append(text[1:])
        else:
            self._hosts.add(text)


def is_public(address: Address) -> bool:
    """Whether anybody on the internet means the same host by it."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if address.sixtofour:
            return is_public(address.sixtofour)
        if address in NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address.is_site_local:
            return False
    if any(address.version == one.version and address in one for one in NOT_PUBLIC):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """The network, seen through a guard."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first address of the host that answers; raises ``ItemSourceError``."""
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._guard.resolve(host, port)
        except TimeoutError as error:
            raise ItemSourceError("unreachable_dns", f"looking up the host {host!r} timed out") from error
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError(f"could not resolve {host}")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises ``ItemSourceError``: nobody may name a socket of this machine."""
        raise ItemSourceError("invalid_url", f"{path} is a local socket")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
