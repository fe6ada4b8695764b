"""What a search box tells of its use, reduced to what is known (contract, 17.4)."""

from collections.abc import Mapping

from secondlook.api.body import parse_body
from secondlook.domain.endpoint import EventValue

LARGEST_STATS = 256 << 10
MOST_EVENTS = 100
LONGEST_TEXT = 1000
LARGEST_NUMBER = 1_000_000_000
FIELDS: Mapping[str, type] = {
    "inputQuery": str,
    "snippetVersion": str,
    "totalResult": int,
    "clickedResultId": str,
    "clickPosition": int,
    "clickViewMore": bool,
    "queryId": str,
}
"""What is known of an event; ``queryId`` is ours."""


async def read_events(body: bytes) -> list[dict[str, EventValue]] | None:
    """The events with their known fields of the right type, long texts cut; None if the body is not of that kind."""
    try:
        raw = await parse_body(body)
    except ValueError:
        return None
    told = raw.get("events") if isinstance(raw, dict) else None
    if not isinstance(told, list) or not 1 <= len(told) <= MOST_EVENTS:
        return None
    if not all(isinstance(one, dict) for one in told):
        return None
    return [_known(one) for one in told]


def _known(told: Mapping[str, object]) -> dict[str, EventValue]:
    found = {name: _reduced(told.get(name), kind) for name, kind in FIELDS.items()}
    return {name: value for name, value in found.items() if value is not None}


def _reduced(value: object, kind: type) -> EventValue | None:
    """A value of that kind; true and false are no numbers here."""
    if isinstance(value, bool):
        return value if kind is bool else None
    if isinstance(value, str):
        return value[:LONGEST_TEXT] if kind is str else None
    return value if kind is int and isinstance(value, int) and 0 <= value <= LARGEST_NUMBER else None
