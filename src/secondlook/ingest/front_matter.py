"""The fields at the head of a Markdown file, in YAML that anybody may have written."""

import datetime as dt
import re
from collections.abc import Callable, Mapping

import yaml
from yaml.constructor import ConstructorError
from yaml.events import AliasEvent
from yaml.nodes import MappingNode, Node, ScalarNode

from secondlook.ingest.metadata import Written

MOST_ALIASES = 20
"""References to other values in a block; more are a bomb, since each may name others."""
MOST_MERGED = 1024
"""Keys that a mapping may have once it took in others (``<<``): twenty references make a million of one."""
TAG = "tag:yaml.org,2002:"
CORE = {
    "bool": re.compile("true|True|TRUE|false|False|FALSE"),
    "int": re.compile("[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"),
    "float": re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
}
"""How plain scalars of the core schema look; the first that fits is the type."""
NULL, MERGE = re.compile("null|Null|NULL|~|"), re.compile("<<")
UNMAKEABLE = (ConstructorError, ValueError, LookupError, AttributeError, OverflowError)
"""What yaml raises for a value that is not of the type it seems, or is said, to have."""


def read_front_matter(block: str) -> Mapping[str, object] | None:
    """The block's keys and values: scalars, dates and lists of these; None if it is no YAML mapping.

    Plain numbers and truth values are ``Written``: their text, with the value that it has by the core schema of YAML
    1.2, in which ``NO`` is a word and ``1.10`` is not rewritten. Dates without a tag are text.

    What is nested any deeper is left out, and what a mapping takes in of others is bounded, so that references cannot
    make much of little. What is not what its tag says, such as a date that does not exist, is text.

    Source:
        YAML 1.2.2, 10.3 (core schema); ``<<`` is of YAML 1.1, and in wide use.
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
    """Plain scalars by the core schema, and few references."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own table
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


def _or_written(name: str, read: Callable[[str], bool | float]) -> Callable[[_Loader, ScalarNode], object]:
    """A scalar of the core schema with its value; one that a tag alone calls so, as YAML 1.1 has it."""
    tagged = _or_text(yaml.SafeLoader.yaml_constructors[TAG + name])

    def attempt(loader: _Loader, node: ScalarNode) -> object:
        text = str(loader.construct_scalar(node))
        if not CORE[name].fullmatch(text):
            return tagged(loader, node)
        try:
            return Written(text, read(text))
        except ValueError:  # of more digits than Python reads
            return text

    return attempt


def _whole_number(text: str) -> int:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text if base == 10 else text[2:], base)


def _real_number(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


for _name in ("binary", "timestamp"):
    _Loader.add_constructor(TAG + _name, _or_text(yaml.SafeLoader.yaml_constructors[TAG + _name]))
for _name, _read in (("bool", lambda text: text.lower() == "true"), ("int", _whole_number), ("float", _real_number)):
    _Loader.add_constructor(TAG + _name, _or_written(_name, _read))
for _name, _look in {**CORE, "null": NULL, "merge": MERGE}.items():
    _Loader.add_implicit_resolver(TAG + _name, re.compile(rf"(?:{_look.pattern})\Z"), None)


def _flat(value: object) -> object:
    """The value, or None for what is nested or too large."""
    if isinstance(value, list):
        return [_mended(one) for one in value] if all(_is_scalar(one) for one in value) else None
    return _mended(value) if _is_scalar(value) else None


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | float | dt.date)


def _mended(value: object) -> object:
    return _whole(value) if type(value) is str else value


def _whole(text: str) -> str:
    """The text, half surrogate pairs replaced: YAML can spell them, but nothing could store them."""
    return text.encode(errors="replace").decode()
