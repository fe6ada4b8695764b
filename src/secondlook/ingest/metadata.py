"""From what a document carries to the metadata that filters see."""

import datetime as dt
import json
import math
import sys
from collections.abc import Mapping, Sequence

from secondlook.domain.chunk import MetadataValue
from secondlook.domain.instance import MetadataField
from secondlook.errors import InvalidMetadataError

ENVELOPE = 10 * 1024
"""Bytes of metadata that a chunk carries, names and punctuation counted (contract, 18.3)."""

TRUE, FALSE = ("true", "1", "yes"), ("false", "0", "no")


def place_metadata(key: str, timestamp: int) -> dict[str, MetadataValue]:
    """The built-ins: ``folder`` with its trailing slash, bare ``filename``, ``timestamp`` in milliseconds."""
    folder, slash, name = key.rpartition("/")
    return {"folder": folder + slash, "filename": name, "timestamp": timestamp}


def clean_metadata(given: Mapping[str, object], fields: Sequence[MetadataField]) -> dict[str, MetadataValue]:
    """The given values as scalars, names in lower case; configured fields in their type.

    A value that does not fit its configured type is left out, as the contract says;
    so is a number that is not finite or has no double, since JSON cannot carry it.

    Raises:
        InvalidMetadataError: a value is neither scalar, date nor list of strings.
    """
    types = {field.name: field.type for field in fields}
    cleaned: dict[str, MetadataValue] = {}
    for name, value in given.items():
        key = str(name).lower()
        if value is None:
            continue
        found = _typed(value, types[key]) if key in types else _scalar(str(name), value)
        if found is not None:
            cleaned[key] = found
    return cleaned


def envelope_size(metadata: Mapping[str, MetadataValue]) -> int:
    """Bytes of the metadata as JSON in UTF-8."""
    return len(json.dumps(dict(metadata), ensure_ascii=False, separators=(",", ":")).encode())


def parse_datetime(text: str) -> int:
    """Milliseconds since 1970 of an ISO 8601 date or date-time (UTC if no zone); raises ``ValueError``."""
    moment = dt.datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return int(moment.timestamp() * 1000)


def _typed(value: object, kind: str) -> MetadataValue | None:
    text = _text(value).strip()
    try:
        if kind == "number":
            number = float(text)
            return number if math.isfinite(number) else None
        if kind == "datetime":
            return parse_datetime(text)
    except (ValueError, OverflowError):
        return None
    if kind == "boolean":
        return True if text.lower() in TRUE else False if text.lower() in FALSE else None
    return _text(value)


def _scalar(name: str, value: object) -> MetadataValue | None:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return value if abs(value) <= sys.float_info.max else None
    if isinstance(value, dt.date) or (isinstance(value, list) and all(isinstance(one, str) for one in value)):
        return _text(value)
    raise InvalidMetadataError(
        f"metadata field {name!r} must be text, a number or a boolean, not {type(value).__name__}"
    )


def _text(value: object) -> str:
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
