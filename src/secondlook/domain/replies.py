"""What a model was asked for, out of what it wrote around it."""

import json
import re

THOUGHT = re.compile(r"<(think|thinking|thought|reasoning|reflection)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
UNOPENED = re.compile(r"\A.*</(?:think|thinking|thought|reasoning|reflection)>", re.DOTALL | re.IGNORECASE)
"""Thoughts whose beginning the server left out: all before their end."""
FENCED = re.compile(r"```(?:[^\n`]*\n)?(.*?)```", re.DOTALL)
ANNOUNCED = re.compile(r"\A[^\n]{1,80}:[ \t]*\n\s*(?=\S)")
"""A first line that ends with a colon, with more below it."""
LABEL = re.compile(
    r"\A(?:\*\*|__)?\s*(?:(?:the|here is the|here's the)\s+)?"
    r"(?:(?:re-?written|stand-?alone|search|final|new|improved)\s+)*(?:query|question|search|output|answer|result)"
    r"\s*(?:\*\*|__)?\s*[:：]\s*(?:\*\*|__)?\s*",
    re.IGNORECASE,
)
BULLET = re.compile(r"\A(?:[-*•]|\d{1,2}[.)])\s+")
PAIRS = ('""', "''", "“”", "„“", "„”", "‘’", "«»", "‹›", "»«", "「」", "『』", "``")
EMPHASIS = ("**", "__", "*")


def plain_reply(text: str) -> str:
    """The one line that was asked for: without thoughts, fences, labels, bullets, emphasis and quotes around it.

    Empty if there is nothing else.
    """
    text = without_thoughts(text)
    if fenced := FENCED.search(text):
        text = fenced[1].strip()
    text = _in_json(ANNOUNCED.sub("", text))
    line = " ".join(text.split())
    while (shorter := _peeled(line)) != line:
        line = shorter
    return line


def without_thoughts(text: str) -> str:
    """The text without what a model thought before it."""
    return UNOPENED.sub("", THOUGHT.sub("", text)).strip()


def _in_json(text: str) -> str:
    """The value of an object that has one text alone, such as {"query": "lamp oil"}."""
    if not text.startswith("{"):
        return text
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    values = list(found.values()) if isinstance(found, dict) else []
    return values[0] if len(values) == 1 and isinstance(values[0], str) else text


def _peeled(line: str) -> str:
    line = LABEL.sub("", BULLET.sub("", line)).strip()
    for mark in EMPHASIS:
        if len(line) > 2 * len(mark) and line.startswith(mark) and line.endswith(mark):
            line = line[len(mark) : -len(mark)].strip()
    inner = line[1:-1]
    if len(line) > 1 and line[0] + line[-1] in PAIRS and not {line[0], line[-1]} & set(inner):
        return inner.strip()
    return line
