"""How the server and a child that reads files talk: a frame is a head in JSON and a body of bytes."""

import json
import struct
from collections.abc import Mapping

LENGTHS = struct.Struct(">II")
"""Bytes of the head and of the body."""


def make_frame(head: Mapping[str, object], body: bytes) -> bytes:
    """The frame as it goes through the pipe."""
    told = json.dumps(head).encode()
    return LENGTHS.pack(len(told), len(body)) + told + body


def read_head(told: bytes) -> dict[str, object]:
    """The head of a frame; raises ``ValueError``."""
    head = json.loads(told)
    if not isinstance(head, dict):
        raise ValueError(f"the head of a frame is no object: {head!r}")
    return head
