"""Metadata filters: a small tree, and what it means."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from secondlook.domain.chunk import MetadataValue

Operator = Literal["eq", "ne", "lt", "lte", "gt", "gte", "in", "nin"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """``field operator value``; ``value`` is a tuple for ``in`` and ``nin``.

    Of texts on both sides the first ``first_bytes`` of UTF-8 count; 0 for all.
    """

    field: str
    operator: Operator
    value: MetadataValue | tuple[MetadataValue, ...]
    first_bytes: int = 0
    _options: frozenset[tuple[bool, MetadataValue]] = dataclasses.field(init=False, repr=False, compare=False)
    """The values that are equal to one asked for, as ``_key`` makes them."""

    def __post_init__(self) -> None:
        wanted = self.value if isinstance(self.value, tuple) else (self.value,)
        object.__setattr__(self, "_options", frozenset(_key(_cut(one, self.first_bytes)) for one in wanted))

    def names(self, found: MetadataValue) -> bool:
        """Whether a value, cut as those asked for, is one of them."""
        return _key(found) in self._options


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part must hold; no parts hold always."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part must hold."""

    parts: tuple["Filter", ...]


Filter = Comparison | AllOf | AnyOf


def clipped(where: Filter | None, first_bytes: int) -> Filter | None:
    """The same filter, in which only so many bytes of every text count."""
    if where is None or not first_bytes:
        return where
    if isinstance(where, Comparison):
        return replace(where, first_bytes=first_bytes)
    return replace(where, parts=tuple(one for part in where.parts if (one := clipped(part, first_bytes))))


def matches(where: Filter, metadata: Mapping[str, MetadataValue]) -> bool:
    """Whether the metadata satisfies the filter.

    A field that is absent satisfies ``ne`` and ``nin`` only. Strings compare by
    their UTF-8 bytes; a string and a number never compare equal, nor in order.
    The built-in ``filename`` also matches an item's full key (``folder`` + name).
    """
    if isinstance(where, AllOf):
        return all(matches(part, metadata) for part in where.parts)
    if isinstance(where, AnyOf):
        return any(matches(part, metadata) for part in where.parts)
    found = metadata.get(where.field)
    if where.field == "filename" and found is not None:
        full = f"{metadata.get('folder', '')}{found}"
        if where.operator in ("ne", "nin"):
            return _holds(where, found) and _holds(where, full)
        return _holds(where, found) or _holds(where, full)
    return _holds(where, found)


def _holds(where: Comparison, found: MetadataValue | None) -> bool:
    found = None if found is None else _cut(found, where.first_bytes)
    if where.operator in ("eq", "in"):
        return found is not None and where.names(found)
    if where.operator in ("ne", "nin"):
        return found is None or not where.names(found)
    if found is None or isinstance(where.value, tuple):
        return False
    return _ordered(where.operator, found, _cut(where.value, where.first_bytes))


def _cut(value: MetadataValue, most: int) -> MetadataValue:
    return value.encode()[:most].decode(errors="ignore") if most and isinstance(value, str) else value


def _key(value: MetadataValue) -> tuple[bool, MetadataValue]:
    """Equal for equal values: true is not 1, and 1 is 1.0."""
    return isinstance(value, bool), value


def _ordered(operator: Operator, left: MetadataValue, right: MetadataValue) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        sign = _sign(left.encode(), right.encode())
    elif isinstance(left, str | bool) or isinstance(right, str | bool):
        return False
    else:
        sign = (left > right) - (left < right)
    return {"lt": sign < 0, "lte": sign <= 0, "gt": sign > 0, "gte": sign >= 0}[operator]


def _sign(left: bytes, right: bytes) -> int:
    return (left > right) - (left < right)
