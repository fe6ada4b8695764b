"""One reader for all models: texts are cut only where that is told, a query never, and windows lose nothing."""

from pathlib import Path

import pytest

from secondlook.errors import QueryTooLongError, SetupError
from secondlook.models.reading import LONGEST_TEXT, Reader
from tests.tiny_models import POSITIONS, WORDS, write_tokenizer

FIRST = 4
"""Id of the first word."""


def make(folder: Path, kind: str = "bert") -> Reader:
    write_tokenizer(folder, kind)
    return Reader(folder, max_positions=POSITIONS, typed=kind == "bert")


def ids_of(*words: str) -> list[int]:
    return [WORDS.index(word) + FIRST for word in words]


def test_a_text_by_itself(tmp_path: Path) -> None:
    reader = make(tmp_path)
    [(ids, types, cut)] = reader.read(["oil lamp"], 10)
    assert (ids.tolist(), types.tolist(), cut) == ([1, *ids_of("oil", "lamp"), 2], [0] * 4, False)
    [(ids, _, cut)] = reader.read(["oil " * 20], 10)
    assert (len(ids), cut) == (10, True)
    [(ids, _, cut)] = reader.read(["oil " * 200], 1000)
    assert (len(ids), cut) == (POSITIONS, True), "the model's own limit holds too"


@pytest.mark.parametrize(
    ("kind", "ids", "types"),
    [
        ("bert", [1, *ids_of("oil"), 2, *ids_of("fog", "horn"), 2], [0, 0, 0, 1, 1, 1]),
        ("xlm-roberta", [0, *ids_of("oil"), 2, 2, *ids_of("fog", "horn"), 2], [0] * 7),
    ],
)
def test_a_pair_in_the_template_of_its_tokenizer(tmp_path: Path, kind: str, ids: list[int], types: list[int]) -> None:
    reader = make(tmp_path, kind)
    [(found, kinds, cut)] = reader.pair(reader.ask("oil", 20), ["fog horn"])
    assert (found.tolist(), kinds.tolist(), cut) == (ids, types, False)


def test_of_a_pair_the_passage_is_cut_and_the_query_never(tmp_path: Path) -> None:
    reader = make(tmp_path)
    asked = reader.ask("oil " * 30, 40)
    [(ids, _, cut)] = reader.pair(asked, ["lamp " * 30])
    assert (len(ids), cut) == (40, True)
    assert ids.tolist().count(*ids_of("oil")) == 30
    assert reader.pair(asked, ["lamp " * 7])[0][2] is False
    assert reader.pair(asked, ["lamp" + " " * 7 * LONGEST_TEXT])[0][2] is True, "what was not looked at may hold words"
    with pytest.raises(QueryTooLongError, match=r"the query has 37 tokens.* reads 40 of query and passage"):
        reader.ask("oil " * 37, 40)
    with pytest.raises(QueryTooLongError, match=f"reads {POSITIONS} of"):
        reader.ask("oil " * 100, 1000)


def test_windows_cover_the_text(tmp_path: Path) -> None:
    reader = make(tmp_path)
    text = " ".join(WORDS[at % len(WORDS)] for at in range(50))
    [spans] = reader.windows([text], 12)
    assert len(spans) == 5
    assert " ".join(text[start:end] for start, end in spans) == text
    assert all(reader.count_tokens(text[start:end]) <= 10 for start, end in spans)
    assert reader.windows([""], 16) == [[(0, 0)]]
    assert len(reader.windows(["oil lamp"], 0)[0]) == 2, "a window has a token at least"


def test_without_a_tokenizer(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(SetupError, match=r"could not use .*tokenizer\.json"):
        Reader(tmp_path, max_positions=8)
