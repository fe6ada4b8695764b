"""Both wire formats of metadata filters become the filter tree."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

from secondlook.api.json_values import parse_json
from secondlook.domain.chunk import MetadataValue
from secondlook.domain.filters import AllOf, AnyOf, Comparison, Filter, Operator
from secondlook.domain.instance import FieldType, MetadataField
from secondlook.errors import (
    FilterNotSerializableError,
    InvalidDatetimeError,
    InvalidFilterError,
    OrFilterKeysError,
    OrFilterOperatorError,
)
from secondlook.ingest.metadata import as_boolean, as_moment, as_number, as_text

OPERATORS: Mapping[str, Operator] = {
    "$eq": "eq", "$ne": "ne", "$lt": "lt", "$lte": "lte", "$gt": "gt", "$gte": "gte", "$in": "in", "$nin": "nin",
}  # fmt: skip
MOST_VALUES = 1000
"""Values of one ``$in`` or ``$nin``, and parts of an ``or``."""
MOST_COMPARISONS = 100
"""Comparisons of a filter: each is made for every metadata of an index."""
LEGACY = ("eq", "ne", "gt", "gte", "lt", "lte")
BUILT_IN: Mapping[str, FieldType] = {"filename": "text", "folder": "text", "timestamp": "datetime"}


def parse_filter(raw: object, fields: Sequence[MetadataField]) -> Filter | None:
    """The filter of a request in either format; None for none.

    Raises:
        InvalidFilterError: it cannot be understood; the message says what.
    """
    if raw is None or raw == {}:
        return None
    if not isinstance(raw, dict):
        raise InvalidFilterError(f"filters must be an object, not {type(raw).__name__}")
    types = {**BUILT_IN, **{field.name: field.type for field in fields}}
    if raw.get("type") in (*LEGACY, "and", "or") and ("key" in raw or "filters" in raw):
        return _legacy(raw, types)
    parts = tuple(part for name, wanted in raw.items() for part in _conditions(name, wanted, types))
    _check_number(parts)
    return AllOf(parts)


def parse_filter_text(text: str | None, fields: Sequence[MetadataField]) -> Filter | None:
    """As ``parse_filter``, from JSON text."""
    if not text:
        return None
    try:
        raw = parse_json(text)
    except ValueError as error:
        raise InvalidFilterError(f"metadata_filter is not JSON: {error}") from error
    return parse_filter(raw, fields)


def _conditions(name: str, wanted: object, types: Mapping[str, FieldType]) -> list[Filter]:
    field, kind = _field(name, types)
    if not isinstance(wanted, dict):
        return [Comparison(field, "eq", _value(name, wanted, kind))]
    if not wanted:
        raise InvalidFilterError(f"filter on {name!r} has no operator: give a value or one of {', '.join(OPERATORS)}")
    return [_condition(field, str(operator), value, kind) for operator, value in wanted.items()]


def _condition(field: str, operator: str, value: object, kind: FieldType) -> Filter:
    if operator not in OPERATORS:
        raise InvalidFilterError(f"filter on {field!r}: operator {operator!r} is not one of {', '.join(OPERATORS)}")
    if operator in ("$in", "$nin"):
        if not isinstance(value, list):
            raise InvalidFilterError(f"filter on {field!r}: {operator} needs an array")
        if len(value) > MOST_VALUES:
            raise InvalidFilterError(
                f"filter on {field!r}: {operator} has {len(value):,} values; the limit is {MOST_VALUES:,}"
            )
        return Comparison(field, OPERATORS[operator], tuple(_value(field, one, kind) for one in value))
    return Comparison(field, OPERATORS[operator], _value(field, value, kind))


def _legacy(raw: Mapping[str, Any], types: Mapping[str, FieldType]) -> Filter:
    if raw["type"] not in ("and", "or"):
        return _legacy_comparison(raw, types)
    parts = raw.get("filters")
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise InvalidFilterError("a compound filter needs filters: an array of comparisons")
    _check_number(parts, MOST_VALUES if raw["type"] == "or" else MOST_COMPARISONS)
    if not all(isinstance(part.get("key", ""), str) for part in parts):
        raise InvalidFilterError("the key of a comparison must be text")
    if any(part.get("type") in ("and", "or") for part in parts):
        raise InvalidFilterError("compound filters cannot be nested")
    if raw["type"] == "or":
        return _legacy_or(parts, types)
    return AllOf(tuple(_legacy_comparison(part, types) for part in parts))


def _legacy_or(parts: Sequence[Mapping[str, Any]], types: Mapping[str, FieldType]) -> Filter:
    if any(part.get("type") != "eq" for part in parts):
        raise OrFilterOperatorError("an or filter takes eq comparisons only")
    if len({part.get("key") for part in parts}) > 1:
        raise OrFilterKeysError("an or filter takes one key only")
    found = [_legacy_comparison(part, types) for part in parts]
    if len(found) > MOST_COMPARISONS:  # of one field, all eq: a set answers at once
        return Comparison(found[0].field, "in", tuple(cast(MetadataValue, one.value) for one in found))
    return AnyOf(tuple(found))


def _check_number(parts: Sequence[object], most: int = MOST_COMPARISONS) -> None:
    if len(parts) > most:
        raise InvalidFilterError(f"the filter has {len(parts):,} comparisons; the limit is {most:,}")


def _legacy_comparison(raw: Mapping[str, Any], types: Mapping[str, FieldType]) -> Comparison:
    operator = raw.get("type")
    if operator not in LEGACY or not isinstance(raw.get("key"), str) or "value" not in raw:
        raise InvalidFilterError(f"a comparison needs type ({', '.join(LEGACY)}), key and value")
    field, kind = _field(raw["key"], types)
    return Comparison(field, cast(Operator, operator), _value(field, raw["value"], kind))  # LEGACY is a subset


def _field(name: object, types: Mapping[str, FieldType]) -> tuple[str, FieldType]:
    field = str(name).lower()
    if field not in types:
        raise InvalidFilterError(f"filter on {name!r}: filterable fields are {', '.join(types)}")
    return field, types[field]


def _value(name: str, value: object, kind: FieldType) -> MetadataValue:
    if not isinstance(value, str | bool | int | float):
        raise InvalidFilterError(f"filter on {name!r}: the value must be text, a number or a boolean")
    if isinstance(value, float) and not math.isfinite(value):
        raise FilterNotSerializableError(f"filter on {name!r}: {value} is not a finite number")
    if kind == "datetime":
        return _moment(name, value)
    if kind == "number" and not isinstance(value, bool):
        return _number(name, value)
    if kind == "boolean":
        found = as_boolean(value)
        return value if found is None else found
    return value if kind == "number" else as_text(value)


def _number(name: str, value: str | float) -> float:
    try:
        return as_number(value)
    except OverflowError as error:
        raise FilterNotSerializableError(f"filter on {name!r}: {str(value)[:40]!r}… is too large a number") from error
    except ValueError as error:
        raise InvalidFilterError(f"filter on {name!r}: {str(value)[:40]!r} is not a number") from error


def _moment(name: str, value: str | float) -> int:
    """Milliseconds since 1970."""
    try:
        return as_moment(value)
    except OverflowError as error:
        raise FilterNotSerializableError(f"filter on {name!r}: {str(value)[:40]!r}… is too large a number") from error
    except ValueError as error:
        raise InvalidDatetimeError(
            f"filter on {name!r}: {str(value)[:40]!r} is neither an ISO 8601 time nor Unix time"
        ) from error
