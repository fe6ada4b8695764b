"""A judge is asked once for each pair, and what it says is not guessed."""

import asyncio

import pytest

from secondlook.domain.chunk import Chunk
from secondlook.errors import GeneratorError
from secondlook.evaluation.queries import mark_of
from secondlook.models.extractive import ExtractiveGenerator
from secondlook.models.fakes import FakeGenerator
from secondlook.services.judging import AGAIN, Judge, ask_about, read_grade
from tests.unit.services.conftest import House


class Counting(FakeGenerator):
    """Counts how often it is asked."""

    def __init__(self, answer: str) -> None:
        super().__init__(answer=answer)
        self.asked = 0

    def stream(self, prompt):  # type: ignore[no-untyped-def]  # as the one it stands on
        self.asked += 1
        return super().stream(prompt)


@pytest.mark.parametrize(
    ("said", "grade"),
    [
        ("2", 2),
        (" **3**.\n", 3),
        ("Grade: 3.", 3),
        ("On a scale of 0 to 3, the grade is 2", 2),
        ("It says 1 thing. Grade: 1? No, **Grade:** 2", 2),
        ("<think>grade: 0</think>3", 3),
        ("on a scale of 0 to 3: 2", None),
        ("0 out of 3", None),
        ("relevant", None),
        ("7", None),
        ("Grade: 30", None),
        ("grade: 2.5", None),
        ("grades 0 to 3", None),
    ],
)
def test_grades(house: House, said: str, grade: int | None) -> None:
    model = Counting(said)
    assert read_grade(said) == house.run(Judge(model, house.book).grade("oil", "warm the oil")) == grade
    assert model.asked == (2 if grade is None else 1), "what is no grade is asked for once more"


def test_a_model_that_first_talks_is_asked_for_the_digit_alone(house: House) -> None:
    class Talking(Counting):
        def stream(self, prompt):  # type: ignore[no-untyped-def]  # as the one it stands on
            self._answer = "2" if prompt.messages[-1].content == AGAIN else "on a scale of 0 to 3: 2"
            return super().stream(prompt)

    model = Talking("")
    assert house.run(Judge(model, house.book).grade("oil", "a")) == 2
    assert house.run(Judge(Talking("0"), house.book).grade("oil", "a")) == 2 and model.asked == 2, "it is kept"


def test_a_pair_is_asked_once_by_each_judge(house: House) -> None:
    model = Counting("1")
    judge = Judge(model, house.book)
    assert house.run(judge.grade_all("oil", ["a", "b", "a"])) == [1, 1, 1]
    asked = model.asked
    assert house.run(Judge(model, house.book).grade_all("oil", ["b", "a"])) == [1, 1] and model.asked == asked
    house.run(Judge(model, house.book, "another").grade("oil", "a"))
    assert model.asked == asked + 1


def test_a_model_that_cannot_judge_is_an_error(house: House) -> None:
    with pytest.raises(GeneratorError, match="SECONDLOOK_LLM_URL"):
        house.run(Judge(ExtractiveGenerator(), house.book).grade("oil", "a"))
    with pytest.raises(GeneratorError, match="empty answer"):
        house.run(Judge(Counting(" "), house.book).grade("oil", "a"))


def test_questions_about_chunks_carry_their_place() -> None:
    chunks = [Chunk("c1", "i1", "oil.md", "Warm the oil.", start=4, end=17)]
    [found] = asyncio.run(ask_about(Counting('"When is the reservoir heated?"'), chunks))
    assert (found.text, found.synthetic) == ("When is the reservoir heated?", True)
    [judgment] = found.judgments
    assert (judgment.unit, judgment.mark) == ("oil.md#4-17", mark_of(b"Warm the oil."))
    assert asyncio.run(ask_about(Counting("no"), chunks)) == [], "that is no question"
