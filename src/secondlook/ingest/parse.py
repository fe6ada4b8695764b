"""From bytes to text: which files are read, and how."""

import html
import re
from collections.abc import Mapping
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
FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
TAGS = re.compile(r"<!--.*?-->|<(script|style)\b.*?</\1\s*>|<[^>]{0,2000}>", re.DOTALL | re.IGNORECASE)


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
        text = re.sub(r"[ \t]*\n\s*\n\s*", "\n\n", html.unescape(TAGS.sub(" ", text)))
    return Document(text.replace("\r\n", "\n").replace("\0", ""), front)


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
