"""Judged query sets on disk, in BEIR layout."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from secondlook.errors import CallerError

HIGHEST = 1000
"""Grade that a judgment can have at most."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document to be found."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """Documents, the queries that have judgments, and the judgments: query id -> document id -> grade."""

    name: str
    documents: tuple[Document, ...]
    queries: Mapping[str, str] = field(hash=False)
    judgments: Mapping[str, Mapping[str, int]] = field(hash=False)


def read_dataset(folder: Path, *, split: str = "test") -> Dataset:
    """The set in ``folder``: corpus.jsonl, queries.jsonl and qrels/<split>.tsv.

    Raises:
        CallerError: a file is absent or a line cannot be read; the message names both.
    """
    documents = tuple(
        Document(_text(row, "_id"), _text(row, "title"), _text(row, "text")) for row in _rows(folder / "corpus.jsonl")
    )
    queries, judgments = _read_queries(folder, split)
    return Dataset(folder.name, documents, queries, {one: judgments[one] for one in queries})


def read_judged_queries(folder: Path, *, split: str = "test") -> list[tuple[str, Mapping[str, int]]]:
    """Text and judgments of each judged query of such a folder; its corpus is not read.

    Raises:
        CallerError: as ``read_dataset``.
    """
    queries, judgments = _read_queries(folder, split)
    return [(text, judgments[name]) for name, text in queries.items()]


def _read_queries(folder: Path, split: str) -> tuple[dict[str, str], dict[str, dict[str, int]]]:
    judgments = _judgments(folder / "qrels" / f"{split}.tsv")
    queries = {
        _text(row, "_id"): _text(row, "text") for row in _rows(folder / "queries.jsonl") if row.get("_id") in judgments
    }
    if not queries:
        raise CallerError(f"{folder}: no query of queries.jsonl is judged in qrels/{split}.tsv")
    return queries, judgments


def _rows(path: Path) -> Iterator[dict[str, object]]:
    seen: set[object] = set()
    for number, line in _lines(path):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise CallerError(f"{path}, line {number}: not JSON ({error})") from error
        if not isinstance(row, dict) or not isinstance(row.get("_id"), str):
            raise CallerError(f"{path}, line {number}: expected an object with a text _id")
        if row["_id"] in seen:
            raise CallerError(f"{path}, line {number}: _id {row['_id']!r} is listed twice")
        seen.add(row["_id"])
        yield row


def _judgments(path: Path) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for number, line in _lines(path):
        cells = line.rstrip("\r\n").split("\t")
        if number == 1 and cells[:1] == ["query-id"]:
            continue
        try:
            query, document, grade = cells
            score = int(grade)
        except ValueError as error:
            raise CallerError(
                f"{path}, line {number}: expected query-id, corpus-id and a whole score, separated by tabs"
            ) from error
        if abs(score) > HIGHEST:
            raise CallerError(f"{path}, line {number}: a score is {-HIGHEST:,} to {HIGHEST:,}, and this one is not")
        found.setdefault(query, {})[document] = score
    if not found:
        raise CallerError(f"{path} contains no judgments")
    return found


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers from 1."""
    try:
        with path.open(encoding="utf-8") as file:
            yield from ((number, line) for number, line in enumerate(file, 1) if line.strip())
    except OSError as error:
        raise CallerError(f"could not read {path} ({error.strerror}): a BEIR folder is needed") from error
    except UnicodeDecodeError as error:
        raise CallerError(f"{path} is not UTF-8 ({error}): a BEIR folder is needed") from error


def _text(row: Mapping[str, object], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""
