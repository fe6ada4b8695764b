"""From bytes to text: which files are read, and how."""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

import yaml

from secondlook.errors import FileTooLargeError, UnsupportedFileError

MEBIBYTE = 1 << 20
PLAIN_LIMIT = 10 * MEBIBYTE
PLAIN = frozenset(
    [
        ".txt",
        ".rst",
        ".log",
        ".ini",
        ".conf",
        ".env",
        ".properties",
        ".gitignore",
        ".editorconfig",
        ".toml",
        ".markdown",
        ".md",
        ".mdx",
        ".mdoc",
        ".tex",
        ".latex",
        ".sh",
        ".bat",
        ".ps1",
        ".sgml",
        ".json",
        ".yaml",
        ".yml",
        ".css",
        ".js",
        ".php",
        ".py",
        ".rb",
        ".java",
        ".c",
        ".cpp",
        ".cxx",
        ".h",
        ".hpp",
        ".go",
        ".rs",
        ".swift",
        ".dart",
        ".el",
        ".sql",
        ".csv",
        ".html",
        ".htm",
        ".xml",
        ".jsonl",
        ".ts",
        ".tsx",
        ".jsx",
    ]
)
MARKUP = frozenset((".html", ".htm", ".xml", ".svg"))
FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.{0,65536}?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
OPENING = re.compile(r"<(!--|(?:script|style)\b)?", re.IGNORECASE | re.ASCII)
CLOSING = {
    "!--": re.compile("-->"),
    "script": re.compile(r"</script\s*>", re.IGNORECASE | re.ASCII),
    "style": re.compile(r"</style\s*>", re.IGNORECASE | re.ASCII),
    "": re.compile(">"),
}
LONGEST_TAG = 2000
"""Characters; a < without its > in reach is text."""
BLANK_LINES = re.compile(r"(?<![ \t])[ \t]*\n\s*\n\s*")
"""The lookbehind lets it start at the first of many spaces only, or a line of them would take quadratic time."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file's text, and the front matter it carried."""

    text: str
    front_matter: Mapping[str, object]


def check_file(key: str, size: int) -> None:
    """Nothing if the file can be indexed.

    Raises:
        UnsupportedFileError: its extension is not one of ``PLAIN``.
        FileTooLargeError: it is over 10 MiB, the limit of plain text (contract of Oct 2026).
    """
    suffix = file_type(key)
    if size > PLAIN_LIMIT:
        raise FileTooLargeError(f"{key} has {size:,} bytes; the limit is {PLAIN_LIMIT:,}: split the file")
    if suffix not in PLAIN:
        raise UnsupportedFileError(
            f"{key}: files of type {suffix or '(none)'} are not indexed: upload text, Markdown, HTML or code"
        )


def file_type(key: str) -> str:
    """The lower-case extension with its dot; a dot file is its own extension."""
    path = PurePosixPath(key)
    return (path.suffix or (path.name if path.name.startswith(".") else "")).lower()


def parse_file(key: str, content: bytes) -> Document:
    """The file's text.

    Raises:
        UnsupportedFileError: the bytes are no text.
    """
    if b"\0" in content[:8192] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnsupportedFileError(f"file_is_corrupt: {key} holds binary data, not text")
    text = _decode(content)
    front: Mapping[str, object] = {}
    if file_type(key) in (".md", ".mdx", ".markdown", ".mdoc") and (found := FRONT_MATTER.match(text)):
        front = _front_matter(found.group(1))
        if front:
            text = text[found.end() :]
    if file_type(key) in MARKUP:
        text = BLANK_LINES.sub("\n\n", html.unescape(_without_tags(text)))
    return Document(text.replace("\r\n", "\n").replace("\0", ""), front)


def _without_tags(text: str) -> str:
    """The text with one space for each comment, script, style sheet and tag, in linear time whatever it holds."""
    closings = {name: _Ahead(pattern.finditer(text)) for name, pattern in CLOSING.items()}
    kept: list[str] = []
    at = 0
    for opening in OPENING.finditer(text):
        start, inside = opening.span()
        if start < at:
            continue
        name = (opening.group(1) or "").lower()
        end = closings[name].end_after(inside) if name else 0
        if not end and (near := closings[""].end_after(start + 1)) and near - start <= LONGEST_TAG + 2:
            end = near
        if end:
            kept += (text[at:start], " ")
            at = end
    return "".join([*kept, text[at:]])


class _Ahead:
    """Matches to come; asked for places that only grow, it looks at each part of the text once."""

    def __init__(self, matches: Iterator[re.Match[str]]) -> None:
        self._matches = matches
        self._next = next(matches, None)

    def end_after(self, place: int) -> int:
        """Where the first match from that place on ends; 0 if there is none."""
        while self._next and self._next.start() < place:
            self._next = next(self._matches, None)
        return self._next.end() if self._next else 0


def _decode(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _front_matter(block: str) -> Mapping[str, object]:
    """The block's keys and values; nothing if it is no YAML mapping."""
    try:
        found = _load(block)
    except (yaml.YAMLError, RecursionError):
        return {}
    return {_whole(str(key)): _mended(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _load(block: str) -> object:
    try:
        return yaml.safe_load(block)
    except ValueError:  # a date that does not exist, say: every value as text
        return yaml.load(block, yaml.BaseLoader)


def _mended(value: object) -> object:
    if isinstance(value, list):
        return [_whole(one) if isinstance(one, str) else one for one in value]
    return _whole(value) if isinstance(value, str) else value


def _whole(text: str) -> str:
    """The text, half surrogate pairs replaced: YAML can spell them, but nothing could store them."""
    return text.encode(errors="replace").decode()
