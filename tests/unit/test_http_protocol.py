"""The protocol class has the patience that it was made with; tests/attack/test_connections.py shows what it does."""

from secondlook.http_protocol import LARGEST_HEAD, REASONS, BoundedProtocol, Patience, bounded


def test_each_server_has_a_patience_of_its_own() -> None:
    assert issubclass(bounded(Patience(1.0)), BoundedProtocol)
    assert bounded(Patience(1.0)) is not bounded(Patience(2.0))
    assert Patience().head < Patience().silence < Patience().body
    assert str(LARGEST_HEAD) in REASONS[431]
