"""The fields at the head of a Markdown file, in YAML that anybody may have written."""

import datetime as dt
from collections.abc import Mapping

import yaml
from yaml.events import AliasEvent
from yaml.nodes import Node

MOST_ALIASES = 20
"""References to other values in a block; more are a bomb, since each may name others."""
LARGEST = 1 << 63
"""Integers from here on, or below minus this, are left out: neither JSON nor SQL carries them."""


def read_front_matter(block: str) -> Mapping[str, object] | None:
    """The block's keys and values: scalars, dates and lists of these; None if it is no YAML mapping.

    What is nested any deeper is left out, so that references cannot make much of little.
    """
    try:
        found = _load(block)
    except (yaml.YAMLError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    flat = {_whole(str(key)): _flat(value) for key, value in found.items() if _is_scalar(key)}
    return {key: value for key, value in flat.items() if value is not None}


class _Frugal:
    """What both loaders are to do with references."""

    aliases = 0

    def compose_node(self, parent: Node | None, index: object) -> Node | None:
        if self.check_event(AliasEvent):  # type: ignore[attr-defined]  # a parser's
            self.aliases += 1
            if self.aliases > MOST_ALIASES:
                raise yaml.YAMLError(f"more than {MOST_ALIASES} references")
        return super().compose_node(parent, index)  # type: ignore[misc, no-any-return]  # a composer's


class _Typed(_Frugal, yaml.SafeLoader):
    """Numbers, dates and truth values as such."""


class _Plain(_Frugal, yaml.BaseLoader):
    """Every value as text."""


def _load(block: str) -> object:
    try:
        return yaml.load(block, _Typed)
    except ValueError:  # a date that does not exist, say
        return yaml.load(block, _Plain)


def _flat(value: object) -> object:
    """The value, or None for what is nested or too large."""
    if isinstance(value, list):
        return [_mended(one) for one in value] if all(_is_scalar(one) for one in value) else None
    return _mended(value) if _is_scalar(value) else None


def _is_scalar(value: object) -> bool:
    if isinstance(value, int):
        return -LARGEST <= value < LARGEST
    return isinstance(value, str | float | dt.date | dt.datetime)


def _mended(value: object) -> object:
    return _whole(value) if isinstance(value, str) else value


def _whole(text: str) -> str:
    """The text, half surrogate pairs replaced: YAML can spell them, but nothing could store them."""
    return text.encode(errors="replace").decode()
