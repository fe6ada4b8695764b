"""A tenant who tries to take over the server's own host, or another tenant's."""

import pytest

from tests.wire.conftest import NEW, Wire, error_of
from tests.wire.test_public import NAMESPACES

pytestmark = pytest.mark.attack
NOT_YOURS = (400, 7090, "custom_domain_not_a_verified_zone_on_this_account")


def claim(wire: Wire, domain: str, *, name: str = "handbook", host: str = "wire") -> tuple[int, int, str] | int:
    params = {"enabled": True, "custom_domains": [domain]}
    answer = wire.ask("PUT", f"{NEW}/{name}", json={"public_endpoint_params": params}, headers={"Host": host})
    return answer.status_code if answer.status_code == 200 else error_of(answer)


@pytest.mark.parametrize("host", ["api.example.com", "API.Example.com:8443", "api.example.com."])
def test_the_host_that_the_request_went_to_is_nobody_s(filled: Wire, host: str) -> None:
    """Even where the operator allows all domains beside it."""
    assert claim(filled, "api.example.com", host=host) == NOT_YOURS
    assert filled.ask("GET", NEW, headers={"Host": host}).status_code == 200
    for path, method in ((NEW, "POST"), (NAMESPACES, "POST"), (f"{NAMESPACES}/default", "PUT")):
        params = {"enabled": True, "custom_domains": ["api.example.com"]}
        body = {"id": "new", "name": "new", "public_endpoint_params": params}
        assert error_of(filled.ask(method, path, json=body, headers={"Host": host})) == NOT_YOURS, path


@pytest.mark.parametrize("domain", ["dashboard.example.org", "example.com", "notexample.com", "a.example.com.evil.net"])
def test_only_domains_that_the_operator_names_can_be_claimed(filled: Wire, domain: str) -> None:
    assert claim(filled, domain) == NOT_YOURS


def test_a_domain_of_another_tenant_stays_his(filled: Wire) -> None:
    filled.fill("blog")
    assert claim(filled, "search.example.com") == 200
    assert claim(filled, "search.example.com", name="blog") == (409, 7091, "custom_domain_already_in_use")
