"""A chunk is cut into excerpts, each under what stands above it."""

import pytest

from secondlook.domain.chunk import Chunk
from secondlook.models.excerpts import LONGEST, MOST_LINES, Excerpt, find_excerpts, is_question, split_sentences


def read(text: str, key: str = "a.md", context: str = "") -> list[Excerpt]:
    return [one for one in find_excerpts(Chunk("1", "a", key, text, context=context)) if one.quotable]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three", ["One.", "Two!", "Three"]),
        ("Wind it, e.g. at noon. Then rest.", ["Wind it, e.g. at noon.", "Then rest."]),
        ("Er kam am 3. Mai. Öl war da.", ["Er kam am 3. Mai.", "Öl war da."]),
        ("Dr. J. Maß kam. Er ging.", ["Dr. J. Maß kam.", "Er ging."]),
        ("т. е. масло. Его мало.", ["т. е. масло.", "Его мало."]),
        ("油冻了。加热吧！好吗？好。", ["油冻了。", "加热吧！", "好吗？", "好。"]),
        ("「凍る。」と言う。", ["「凍る。」", "と言う。"]),
        ("He said “Stop.” Then he left.", ["He said “Stop.”", "Then he left."]),
        ("It cost 1.50 in v2.1 then. Now more.", ["It cost 1.50 in v2.1 then.", "Now more."]),
        ("warm it... slowly. Done.", ["warm it... slowly.", "Done."]),
        ("  ", []),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert [text[start:end] for start, end in split_sentences(text)] == sentences


@pytest.mark.parametrize("text", ["Who?", "**Who?**", "谁？", "من؟", "“Who?”", "Ποιος;", "Who?!"[:4]])
def test_questions(text: str) -> None:
    assert is_question(text)


@pytest.mark.parametrize("text", ["Anna.", "a = b;", "Who knows.", "? is a mark", ""])
def test_what_does_not_ask(text: str) -> None:
    assert not is_question(text)


def test_headings_stand_above_what_follows_until_the_next_of_their_level() -> None:
    found = read("# Lamp\n\n## Oil\n\nGrade B.\n\n## Wick\n\nCotton.\n\n# Fog\n\nTwo blasts.", context="Handbook")
    assert [one.text for one in found] == ["Grade B.", "Cotton.", "Two blasts."]
    above = [" ".join(one.context.split()) for one in found]
    assert above == ["Handbook Lamp Oil", "Handbook Lamp Wick", "Handbook Fog"]


def test_a_question_is_above_what_follows_the_nearer_the_more() -> None:
    found = read("## Who?\n\nAnna. She is kind.\n\n## Oil\n\nGrade B.")
    assert [(one.asked, one.distance) for one in found] == [("Who?", 0), ("Who?", 1), ("", 0)]


def test_a_lead_in_that_announces_too_much_stands_alone() -> None:
    long = "\n".join(f"- step number {number} of very many, which is long" for number in range(40))
    found = read(f"Do this:\n\n{long}")
    assert len(found[0].text) <= LONGEST
    assert found[0].text.startswith("Do this:\n\n- step number 0")
    assert "Do this:" in found[-1].context


def test_long_code_is_cut_into_its_paragraphs() -> None:
    code = "\n\n".join("\n".join(f"line_{part}_{number}" for number in range(5)) for part in range(4))
    found = read(f"```\n{code}\n```")
    assert [one.text.count("\n") + 1 for one in found] == [5] * 4
    flat = "\n".join(f"line_{number}" for number in range(2 * MOST_LINES))
    assert [one.text.count("\n") + 1 for one in read(f"~~~\n{flat}")] == [MOST_LINES] * 2


def test_a_sentence_without_end_is_cut_at_a_word() -> None:
    [one] = read("word " * 1000)
    assert len(one.text) <= LONGEST + 2
    assert one.text.endswith("word …")


def test_pictures_rules_and_tags_are_left_out() -> None:
    assert read("![a lamp](lamp.png)\n\n---\n\n<div>\n\n<!-- note -->\n\n| --- | --- |") == []
