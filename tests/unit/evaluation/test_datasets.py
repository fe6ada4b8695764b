"""BEIR folders: what is read, and what each refusal says."""

import json
from pathlib import Path

import pytest

from secondlook.errors import CallerError
from secondlook.evaluation.datasets import Document, read_dataset

CORPUS = [
    {"_id": "d1", "title": "Oil", "text": "Warm the oil."},
    {"_id": "d2", "text": "Two blasts.", "metadata": {}},
    {"_id": "d3", "title": None, "text": "Ring it."},
]
QUERIES = [{"_id": "q1", "text": "frozen oil?"}, {"_id": "q2", "text": "fog?"}, {"_id": "q3", "text": "not judged"}]
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq2\td2\t1\nq9\td2\t1\n"


def write_rows(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n", encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "harbour"
    (made / "qrels").mkdir(parents=True)
    write_rows(made / "corpus.jsonl", CORPUS)
    write_rows(made / "queries.jsonl", QUERIES)
    (made / "qrels" / "test.tsv").write_text(QRELS, encoding="utf-8")
    return made


def test_a_folder_is_read(folder: Path) -> None:
    found = read_dataset(folder)
    assert found.name == "harbour"
    assert found.documents == (
        Document("d1", "Oil", "Warm the oil."),
        Document("d2", "", "Two blasts."),
        Document("d3", "", "Ring it."),
    )
    assert found.queries == {"q1": "frozen oil?", "q2": "fog?"}, "only queries that are judged"
    assert found.judgments == {"q1": {"d1": 2, "d2": 0}, "q2": {"d2": 1}}, "only of queries that are there"


def test_another_split_and_no_heading(folder: Path) -> None:
    (folder / "qrels" / "dev.tsv").write_text("q2\td2\t1\r\n\r\n", encoding="utf-8")
    assert read_dataset(folder, split="dev").judgments == {"q2": {"d2": 1}}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("corpus.jsonl", None, r"could not read .*corpus\.jsonl \(No such file"),
        ("corpus.jsonl", b'{"_id": "d1"}\n{', r"corpus\.jsonl, line 2: not JSON"),
        ("corpus.jsonl", b"[" * 100_000, r"corpus\.jsonl, line 1: not JSON"),
        ("corpus.jsonl", b"[1]", r"corpus\.jsonl, line 1: expected an object with a text _id"),
        ("corpus.jsonl", b'{"_id": 3}', r"corpus\.jsonl, line 1: expected an object with a text _id"),
        ("corpus.jsonl", b'{"_id": "d1"}\n{"_id": "d1"}', r"corpus\.jsonl, line 2: _id 'd1' is listed twice"),
        ("corpus.jsonl", b'{"_id": "\xff"}', r"corpus\.jsonl is not UTF-8"),
        ("queries.jsonl", b'{"_id": "q9"}\nx', r"queries\.jsonl, line 2: not JSON"),
        ("queries.jsonl", b'{"_id": "q3", "text": "x"}', r"no query of queries\.jsonl is judged in qrels/test\.tsv"),
        ("qrels/test.tsv", None, r"could not read .*test\.tsv \(No such file"),
        ("qrels/test.tsv", b"query-id\tcorpus-id\tscore\n", r"test\.tsv contains no judgments"),
        ("qrels/test.tsv", b"q1\td1\t1\nq1 d2 1", r"test\.tsv, line 2: expected query-id, corpus-id and a whole score"),
        ("qrels/test.tsv", b"q1\td1\thigh", r"test\.tsv, line 1: expected query-id, corpus-id and a whole score"),
        ("qrels/test.tsv", b"q1\td1\t1\xff", r"test\.tsv is not UTF-8"),
    ],
)
def test_what_is_refused(folder: Path, name: str, content: bytes | None, words: str) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    with pytest.raises(CallerError, match=words):
        read_dataset(folder)
