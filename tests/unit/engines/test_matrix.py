"""Snapshots of vectors: a reader sees what it saw, whatever is written meanwhile."""

import gc
import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from secondlook.domain.filters import AllOf, Comparison
from secondlook.engines.matrix import Matrix, Row

AXES = np.eye(4, dtype="<f4")


def row(number: int, item: str, axis: int | None) -> Row:
    return Row(number, f"c{number}", item, json.dumps({"n": number}), None if axis is None else AXES[axis].tobytes())


def ids(matrix: Matrix, axis: int = 0, num: int = 100) -> list[str]:
    return [name for name, _ in matrix.nearest(AXES[axis].tobytes(), num, None)]


def test_a_snapshot_never_changes() -> None:
    first = Matrix(0, 4).extended(1, "", [row(1, "a", 0), row(2, "b", 1)])
    left = first.extended(2, "a", [row(3, "a", 0)])
    right = first.extended(2, "b", [row(4, "b", 2), row(5, "b", 0)])
    assert ids(first) == ["c1", "c2"]
    assert ids(left) == ["c3", "c2"]
    assert ids(right) == ["c1", "c5", "c4"]


def test_a_row_without_vector_is_not_near_but_allowed() -> None:
    matrix = Matrix(0, 4).extended(1, "", [row(1, "a", None), row(2, "a", 3)])
    assert ids(matrix) == ["c2"]
    assert matrix.allowed(Comparison("n", "lte", 1)) == [1]
    assert matrix.nearest(AXES[0].tobytes(), 0, None) == []


def test_masks_are_remembered_for_a_few_filters() -> None:
    matrix = Matrix(0, 4).extended(1, "", [row(n, "a", 0) for n in range(30)])
    for bound in range(40):
        assert matrix.allowed(Comparison("n", "lt", bound)) == list(range(min(bound, 30)))


def test_values_of_other_types_are_other_filters() -> None:
    rows = [Row(at, f"c{at}", "i", json.dumps({"ok": one}), None) for at, one in enumerate((1, True, 0), 1)]
    matrix = Matrix(0, 4).extended(1, "", rows)
    assert matrix.allowed(Comparison("ok", "eq", 1)) == [1]
    assert matrix.allowed(Comparison("ok", "eq", True)) == [2]
    assert matrix.allowed(AllOf((Comparison("ok", "in", (0, False)),))) == [3]
    assert matrix.allowed(AllOf((Comparison("ok", "in", (0, 1)),))) == [1, 3]
    assert matrix.allowed(AllOf((Comparison("ok", "in", (False, True)),))) == [2]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 5)), max_size=60))
def test_any_sequence_of_writes_equals_a_fresh_build(writes: list[tuple[str, int]]) -> None:
    matrix, held, number = Matrix(0, 4), dict[str, list[Row]](), 0
    for generation, (item, count) in enumerate(writes, 1):
        rows = [row(number + at, item, at % 4) for at in range(count)]
        number += count
        matrix = matrix.extended(generation, item, rows)
        held[item] = rows
    expected = {one.chunk_id for rows in held.values() for one in rows}
    assert set(ids(matrix, num=1000)) == expected


def test_a_filter_reads_what_comes_later_too() -> None:
    before = Matrix(0, 4).extended(1, "", [row(n, "a", 0) for n in range(10)])
    where = Comparison("n", "gte", 5)
    assert before.allowed(where) == [5, 6, 7, 8, 9]
    after = before.extended(2, "", [row(n, "b", 1) for n in range(3, 12)])
    assert after.allowed(where) == [5, 6, 7, 8, 9, 5, 6, 7, 8, 9, 10, 11]
    assert before.allowed(where) == [5, 6, 7, 8, 9]


def test_ids_of_any_length_and_script() -> None:
    first = Matrix(0, 4).extended(1, "", [Row(1, "c", "a", "{}", AXES[0].tobytes())])
    longer = first.extended(2, "", [Row(2, "été-" * 40, "b", "{}", AXES[0].tobytes())])
    assert (ids(first), ids(longer)) == (["c"], ["c", "été-" * 40])


def test_the_garbage_collector_has_no_object_a_row_to_visit() -> None:
    gc.collect()
    before = len(gc.get_objects())
    matrix = Matrix(0, 4).extended(1, "", (row(n, f"i{n}", n % 4) for n in range(5000)))
    gc.collect()
    assert len(gc.get_objects()) - before < 100
    assert matrix.size == 5000
