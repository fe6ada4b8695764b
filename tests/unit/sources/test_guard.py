"""Nobody is led to an address that is not public, however it is named."""

import asyncio
import ipaddress

import httpcore
import pytest

from secondlook.errors import ItemSourceError, SetupError
from secondlook.sources.guard import Guard, GuardedBackend, is_public
from secondlook.sources.web_client import WebClient
from tests.unit.sources.conftest import PATIENT, crawl
from tests.web_site import WebSite

PRIVATE = (
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254",
    "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:7f00:1::", "2001:db8::1",
    "192.0.0.8", "192.0.0.192", "168.63.129.16", "::ffff:168.63.129.16", "64:ff9b::168.63.129.16", "100.100.100.200",
    "3fff::1", "5f00::1", "64:ff9b:1::1", "2001::1",
)  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"]
)
def test_public_addresses(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def resolve(guard: Guard, host: str) -> object:
    return asyncio.run(guard.resolve(host, 80))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1", "0", "::1", "[::1]"])
def test_names_of_this_machine_are_refused(host: str) -> None:
    with pytest.raises(ItemSourceError, match=r"invalid_url: .*SECONDLOOK_FETCH_ALLOW|unreachable_dns"):
        resolve(Guard(), host)


def test_what_the_operator_allows() -> None:
    assert resolve(Guard(["127.0.0.0/8"]), "127.0.0.1") == ["127.0.0.1"]
    assert resolve(Guard(["LOCALHOST", "::1"]), "localhost")
    wide = Guard(["*.corp.example", "10.1.0.0/16"])
    private, other = ipaddress.ip_address("10.2.0.1"), ipaddress.ip_address("10.1.9.9")
    assert wide.allows("wiki.corp.example", private) and not wide.allows("corp.example.evil.example", private)
    assert wide.allows("anything", other) and not wide.allows("xcorp.example", private)


@pytest.mark.parametrize("junk", ["http://wiki.example", "10.0.0.0/99", "a b", "*", "*.*"])
def test_what_cannot_be_allowed(junk: str) -> None:
    with pytest.raises(SetupError, match="SECONDLOOK_FETCH_ALLOW"):
        Guard([junk])


def test_a_name_is_resolved_once_and_the_address_that_was_looked_at_is_spoken_to(site: WebSite) -> None:
    """A name server that answers a public address first and a private one later gains nothing."""
    answers = iter([["127.0.0.1"], ["203.0.113.1"]])

    class Rebinding(Guard):
        async def resolve(self, host: str, port: int) -> list[str]:
            return next(answers)

    async def run() -> int:
        client = WebClient(Rebinding(), "test", PATIENT)
        port = site.url.rpartition(":")[2]
        try:
            return (await client.get(f"http://rebinding.example:{port}/", most=100)).status
        finally:
            await client.close()

    site.html("/", "x")
    assert asyncio.run(run()) == 200
    assert next(answers) == ["203.0.113.1"]  # it was asked for once
    assert dict(site.asked[0][1])["host"].startswith("rebinding.example")


def test_a_private_address_is_refused_before_a_byte_is_sent(site: WebSite) -> None:
    port = site.url.rpartition(":")[2]
    site.pages["/robots.txt"] = site.pages["/x"] = lambda _: pytest.fail("never asked")

    async def run() -> None:
        client = WebClient(Guard(), "test", PATIENT)
        try:
            await client.get(f"http://127.0.0.1:{port}/x", most=100)
        finally:
            await client.close()

    with pytest.raises(ItemSourceError, match=r"^invalid_url: .*127\.0\.0\.1, which is not a public address"):
        asyncio.run(run())
    assert site.asked == []


def test_a_sitemap_elsewhere_inside_is_refused(site: WebSite) -> None:
    """What a tenant or a site names beside the pages passes the guard as well; only 127.0.0.1 is allowed here."""
    port = site.url.rpartition(":")[2]
    told = crawl(site, sitemaps=(f"http://[::1]:{port}/sitemap.xml",))
    assert told.failure.startswith("missing_sitemap: ") and "::1, which is not a public address" in told.failure
    site.redirect("/sitemap.xml", f"http://127.0.0.2:{port}/sitemap.xml")
    assert "not a public address" in crawl(site).failure
    assert "/sitemap.xml" in site.paths()


def test_sockets_of_this_machine_are_nobodys_business() -> None:
    backend = GuardedBackend(Guard())
    with pytest.raises(ItemSourceError, match="local socket"):
        asyncio.run(backend.connect_unix_socket("/run/docker.sock"))
    asyncio.run(backend.sleep(0))


def test_a_host_that_refuses_the_connection() -> None:
    backend = GuardedBackend(Guard(["127.0.0.1"]))
    with pytest.raises(httpcore.ConnectError):
        asyncio.run(backend.connect_tcp("127.0.0.1", 1, timeout=1))
