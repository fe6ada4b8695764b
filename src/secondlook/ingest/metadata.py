"""From what a document carries to the metadata that filters see."""

import datetime as dt
import json
import math
import re
import sys
from collections.abc import Mapping, Sequence

from secondlook.domain.chunk import MetadataValue
from secondlook.domain.instance import MetadataField
from secondlook.errors import InvalidMetadataError

ENVELOPE = 10 * 1024
"""Bytes of metadata that a chunk carries, names and punctuation counted (contract, 18.3)."""

TRUE, FALSE = ("true", "1", "yes"), ("false", "0", "no")
MILLISECONDS = 10**11
"""A time from here on is in milliseconds, below it in seconds (contract, 3.3)."""
LATEST = 10**17
"""No time is that many milliseconds away; it keeps arithmetic on times exact."""
LARGEST = 1 << 63
"""Integers from here on, or below minus this, have no place in SQL."""
EXACT = 10**21
"""Floats below it that are whole are written without a point, as JavaScript does."""
NUMERIC = re.compile(r"[-+]?[0-9]{1,18}(\.[0-9]*)?")
YEAR, MONTH = re.compile("[0-9]{4}"), re.compile("[0-9]{4}-[0-9]{2}")
DAY = re.compile("(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])")
"""Text that is a time though it looks like a number: a year, and a day in the basic format of ISO 8601."""


class Written(str):
    """A number or truth value as somebody wrote it, with the ``value`` that it has."""

    value: bool | float

    def __new__(cls, text: str, value: bool | float) -> "Written":
        """``text`` with its value."""
        made = super().__new__(cls, text)
        made.value = value
        return made


def place_metadata(key: str, timestamp: int) -> dict[str, MetadataValue]:
    """The built-ins: ``folder`` with its trailing slash, bare ``filename``, ``timestamp`` in milliseconds."""
    folder, slash, name = key.rpartition("/")
    return {"folder": folder + slash, "filename": name, "timestamp": timestamp}


def clean_metadata(given: Mapping[str, object], fields: Sequence[MetadataField]) -> dict[str, MetadataValue]:
    """The given values as scalars, names in lower case; configured fields in their type.

    A value that does not fit its configured type is left out, as the contract says (``misfits`` names
    these); so is a number that is not finite or has no double, since JSON cannot carry it.

    Raises:
        InvalidMetadataError: a value is neither scalar, date nor list of strings.
    """
    types = {field.name: field.type for field in fields}
    cleaned: dict[str, MetadataValue] = {}
    for name, value in given.items():
        key = str(name).lower()
        if value is None:
            continue
        check_value(str(name), value)
        found = _typed(value, types[key]) if key in types else _scalar(value)
        if found is not None:
            cleaned[key] = found
    return cleaned


def misfits(given: Mapping[str, object], fields: Sequence[MetadataField]) -> list[MetadataField]:
    """The configured fields whose given value is not of their type, in the order of the fields."""
    values = {str(name).lower(): value for name, value in given.items() if value is not None}
    return [one for one in fields if one.name in values and _typed(values[one.name], one.type) is None]


def check_value(name: str, value: object) -> None:
    """Raises ``InvalidMetadataError`` unless the value is a scalar, a date or a list of strings."""
    if not isinstance(value, str | int | float | dt.date) and not _is_texts(value):
        raise InvalidMetadataError(
            f"metadata field {name!r} must be text, a number or a boolean, not {type(value).__name__}"
        )


def as_text(value: object) -> str:
    """A value as a text field holds it and as a filter on one compares it: as JSON writes it, 1.0 as 1."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        return str(int(value))
    if isinstance(value, dt.date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else str(value)


def as_boolean(value: object) -> bool | None:
    """The truth value that ``true``, ``1``, ``yes`` or their opposites name; None for anything else."""
    text = as_text(value).strip().lower()
    return True if text in TRUE else False if text in FALSE else None


def as_number(value: object) -> float:
    """The number; raises ``ValueError`` for what is none or is not finite, ``OverflowError`` for too large a one."""
    value = value.value if isinstance(value, Written) else value
    if isinstance(value, bool) or not isinstance(value, str | int | float) or "_" in str(value):
        raise ValueError(f"{value!r} is not a number")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} is not a finite number")
    return number


def as_moment(value: object) -> int:
    """Milliseconds since 1970 of an ISO 8601 time, or of a number: Unix time in seconds or milliseconds.

    Text of four digits is a year, and of eight a day (``20260701``) if it can be one.

    Raises:
        ValueError, OverflowError: it is no time.
    """
    if isinstance(value, dt.date):
        return parse_datetime(value.isoformat())
    if isinstance(value, str):
        text = value.strip()
        if YEAR.fullmatch(text):
            return parse_datetime(f"{text}-01-01")
        if MONTH.fullmatch(text):
            return parse_datetime(f"{text}-01")
        if DAY.fullmatch(text) or not NUMERIC.fullmatch(text):
            return parse_datetime(text)
        value = text
    number = as_number(value)
    if abs(number) >= LATEST:
        raise ValueError(f"{number} is not a time")
    return int(number) if abs(number) >= MILLISECONDS else int(number * 1000)


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
    try:
        if kind == "number":
            return as_number(value)
        if kind == "datetime":
            return as_moment(value)
    except (ValueError, OverflowError):
        return None
    if kind == "boolean":
        return as_boolean(value)
    return as_text(value) if _is_finite(value) else None


def _scalar(value: object) -> MetadataValue | None:
    if isinstance(value, Written):
        return value.value if as_text(value.value) == value.lower() and _is_stored(value.value) else str(value)
    if isinstance(value, str | int | float):
        return value if _is_finite(value) else None
    return as_text(value)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_finite(value: object) -> bool:
    return not isinstance(value, int | float) or abs(value) <= sys.float_info.max


def _is_stored(value: bool | float) -> bool:
    return math.isfinite(value) and -LARGEST <= value < LARGEST
