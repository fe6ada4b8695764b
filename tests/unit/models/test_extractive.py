"""Extractive answers: every sentence stands in a chunk."""

import asyncio
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.chunk import Chunk
from secondlook.errors import GeneratorError
from secondlook.models.extractive import ExtractiveGenerator, split_sentences
from secondlook.ports import Prompt

CHUNKS = (
    Chunk(
        "1", "a", "oil.md", "# Lamp oil\n\nWhen lamp oil freezes, warm the reservoir to 12 °C. Grade B stays liquid."
    ),
    Chunk(
        "2", "b", "fog.md", "- Two blasts every ninety seconds.\n- Wind the clockwork, e.g. at noon, every four hours."
    ),
)


def answer(question: str, chunks: tuple[Chunk, ...] = CHUNKS) -> str:
    async def work() -> str:
        prompt = Prompt((), question, chunks)
        return "".join([delta.text async for delta in ExtractiveGenerator().stream(prompt)])

    return asyncio.run(work())


def test_the_best_sentence_comes_first_with_its_key() -> None:
    found = answer("what to do when the lamp oil freezes?")
    assert found.startswith("When lamp oil freezes, warm the reservoir to 12 °C. [oil.md]")


def test_nothing_is_found() -> None:
    assert answer("xylophone?") == "Nothing in the documents answers this question."


def test_headings_and_code_are_no_sentences() -> None:
    chunk = Chunk(
        "1", "a", "a.md", "# Lamp oil in winter\n\n```\nlamp oil freeze now please\n```\n\n| lamp | oil | a |"
    )
    assert split_sentences(chunk, 0) == []


def test_abbreviations_do_not_end_a_sentence() -> None:
    assert any("e.g. at noon" in one.text for one in split_sentences(CHUNKS[1], 0))


def test_its_name() -> None:
    assert ExtractiveGenerator().name("gpt-5") == "secondlook/extractive"


@given(
    st.lists(st.sampled_from("oil lamp freezes. Warm fog horn. Every (four) hours! - Is \n\n".split(" ")), max_size=40)
)
def test_every_sentence_stands_in_the_chunk(words: list[str]) -> None:
    text = " ".join(words)
    found = answer("warm oil lamp fog", (Chunk("1", "a", "k", text),))
    flat = " ".join(text.split())
    for sentence in re.split(r" \[k\] ?", found.removesuffix(" [k]")):
        assert sentence in flat or sentence.startswith("Nothing in the documents")


def test_without_chunks_there_is_nothing_to_quote() -> None:
    with pytest.raises(GeneratorError, match="SECONDLOOK_LLM_URL"):
        answer("rewrite this", ())
