"""What every generator keeps to: an answer in pieces with one end, from any chunks and any question."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from secondlook.domain.chunk import Chunk
from secondlook.domain.query import Message
from secondlook.errors import GeneratorError
from secondlook.models.extractive import ExtractiveGenerator
from secondlook.models.fakes import FakeGenerator
from secondlook.models.openai_compatible import OpenAICompatible
from secondlook.ports import Delta, Generator, Prompt
from tests.llm_server import running

pytestmark = pytest.mark.server

CHUNKS = (
    Chunk("1", "i1", "winter/oil.md", "Warm the oil reservoir before lighting the lamp."),
    Chunk("2", "i2", "fog.md", "Two blasts of the fog horn every ninety seconds."),
)
ASKED = "how to warm the lamp oil?"

ADAPTERS: dict[str, Callable[[str], Generator]] = {
    "extractive": lambda url: ExtractiveGenerator(),
    "openai compatible": lambda url: OpenAICompatible(url, model="ok"),
    "fake": lambda url: FakeGenerator(),
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running() as found:
        yield found


@pytest.fixture(params=ADAPTERS)
def generator(request: pytest.FixtureRequest, url: str) -> Generator:
    return ADAPTERS[request.param](url)


def generate(generator: Generator, prompt: Prompt) -> list[Delta]:
    async def work() -> list[Delta]:
        try:
            return [delta async for delta in generator.stream(prompt)]
        finally:
            if isinstance(generator, OpenAICompatible):
                await generator.close()

    return asyncio.run(work())


def test_the_answer_cites_the_best_chunk(generator: Generator) -> None:
    deltas = generate(generator, Prompt((Message("user", ASKED),), ASKED, CHUNKS))
    text = "".join(delta.text for delta in deltas)
    assert "winter/oil.md" in text and "fog.md" not in text
    assert [delta.finish_reason for delta in deltas if delta.finish_reason] == ["stop"]
    assert deltas[-1].finish_reason == "stop", "the end comes last"
    assert deltas[-1].prompt_tokens > 0 and deltas[-1].completion_tokens > 0


@pytest.mark.parametrize(
    "prompt",
    [
        Prompt((), "", CHUNKS),
        Prompt((Message("assistant", "and?"), Message("tool", "x")), "🦊", (Chunk("3", "i3", "k", ""),)),
        Prompt((), ASKED, CHUNKS, "@cf/meta/llama", (("temperature", 0.1),)),
    ],
)
def test_any_prompt_with_chunks_has_an_answer(generator: Generator, prompt: Prompt) -> None:
    deltas = generate(generator, prompt)
    assert "".join(delta.text for delta in deltas).strip()
    assert deltas[-1].finish_reason == "stop"


def test_without_chunks_it_answers_or_says_that_it_cannot(generator: Generator) -> None:
    try:
        deltas = generate(generator, Prompt((Message("user", ASKED),), ASKED, ()))
    except GeneratorError as error:
        assert "SECONDLOOK_LLM_URL" in str(error)
    else:
        assert "".join(delta.text for delta in deltas).strip()
        assert deltas[-1].finish_reason == "stop"


def test_it_names_the_model_that_answers(generator: Generator) -> None:
    assert generator.name("")
    assert generator.name(generator.name("")) == generator.name("")


@pytest.mark.parametrize(
    "broken", [FakeGenerator(error=GeneratorError("down")), OpenAICompatible("http://127.0.0.1:9/v1", model="x")]
)
def test_a_failure_is_a_generator_error(broken: Generator) -> None:
    with pytest.raises(GeneratorError):
        generate(broken, Prompt((), ASKED, CHUNKS))


def test_what_is_sent_holds_the_question_and_the_chunks_or_nothing(generator: Generator) -> None:
    sent = generator.messages(Prompt((Message("user", ASKED),), ASKED, CHUNKS))
    told = " ".join(str(one["content"]) for one in sent)
    assert not sent or ASKED in told
    if isinstance(generator, OpenAICompatible):
        assert CHUNKS[0].text in told and [one["role"] for one in sent] == ["system", "user"]
