"""Query sets are read as people write them, and a bad line is named."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.errors import CallerError
from secondlook.evaluation.metrics import ndcg_at
from secondlook.evaluation.queries import (
    JudgedQuery,
    Judgment,
    from_headings,
    is_stale,
    judged,
    mark_of,
    merge,
    parse_queries,
    questions_in,
    read_queries,
    read_rows,
    segments_of,
)


def test_csv_of_several_judgments() -> None:
    text = "query,item,grade\nfrozen oil,oil.md,2\n frozen  oil ,grades.md,\nfog,fog.md,0\n"
    oil, fog = parse_queries(text.encode("utf-8-sig"), "q.csv")
    assert (oil.text, oil.grades) == ("frozen oil", {"oil.md": 2, "grades.md": 1})
    assert fog.grades == {"fog.md": 0}


def test_lines_of_json_in_each_form(tmp_path: Path) -> None:
    lines = [
        '{"query": "a", "items": ["x.md", {"item": "y.md", "grade": 3, "start": 10, "end": 40, "hash": "ab"}]}',
        "",
        '{"query": "b", "items": {"x.md": 0, "z.md": 1}, "synthetic": true}',
        '{"query_id": "7", "query": "c", "at": 5, "feedback": [{"key": "k", "kind": "click", "start": 0, "end": 9},'
        ' {"key": "m", "kind": "thumbs_down"}]}',
        '{"query": "nobody said anything", "feedback": []}',
    ]
    path = tmp_path / "q.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    a, b, c = read_queries(path)
    assert a.judgments == (Judgment("x.md"), Judgment("y.md", 3, 10, 40, "ab"))
    assert b.synthetic and b.grades == {"x.md": 0, "z.md": 1}
    assert c.grades == {"k#0-9": 1, "m": 0}


def test_a_folder_of_beir(tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    (tmp_path / "queries.jsonl").write_text('{"_id": "1", "text": "oil"}\n{"_id": "2", "text": "no judgment"}\n')
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n1\td1\t2\n")
    [found] = read_queries(tmp_path)
    assert (found.text, found.grades) == ("oil", {"d1": 2})
    (tmp_path / "queries.jsonl").write_text('{"_id": "1", "text": "oil \\ud800"}\n')
    with pytest.raises(CallerError, match="contains a lone surrogate"):
        read_queries(tmp_path)
    (tmp_path / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n1\td1\t{'9' * 400}\n")
    with pytest.raises(CallerError, match=r"test\.tsv, line 2: a score is -1,000 to 1,000"):
        read_queries(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("q.csv", "text,document\na,b\n", "query and item"),
        ("q.csv", "query,item\n,x.md\n", "line 2: the query is ''"),
        ("q.csv", "query,item\na,\n", "line 2: the item is None"),
        ("q.csv", "query,item,grade\na,x,good\n", "line 2: the grade 'good'"),
        ("q.csv", "query,item,grade\na,x,-1\n", "the grade -1 is below 0"),
        ("q.csv", "query,item,start,end\na,x,9,9\n", "must start before it ends"),
        ("q.csv", "query,item,start\na,x,9\n", "must start before it ends"),
        ("q.csv", "query,item\n", "no judged queries"),
        ("q.jsonl", "{", "line 1: not JSON"),
        ("q.jsonl", "[1]", "line 1: expected an object"),
        ("q.jsonl", '{"query": "a"}', "items is None"),
        ("q.jsonl", '{"query": 3, "items": ["x"]}', "the query is 3"),
        ("q.jsonl", '{"query": "a", "items": [7]}', "the item is None"),
        ("q.jsonl", '{"query": "a", "feedback": [{"key": "x", "kind": "stare"}]}', "must be one of click"),
        ("q.jsonl", '{"query": "%s", "items": ["x"]}' % ("a" * 2001), "2,001 characters"),
        ("q.txt", "a", "give a .csv or .jsonl file"),
        ("q.csv", "query,item\na,x\nb," + "x" * 140_000 + "\n", "line 3: not a valid CSV row .*field limit"),
        (
            "q.csv",
            "query,item,grade\na,x," + "9" * 400 + "\n",
            "line 2: the grade 9+... is too large; the maximum is 1,000",
        ),
        ("q.csv", "query,item,start,end\na,x,1," + "9" * 400 + "\n", "line 2: the end 9+... is too large"),
        ("q.csv", 'query,item\n"a\nb",x\n,y\n', "line 4: the query is ''"),
        ("q.csv", "query,item\na\0b,x\n", "line 2: the query .* contains a NUL character"),
        ("q.jsonl", '{"query": "a \\ud800", "items": ["x"]}', "line 1: the query .* contains a lone surrogate"),
        ("q.jsonl", '{"query": "a", "items": ["\\ud800"]}', "line 1: the item .* contains a lone surrogate"),
        (
            "q.jsonl",
            '{"query": "a", "items": [{"item": "x", "hash": "\\udfff"}]}',
            "the hash .* contains a lone surrogate",
        ),
    ],
)
def test_bad_lines_are_named(name: str, text: str, told: str) -> None:
    with pytest.raises(CallerError, match=told):
        parse_queries(text.encode(), name)


def test_other_line_ends_are_part_of_a_text() -> None:
    for separator in ("\u2028", "\u2029", "\x85", "\x0b", "\x0c"):
        text = f'{{"query": "warm{separator}oil", "items": ["a"]}}\r\n{{"query": "fog", "items": ["b"]}}'
        if separator > "\x1f":
            assert [one.text for one in parse_queries(text.encode(), "q.jsonl")] == ["warm oil", "fog"]
        rows = f"query,item\r\nwarm{separator}oil,a\r\nfog,b\r\n"
        assert [one.text for one in parse_queries(rows.encode(), "q.csv")] == ["warm oil", "fog"]
    [quoted] = parse_queries(b'query,item\n"warm\noil",a\n', "q.csv")
    assert quoted.text == "warm oil", "the words of both lines stay apart"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match="could not read"):
        read_queries(tmp_path / "no.csv")
    with pytest.raises(CallerError, match="not UTF-8"):
        parse_queries(b"query,item\n\xff,x\n", "q.csv")
    with pytest.raises(CallerError, match="queries, line 1"):
        read_rows([3], "queries")


def test_a_span_is_found_by_any_chunk_that_shows_it() -> None:
    query = JudgedQuery("q", (Judgment("a", 2, 100, 200), Judgment("a", 3, 400, 440), Judgment("b")))
    assert query.unit_of("a", 90, 210) == "a#100-200", "the chunk holds it"
    assert query.unit_of("a", 160, 260) == "a", "the two share less than half"
    assert query.unit_of("a", 150, 250) == "a#100-200", "they share half"
    assert query.unit_of("a", 120, 450) == "a#400-440", "of two, the better one"
    assert query.unit_of("b", 5, 9) == "b"
    assert query.unit_of("c", 5, 9) == "c"


def test_judgments_of_the_same_text_are_one_unit() -> None:
    spans = JudgedQuery("q", (Judgment("a", 1, 0, 400), Judgment("a", 3, 0, 200), Judgment("a", 1, 900, 950)))
    assert spans.grades == {"a#0-400": 3, "a#900-950": 1}
    assert spans.unit_of("a", 0, 200) == spans.unit_of("a", 200, 400) == "a#0-400"
    whole = JudgedQuery("q", (Judgment("a", 1), Judgment("a", 2, 0, 200), Judgment("b", 1, 5, 9)))
    assert whole.grades == {"a": 2, "b#5-9": 1} and whole.unit_of("a", 0, 200) == "a"
    against = JudgedQuery("q", (Judgment("a", 1, 0, 100), Judgment("a", 0, 60, 300), Judgment("a", 0)))
    assert against.grades == {"a#0-100": 1, "a#60-300": 0, "a": 0}, "what is not relevant widens nothing"
    assert against.unit_of("a", 150, 250) in {"a", "a#60-300"}


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 40), st.integers(1, 3)), min_size=1, max_size=8))
def test_chunks_that_are_the_judged_spans_are_a_perfect_answer(spans: list[tuple[int, int, int]]) -> None:
    query = JudgedQuery("q", tuple(Judgment("a", grade, start, start + size) for start, size, grade in spans))
    best = sorted(spans, key=lambda one: -query.grades[query.unit_of("a", one[0], one[0] + one[1])])
    ranking = list(dict.fromkeys(query.unit_of("a", start, start + size) for start, size, _ in best))
    assert ndcg_at(10, ranking, query.grades) == pytest.approx(1.0)


def test_a_span_whose_text_has_changed_is_stale() -> None:
    text = b"warm the oil before lighting"
    mark = mark_of(text[5:12])
    assert not is_stale(Judgment("a", 1, 5, 12, mark), text)
    assert not is_stale(Judgment("a", 1, 5, 12, mark[:12]), text), "the beginning of a hash will do"
    assert is_stale(Judgment("a", 1, 5, 12, mark), b"cool the oil before lighting it"[2:])
    assert is_stale(Judgment("a", 1, None, None, mark_of(text)), text + b".")
    assert not is_stale(Judgment("a", 1, 5, 12), b"")


def test_texts_are_merged() -> None:
    [one] = merge([judged("a", {"x": 1}, synthetic=True), judged("a", {"x": 1, "y": 2})])
    assert one.grades == {"x": 1, "y": 2} and not one.synthetic


def test_many_judgments_of_one_query_are_merged_in_time() -> None:
    rows = "".join(f"same,i{number}\n" for number in range(8000))
    started = time.process_time()
    [one] = parse_queries(f"query,item\n{rows}".encode(), "q.csv")
    assert len(one.judgments) == len(one.grades) == 8000
    assert time.process_time() - started < 3, "a copy for each row takes ten seconds"


def test_headings_that_only_one_item_has() -> None:
    text = "# Lamp oil\n## How to warm the frozen oil\nWhy does it freeze? It is cold. `what?`\n"
    assert questions_in(text) == ["Lamp oil", "How to warm the frozen oil", "Why does it freeze?"]
    code = "```sh\n# How to warm it now\necho why?\n```\n\n    # An indented comment\n#!/bin/sh\n#include <x.h>\n"
    assert questions_in(code) == []
    found = from_headings([("a", "How to warm the oil"), ("b", "Frequently asked questions here"), ("a", "Short one")])
    assert [(one.text, one.grades, one.synthetic) for one in found][:1] == [("How to warm the oil", {"a": 1}, True)]
    shared = [("a", "Why is it so?"), ("b", "Why is it so?"), ("a", "Is it?")]
    assert [one.text for one in from_headings(shared)] == ["Is it?"]


@pytest.mark.parametrize(
    ("text", "length", "form"),
    [
        ("frozen oil", "1 to 3 words", "keywords"),
        ("how do I warm the oil", "4 to 8 words", "question"),
        ("the oil is frozen, is it not?", "4 to 8 words", "question"),
        ("one two three four five six seven eight nine", "more than 8 words", "keywords"),
    ],
)
def test_groups_of_a_query(text: str, length: str, form: str) -> None:
    assert segments_of(text, "en") == (("language", "en"), ("length", length), ("form", form))
