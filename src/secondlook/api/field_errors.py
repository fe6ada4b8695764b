"""Which fields of a request are wrong, and a plain sentence for each: a form shows it at the field."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from secondlook import errors as ours

NAMED = re.compile(r"([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*): (.+)", re.DOTALL)
"""A message that begins with the name of a field."""
OF_KIND: Mapping[type[Exception], str] = {
    ours.InstanceExistsError: "id",
    ours.InvalidServiceTokenError: "token_id",
    ours.SourceMissingError: "source",
    ours.SitemapsError: "specific_sitemaps",
    ours.InvalidHeaderError: "include_headers",
    ours.NamespaceExistsError: "name",
    ours.InvalidModelError: "reranking_model",
    ours.DomainTakenError: "custom_domains",
    ours.InactiveEndpointError: "custom_domains",
    ours.NoDomainLeftError: "custom_domains",
    ours.UnknownInstancesError: "instances_allowed",
}
"""The field that an error is about whose message does not begin with it."""
WIRE: Mapping[str, str] = {
    "instance_name": "id",
    "fields": "custom_metadata",
    "vector_index": "index_method",
    "analyser": "indexing_options.keyword_language",
}
"""How the body calls what is named otherwise inside."""
SENTENCES: Mapping[str, str] = {
    "missing": "This field is required.",
    "greater_than_equal": "Enter {ge} or more.",
    "less_than_equal": "Enter {le} or less.",
    "string_too_short": "Enter at least {min_length} {characters}.",
    "string_too_long": "Enter at most {max_length} {characters}.",
    "too_short": "Enter at least {min_length}.",
    "too_long": "Enter at most {max_length}.",
    "literal_error": "Choose {expected}.",
    "string_pattern_mismatch": "This contains characters that are not allowed here.",
    "int_type": "Enter a whole number.",
    "int_from_float": "Enter a whole number.",
    "float_type": "Enter a number.",
    "bool_type": "Choose true or false.",
    "string_type": "Enter text.",
    "list_type": "Enter a list.",
    "dict_type": "Enter an object.",
}
"""What a person does about each kind of refusal of the validation library."""


def fields_of(error: Exception) -> Sequence[dict[str, str]]:
    """Each wrong field by its path in the body, with its sentence; empty if the error is about no field."""
    if isinstance(error, ours.CallerError) and error.fields:
        return [{"field": WIRE.get(field, field), "message": sentence(message)} for field, message in error.fields]
    text = str(error)
    kind = next((field for kind, field in OF_KIND.items() if isinstance(error, kind)), "")
    if found := NAMED.fullmatch(text) if isinstance(error, ours.CallerError) else None:
        return [{"field": found[1], "message": sentence(found[2])}]
    return [{"field": kind, "message": sentence(text)}] if kind else []


def read_lines(lines: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """The path and the sentence of each refusal of the validation library."""
    for line in lines:
        yield ".".join(str(part) for part in line["loc"]), _sentence_of(line)


def sentence(text: str) -> str:
    """The text with a capital letter and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _sentence_of(line: Mapping[str, Any]) -> str:
    given = {name: _whole(value) for name, value in (line.get("ctx") or {}).items()}
    kind = str(line["type"])
    if kind == "value_error":
        return sentence(str(given.get("error", line["msg"])))
    if kind == "string_too_short" and given.get("min_length") == 1:
        kind = "missing"
    length = given.get("min_length") or given.get("max_length")
    given["characters"] = "character" if length == 1 else "characters"
    plain = SENTENCES.get(kind)
    return plain.format_map(given) if plain else sentence(str(line["msg"]))


def _whole(value: Any) -> Any:
    """1 for 1.0, since a bound of a share reads better without a point."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
