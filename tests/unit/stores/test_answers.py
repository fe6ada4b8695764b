"""Kept answers: found by like wording, within their life and their room; a file that is lost or damaged is a miss."""

import asyncio
import sqlite3
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from secondlook.domain.answer import LONGEST_LIFE, Question, Recalled
from secondlook.errors import BackendError
from secondlook.stores.answers import ROW, AnswerFile

T = TypeVar("T")
ASKED = Question("i", "1", "scope", "what must I do when the oil in the lamp freezes in a winter as cold as this")
LIFE = 600.0


class Clock:
    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def answers(tmp_path: Path, clock: Clock) -> Iterator[AnswerFile]:
    made = AnswerFile(tmp_path / "answers.sqlite", room=1 << 20, clock=clock)
    yield made
    made.close()


def find(answers: AnswerFile, question: Question = ASKED, least: float = 0.8, life: float = LIFE) -> Recalled | None:
    return run(answers.find(question, least=least, life=life))


def test_what_is_kept_is_found(answers: AnswerFile, clock: Clock) -> None:
    assert find(answers) is None
    run(answers.keep(ASKED, b"answer"))
    clock.now += 5
    assert find(answers) == Recalled(b"answer", 1.0, 5.0)
    close = replace(ASKED, text=ASKED.text.replace("must", "should"))
    found = find(answers, close)
    assert found is not None and 0.8 <= found.likeness < 1
    assert find(answers, close, least=0.95) is None


@pytest.mark.parametrize("other", [{"scope": "other"}, {"epoch": "2"}, {"text": "when does the fog horn sound"}])
def test_what_differs_is_not_found(answers: AnswerFile, other: dict[str, str]) -> None:
    run(answers.keep(ASKED, b"answer"))
    assert find(answers, replace(ASKED, **other)) is None


def test_the_most_alike_is_found(answers: AnswerFile) -> None:
    for word in ("should", "must", "could"):
        run(answers.keep(replace(ASKED, text=ASKED.text.replace("must", word)), word.encode()))
    found = find(answers)
    assert found is not None and found.content == b"must"


def test_the_same_question_again_takes_the_place(answers: AnswerFile, tmp_path: Path) -> None:
    for content in (b"one", b"two"):
        run(answers.keep(ASKED, content))
    found = find(answers)
    assert found is not None and found.content == b"two"
    assert count(tmp_path) == 1


def test_life(answers: AnswerFile, clock: Clock) -> None:
    run(answers.keep(ASKED, b"answer"))
    clock.now += LIFE - 1
    assert find(answers)
    clock.now += 1
    assert find(answers) is None
    assert find(answers, life=2 * LIFE)
    clock.now -= 2 * LIFE
    assert find(answers) is None, "a clock that was set back makes nobody live longer"
    clock.now += LONGEST_LIFE + 2 * LIFE
    run(answers.keep(replace(ASKED, index="other"), b"x"))
    assert find(answers, life=10 * LONGEST_LIFE) is not None


def count(folder: Path) -> int:
    with sqlite3.connect(folder / "answers.sqlite") as connection:
        [(answers,)] = connection.execute("SELECT count(*) FROM answers")
        [(orphans,)] = connection.execute("SELECT count(*) FROM buckets WHERE answer NOT IN (SELECT id FROM answers)")
    connection.close()
    assert orphans == 0
    return int(answers)


def test_another_epoch_forgets_those_before(answers: AnswerFile, tmp_path: Path) -> None:
    for place in range(3):
        run(answers.keep(replace(ASKED, text=f"question {place}"), b"x"))
    run(answers.keep(replace(ASKED, index="other", text="hello"), b"x"))
    run(answers.keep(replace(ASKED, epoch="2"), b"x"))
    assert count(tmp_path) == 2


def test_forgotten_for_good(answers: AnswerFile, tmp_path: Path) -> None:
    run(answers.keep(ASKED, b"x"))
    run(answers.keep(replace(ASKED, index="other", scope="other"), b"y"))
    run(answers.forget("i"))
    assert find(answers) is None
    assert find(answers, replace(ASKED, scope="other")) is not None
    again = AnswerFile(tmp_path / "answers.sqlite", room=1 << 20, clock=lambda: 1e9)
    assert run(again.find(ASKED, least=0.5, life=LIFE)) is None
    again.close()


def test_the_room_is_kept_and_what_is_used_stays(tmp_path: Path, clock: Clock) -> None:
    room = 40 * (ROW + 1000)
    answers = AnswerFile(tmp_path / "answers.sqlite", room=room, clock=clock)
    used = replace(ASKED, text="which is used again and again")
    run(answers.keep(used, b"u" * 900))
    for place in range(100):
        clock.now += 100
        run(answers.keep(replace(ASKED, text=f"question {place}"), b"x" * 900))
        assert find(answers, used, life=10**6) is not None
    assert find(answers, replace(ASKED, text="question 0"), life=10**6) is None
    assert find(answers, replace(ASKED, text="question 99"), life=10**6) is not None
    assert 30 <= count(tmp_path) <= 40
    run(answers.keep(replace(ASKED, text="an essay"), b"x" * room))
    assert find(answers, replace(ASKED, text="an essay")) is None
    answers.close()
    assert (tmp_path / "answers.sqlite").stat().st_size < 2 * room + (64 << 12)


def test_a_file_made_with_something_else_is_emptied(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for made_with, expected in (("one", False), ("one", True), ("two", False), ("one", False)):
        answers = AnswerFile(tmp_path / "answers.sqlite", room=1 << 20, made_with=made_with)
        assert (find(answers) is not None) is expected
        run(answers.keep(ASKED, b"x"))
        answers.close()
    told = f"The answer cache {tmp_path / 'answers.sqlite'} starts empty"
    assert [one.startswith(told) for one in caplog.messages] == [True, True], "of the three files, two held answers"


@pytest.mark.parametrize("open_first", [True, False])
def test_a_damaged_file_is_an_empty_one(tmp_path: Path, open_first: bool) -> None:
    path = tmp_path / "answers.sqlite"
    answers = AnswerFile(path, room=1 << 20)
    run(answers.keep(ASKED, b"x" * 20_000))
    if not open_first:
        answers.close()
    for suffix in ("", "-wal"):
        broken = path.with_name(path.name + suffix)
        if broken.exists():
            broken.write_bytes(b"no database at all " * 4000)
    for _ in range(2):
        try:
            found = find(answers)
        except BackendError as error:
            assert "answers.sqlite" in str(error)
        else:
            assert found is None or found.content == b"x" * 20_000
    answers.close()
    again = AnswerFile(path, room=1 << 20)
    run(again.keep(ASKED, b"y"))
    assert find(again, life=10**6) is not None
    again.close()


def test_a_file_that_is_deleted_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    answers = AnswerFile(path, room=1 << 20)
    run(answers.keep(ASKED, b"x"))
    answers.close()
    path.unlink()
    assert find(answers) is None
    run(answers.keep(ASKED, b"x"))
    assert find(answers) is not None
    answers.close()


def test_a_place_that_cannot_be_written_is_an_error_each_time(tmp_path: Path) -> None:
    answers = AnswerFile(tmp_path / "absent" / "answers.sqlite", room=1 << 20)
    for words in ("could not use", "paused"):
        with pytest.raises(BackendError, match=rf"{words}.*answers\.sqlite|answers\.sqlite.*{words}"):
            find(answers)
    with pytest.raises(BackendError, match="could not use"):
        run(answers.forget("i"))


def test_another_process_that_writes_is_waited_for_but_not_long(
    answers: AnswerFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(answers.keep(ASKED, b"x"))
    other = sqlite3.connect(tmp_path / "answers.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(BackendError, match="locked"):
        run(answers.keep(replace(ASKED, text="another"), b"y"))
    with pytest.raises(BackendError, match="paused"):
        find(answers)
    with pytest.raises(BackendError, match="locked"):
        run(answers.forget("i"))
    other.execute("ROLLBACK")
    other.close()
    monkeypatch.setattr(answers, "_rests_until", 0.0)
    assert find(answers) is not None, "nothing was lost"
