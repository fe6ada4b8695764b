"""The fields at the head of a Markdown file, in YAML that anybody may have written."""

import datetime as dt
from collections.abc import Callable, Mapping

import yaml
from yaml.constructor import ConstructorError
from yaml.events import AliasEvent
from yaml.nodes import MappingNode, Node, ScalarNode

MOST_ALIASES = 20
"""References to other values in a block; more are a bomb, since each may name others."""
MOST_MERGED = 1024
"""Keys that a mapping may have once it took in others (``<<``): twenty references make a million of one."""
LARGEST = 1 << 63
"""Integers from here on, or below minus this, are left out: neither JSON nor SQL carries them."""
UNMAKEABLE = (ConstructorError, ValueError, LookupError, AttributeError, OverflowError)
"""What yaml raises for a value that is not of the type it seems, or is said, to have."""


def read_front_matter(block: str) -> Mapping[str, object] | None:
    """The block's keys and values: scalars, dates and lists of these; None if it is no YAML mapping.

    What is nested any deeper is left out, and what a mapping takes in of others is bounded, so that references cannot
    make much of little. What is not what its tag or its look says, such as a date that does not exist, is text.
    """
    try:
        found = yaml.load(block, _Loader)
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError):  # the last two: an escape that is no character
        return None
    if not isinstance(found, dict):
        return None
    flat = {_whole(str(key)): _flat(value) for key, value in found.items() if _is_scalar(key)}
    return {key: value for key, value in flat.items() if value is not None}


class _Loader(yaml.SafeLoader):
    """Numbers, dates and truth values as such, and few references."""

    aliases = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        if self.check_event(AliasEvent):
            self.aliases += 1
            if self.aliases > MOST_ALIASES:
                raise yaml.YAMLError(f"more than {MOST_ALIASES} references")
        return super().compose_node(parent, index)

    def flatten_mapping(self, node: MappingNode) -> None:
        own = len(node.value)
        super().flatten_mapping(node)
        if len(node.value) > max(own, MOST_MERGED):
            raise yaml.YAMLError(f"a mapping that takes in more than {MOST_MERGED} keys")


def _or_text(construct: Callable[[_Loader, ScalarNode], object]) -> Callable[[_Loader, ScalarNode], object]:
    """The constructor, giving the text of a scalar that it cannot make."""

    def attempt(loader: _Loader, node: ScalarNode) -> object:
        try:
            return construct(loader, node)
        except UNMAKEABLE:
            return loader.construct_scalar(node)

    return attempt


MADE = yaml.SafeLoader.yaml_constructors
for _name in ("bool", "int", "float", "binary", "timestamp"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_name}", _or_text(MADE[f"tag:yaml.org,2002:{_name}"]))
_Loader.add_constructor("tag:yaml.org,2002:value", MADE["tag:yaml.org,2002:str"])  # of a lone equals sign


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
