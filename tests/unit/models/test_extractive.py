"""The built-in generator quotes what the chunks say, under the names of their documents."""

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.chunk import Chunk
from secondlook.errors import GeneratorError
from secondlook.models.extractive import (
    CLOSEST,
    EXCERPTS,
    NOTHING,
    ExtractiveGenerator,
    analyser_for,
    choose_excerpts,
    write_answer,
)
from secondlook.ports import Delta, Prompt

OIL = Chunk(
    "1", "a", "oil.md", "# Lamp oil\n\nWhen lamp oil freezes, warm the reservoir to 12 °C. Grade B stays liquid."
)
FOG = Chunk(
    "2", "b", "fog.md", "- Two blasts every ninety seconds.\n- Wind the clockwork, e.g. at noon, every four hours."
)


@dataclass(frozen=True)
class Case:
    """A document, a question, and the one excerpt that answers it."""

    text: str
    question: str
    quoted: str
    key: str = "a.md"


CASES = {
    "a short sentence": Case("The keeper is Anna.", "Who is the keeper?", "The keeper is Anna."),
    "one word": Case("## Keeper\n\nAnna.\n\n## Cook\n\nBen.", "Who is the cook?", "Ben."),
    "a German umlaut begins the sentence": Case(
        "Otto wohnt in Kiel. Änne wohnt in Bremen. Ölig ist es hier.", "Wo wohnt Änne?", "Änne wohnt in Bremen."
    ),
    "German abbreviations": Case(
        "Der Tank fasst ca. 20 Liter, z. B. im Winter. Der Wärter heißt Dr. Otto Maß.",
        "Wie heißt der Wärter?",
        "Der Wärter heißt Dr. Otto Maß.",
    ),
    "a German day of the month": Case(
        "Die Lampe ist rot. Das Fest beginnt am 3. Mai auf dem Hof.",
        "Wann beginnt das Fest?",
        "Das Fest beginnt am 3. Mai auf dem Hof.",
    ),
    "German inflection": Case(
        "Batterien werden jährlich getauscht. Der Turm ist weiß.",
        "Wann muss die Batterie getauscht werden?",
        "Batterien werden jährlich getauscht.",
    ),
    "Russian": Case(
        "Маяк стоит на скале. Смотритель маяка — Анна. Её сменяет Пётр.",
        "Кто смотритель маяка?",
        "Смотритель маяка — Анна.",
    ),
    "Russian abbreviations": Case(
        "Маяк открыт в 1890 г. Он стоит на ул. Морская. Пароль знает Анна.",
        "Кто знает пароль?",
        "Пароль знает Анна.",
    ),
    "Chinese": Case(
        "灯塔建于1890年。灯塔管理员是安娜。她每晚点灯。", "灯塔管理员是谁？", "灯塔管理员是安娜。"
    ),
    "Chinese, a quotation": Case(
        "他说：“灯油冻结时要加热油箱。”夜里有雾。", "灯油冻结怎么办？", "他说：“灯油冻结时要加热油箱。”"
    ),
    "Japanese": Case(
        "灯台は1890年に建てられた。管理人はアンナです。毎晩灯をともす。", "管理人は誰ですか？", "管理人はアンナです。"
    ),
    "Korean": Case(
        "등대는 1890년에 세워졌다. 관리인은 안나입니다. 매일 밤 불을 켠다.",
        "관리인은 누구입니까?",
        "관리인은 안나입니다.",
    ),
    "Greek": Case(
        "Ο φάρος είναι άσπρος. Ο φύλακας είναι η Άννα.", "Ποιος είναι ο φύλακας;", "Ο φύλακας είναι η Άννα."
    ),
    "Arabic": Case("المنارة بيضاء. حارس المنارة آنا.", "من حارس المنارة؟", "حارس المنارة آنا."),
    "a heading that is a question": Case(
        "# FAQ\n\n## Who is the keeper?\n\nAnna, since 1999.\n\n## Where is the oil?\n\nIn the shed.",
        "who is the keeper",
        "Anna, since 1999.",
    ),
    "a question in bold": Case(
        "**Who is the keeper?**\n\nAnna, since 1999.\n\n**Where is the oil?**\n\nIn the shed.",
        "Where is the oil?",
        "In the shed.",
    ),
    "a question on a line of its own": Case(
        "Who signs a release?\nThe captain.\nWhere is the oil?\nIn the shed.", "Where is the oil?", "In the shed."
    ),
    "a Chinese question": Case("问：灯油在哪里？\n答：在仓库。", "灯油在哪里？", "答：在仓库。"),
    "a heading underlined": Case(
        "Lamp oil\n========\n\nGrade B.\n\nFog\n---\n\nTwo blasts.",
        "what lamp oil",
        "Grade B.",
    ),
    "a heading alone": Case("# Closed on Sundays", "Is it closed on Sundays?", "Closed on Sundays"),
    "a list item": Case(
        "- Two blasts in fog.\n- Wind the clock at noon.",
        "When is the clock wound? at noon",
        "Wind the clock at noon.",
    ),
    "a numbered list under its lead-in": Case(
        "To warm the oil:\n\n1. Open the valve.\n2. Light the stove.\n\nThen wait.",
        "How do I warm the oil?",
        "To warm the oil:\n\n1. Open the valve.\n2. Light the stove.",
    ),
    "a Chinese list under its lead-in": Case(
        "加热灯油的步骤：\n\n1. 打开阀门。\n2. 点燃炉子。",
        "如何加热灯油？",
        "加热灯油的步骤：\n\n1. 打开阀门。\n2. 点燃炉子。",
    ),
    "a table row under its header": Case(
        "| Grade | Freezes at |\n| --- | --- |\n| A | -5 °C |\n| Benzol | -20 °C |",
        "When does Benzol freeze?",
        "| Grade | Freezes at |\n| --- | --- |\n| Benzol | -20 °C |",
    ),
    "a table row without its header": Case("| Benzol | -20 °C |\n| Rape | -5 °C |", "rape", "| Rape | -5 °C |"),
    "a table without outer bars": Case(
        "Grade | Freezes at\n--- | ---\nBenzol | -20 °C\nRape | -5 °C",
        "rape",
        "Grade | Freezes at\n--- | ---\nRape | -5 °C",
    ),
    "code in a fence": Case(
        "Done.\n\n```sh\nexport TIMEOUT=30\n```\n\nBye.", "what is the timeout", "```\nexport TIMEOUT=30\n```"
    ),
    "code under its lead-in": Case(
        "Set the port with:\n\n```sh\nserve --port 80\n```",
        "set the port",
        "Set the port with:\n\n```sh\nserve --port 80\n```",
    ),
    "a source file": Case(
        "import os\n\n\ndef add(a, b):\n    return a + b\n",
        "def add",
        "```\ndef add(a, b):\n    return a + b\n```",
        "x.py",
    ),
    "a settings file": Case("[lamp]\ntimeout = 30\n", "timeout", "```\n[lamp]\ntimeout = 30\n```", "x.ini"),
    "lines of facts": Case(
        "Opening hours\nMon-Fri 9-17\nSat 10-14", "opening hours", "Opening hours\nMon-Fri 9-17\nSat 10-14"
    ),
    "a sentence over two lines": Case(
        "The keeper of the old lighthouse at the far end of the pier\nis Anna, whom all know. It rains.",
        "Who is the keeper of the lighthouse?",
        "The keeper of the old lighthouse at the far end of the pier\nis Anna, whom all know.",
    ),
    "a block quote": Case("> The keeper is Anna.\n> She is kind.", "Who is the keeper?", "The keeper is Anna."),
    "no full stop": Case("Keeper: Anna", "Who is the keeper?", "Keeper: Anna"),
}  # fmt: skip


FOREIGN = ("xylophone mallets?", "木琴のばち？", "Где купить ксилофон?", "Wo kaufe ich ein Xylophon?")
WORDS = "oil|lamp|freezes.|Warm|fog?|(four)|hours!|- |\n|\n\n|# |灯油。|```\n|Öl:".split("|")


def quotes(question: str, *chunks: Chunk) -> list[str]:
    """What is quoted, without the marks of a quotation."""
    found = (one.lines.split("\n") for one in choose_excerpts(question, chunks))
    return ["\n".join(line.removeprefix(">").removeprefix(" ") for line in lines) for lines in found]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_excerpt_that_answers_is_quoted_as_it_is_written(case: Case) -> None:
    found = quotes(case.question, Chunk("1", "a", case.key, case.text))
    assert found[:1] == [case.quoted]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("question", FOREIGN)
def test_an_unanswerable_question_gets_the_closest_passage_under_words_that_say_so(case: Case, question: str) -> None:
    answer = "".join(write_answer(question, [Chunk("1", "a", case.key, case.text)]))
    assert answer.startswith(CLOSEST)
    assert f"From {case.key}:" in answer


def test_a_question_is_never_quoted() -> None:
    faq = Chunk("1", "a", "faq.md", "Who is the keeper? Who is the cook? Where is the oil?")
    assert write_answer("Who is the keeper?", [faq]) == [NOTHING]
    answered = Chunk("2", "b", "b.md", "Do you know who the keeper is? Many ask who the keeper is. Ask the captain.")
    assert quotes("Who is the keeper?", faq, answered) == ["Many ask who the keeper is.", "Ask the captain."]


def test_each_document_is_named_once_above_its_quotations() -> None:
    other = Chunk("3", "a", "oil.md", "Lamp oil that freezes turns white.")
    answer = "".join(write_answer("what to do when the lamp oil freezes?", [OIL, other, FOG]))
    assert answer == (
        f"{EXCERPTS}\n\nFrom oil.md:\n\n> When lamp oil freezes, warm the reservoir to 12 °C."
        "\n\n> Lamp oil that freezes turns white."
    )


def test_a_row_far_from_the_question_is_left_out() -> None:
    table = Chunk("1", "a", "t.md", CASES["a table row under its header"].text)
    assert len(choose_excerpts("When does Benzol freeze?", [table])) == 1


def test_a_question_of_few_words_must_be_met_by_more_than_half_of_them() -> None:
    company = Chunk("1", "a", "c.md", "The capital of the company is 3 million. Its seat is Kiel.")
    assert not choose_excerpts("What is the capital of France?", [company])
    assert choose_excerpts("What is the capital of the company?", [company])


def test_chunks_without_anything_to_quote_leave_the_sentence_that_says_so() -> None:
    assert write_answer("oil", [Chunk("1", "a", "a.md", "---\n\n![a](b.png)")]) == [NOTHING]


def test_the_language_is_that_of_the_chunks_where_the_question_is_short() -> None:
    german = Chunk("1", "a", "a.md", "Der Wärter ist nicht auf dem Turm, und die Lampe ist aus.")
    assert analyser_for("Batterie S2", [german]) == "german"
    assert analyser_for("Was ist das für ein Turm?", [OIL]) == "german"
    assert analyser_for("E-21", [Chunk("1", "a", "a.md", "E-21")]) == "english"


def test_the_stream_names_itself_and_counts_words() -> None:
    async def work() -> list[Delta]:
        return [one async for one in ExtractiveGenerator().stream(Prompt((), "When does lamp oil freeze?", (OIL, FOG)))]

    *pieces, last = asyncio.run(work())
    assert pieces[0].text == EXCERPTS
    assert (last.text, last.finish_reason) == ("", "stop")
    assert last.prompt_tokens > last.completion_tokens == sum(len(one.text.split()) for one in pieces)
    assert ExtractiveGenerator().name("gpt-5") == "secondlook/extractive"


@given(st.lists(st.sampled_from([*WORDS, "| a | b |\n"]), max_size=40))
def test_every_excerpt_stands_in_the_chunk(words: list[str]) -> None:
    chunk = Chunk("1", "a", "k.md", " ".join(words))
    for one in choose_excerpts("warm oil lamp fog 灯油", (chunk,)):
        assert one.excerpt.text in chunk.text
        assert one.excerpt.code or not one.excerpt.text.endswith("?")


def test_without_chunks_there_is_nothing_to_quote() -> None:
    async def work() -> list[Delta]:
        return [one async for one in ExtractiveGenerator().stream(Prompt((), "rewrite this", ()))]

    with pytest.raises(GeneratorError, match="SECONDLOOK_LLM_URL"):
        asyncio.run(work())
