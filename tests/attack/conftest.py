"""The API over real services, for attacks that need no server process."""

from tests.wire.conftest import filled, wire

__all__ = ["filled", "wire"]
