"""What a language model's server says when it refuses, as our errors."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from secondlook.errors import (
    AnswerBlockedError,
    GeneratorAnswerError,
    GeneratorBusyError,
    GeneratorDeniedError,
    GeneratorError,
    GeneratorKeyMissingError,
    GeneratorTimeoutError,
    GeneratorUnpaidError,
    InvalidModelError,
    PromptBlockedError,
    PromptTooLongError,
    SecondlookError,
    StandInAnswerError,
    StandInError,
    StandInTimeoutError,
)

LONGEST_WORDS = 300
HOSTED = "@cf/"
"""Models of this prefix run at Cloudflare; the configured one stands in for them."""

ANYTHING = re.compile("")
FILTERED = re.compile(r"content_filter|content_policy|responsible ?ai", re.IGNORECASE)
UNPAID = re.compile(r"insufficient_quota|billing|credit balance|payment required", re.IGNORECASE)
TOO_LONG = re.compile(
    r"context_length_exceeded|context (?:length|window|size)|prompt is too long|maximum (?:context|prompt)"
    r"|too many (?:input )?tokens",
    re.IGNORECASE,
)
NO_MODEL = re.compile(r"model_not_found|model\b.*\b(?:not found|not exist|unknown|not loaded)", re.IGNORECASE)
RULES: Sequence[tuple[tuple[int, ...], re.Pattern[str], type[GeneratorError], str]] = (
    ((424,), re.compile(r"^2016\b"), PromptBlockedError, "rephrase the question"),
    ((424,), re.compile(r"^2017\b"), AnswerBlockedError, "rephrase the question"),
    ((400, 403, 424), FILTERED, PromptBlockedError, "rephrase the question"),
    ((402,), ANYTHING, GeneratorUnpaidError, "check the account's billing, or use another model"),
    ((400, 403, 429), UNPAID, GeneratorUnpaidError, "check the account's billing, or use another model"),
    ((413,), ANYTHING, PromptTooLongError, "send less, or use a model that reads more"),
    ((400, 422, 500), TOO_LONG, PromptTooLongError, "send less, or use a model that reads more"),
    ((401, 403), ANYTHING, GeneratorDeniedError, "check SECONDLOOK_LLM_KEY"),
    ((408, 504), ANYTHING, GeneratorTimeoutError, "raise SECONDLOOK_LLM_TIMEOUT, and the server's own timeout"),
)
"""Statuses, what code and words must hold, the error, and what to do; the first that fits counts.

The codes 2016 and 2017 are those of Cloudflare's AI Gateway; the words are those of OpenAI, Azure, vLLM and llama.cpp.
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked: the model's name in the request, whether it was sent on as it is, and whether with a key."""

    model: str
    sent_on: bool
    with_key: bool


def refusal(status: int, body: str, asked: Asked, *, retry_after: str = "") -> SecondlookError:
    """The error for an answer that is not 200; ``body`` is its text, of which the words count before the status."""
    code, words = read_error(body)
    told, said = f"the language model answered {status}: {words[:LONGEST_WORDS]}", f"{code} {words}"
    if asked.sent_on and status in (400, 404) and NO_MODEL.search(said):
        return InvalidModelError(f"{told}: request a model that it has")
    if status == 401 and not asked.with_key:
        return GeneratorKeyMissingError(f"{told}: set SECONDLOOK_LLM_KEY")
    for statuses, pattern, kind, advice in RULES:
        if status in statuses and pattern.search(said):
            return in_words_of(kind(f"{told}: {advice}"), asked)
    if status == 429:
        return GeneratorBusyError(told, seconds_of(retry_after))
    return in_words_of(GeneratorError(told), asked)


def in_words_of(error: GeneratorError, asked: Asked) -> GeneratorError:
    """The same error, as one of the model that stands in where a hosted one was asked for."""
    if not asked.model.startswith(HOSTED) or isinstance(error, StandInError):
        return error
    if isinstance(error, GeneratorTimeoutError):
        return StandInTimeoutError(str(error))
    if isinstance(error, GeneratorAnswerError):
        return StandInAnswerError(str(error))
    return StandInError(str(error)) if type(error) is GeneratorError else error  # the others are told by their own


def read_error(body: str) -> tuple[str, str]:
    """Code and words of an error body in any of the known shapes; the words are the body itself otherwise."""
    try:
        raw: object = json.loads(body)
    except ValueError:
        return "", body.strip()
    if not isinstance(raw, dict):
        return "", body.strip()
    found: object = raw.get("error") or raw.get("errors") or raw
    if isinstance(found, list) and found:
        found = found[0]
    if not isinstance(found, dict):
        return "", str(found)
    line = cast(Mapping[str, object], found)  # keys of a JSON object are text
    words = line.get("message") or line.get("detail") or body.strip()
    code = line.get("code") or line.get("type") or ""
    return str(code), f"{words} ({line['type']})" if "type" in line and line["type"] != code else str(words)


def seconds_of(retry_after: str) -> float:
    """What a header ``Retry-After`` says, from a second to an hour; a second for a date or nothing."""
    try:
        return min(3600.0, max(1.0, float(retry_after)))
    except ValueError:
        return 1.0
