"""Error bodies of servers in the field become the error that says what to do."""

import pytest

from secondlook.errors import (
    AnswerBlockedError,
    GeneratorAnswerError,
    GeneratorBusyError,
    GeneratorDeniedError,
    GeneratorError,
    GeneratorKeyMissingError,
    GeneratorTimeoutError,
    GeneratorUnpaidError,
    InvalidModelError,
    PromptBlockedError,
    PromptTooLongError,
    SecondlookError,
    StandInAnswerError,
    StandInError,
    StandInTimeoutError,
)
from secondlook.models.refusals import Asked, in_words_of, read_error, refusal

OWN = Asked("gpt-5", sent_on=True, with_key=True)
HOSTED = Asked("@cf/meta/llama", sent_on=False, with_key=True)


@pytest.mark.parametrize(
    ("status", "body", "wanted"),
    [
        (500, '{"error": {"message": "CUDA error"}}', GeneratorError),
        (502, "<html>bad gateway</html>", GeneratorError),
        (400, '{"error": {"message": "temperature must be below 2"}}', GeneratorError),
        (429, '{"error": {"message": "slow down"}}', GeneratorBusyError),
        (429, '{"error": {"message": "out of quota", "type": "insufficient_quota"}}', GeneratorUnpaidError),
        (400, '{"error": {"message": "Your credit balance is too low"}}', GeneratorUnpaidError),
        (402, "", GeneratorUnpaidError),
        (401, '{"error": "no"}', GeneratorDeniedError),
        (403, "{}", GeneratorDeniedError),
        (413, "", PromptTooLongError),
        (400, '{"error": {"code": "context_length_exceeded", "message": "x"}}', PromptTooLongError),
        (400, '{"detail": "prompt is too long: 9 tokens"}', PromptTooLongError),
        (400, '{"error": {"message": "triggered", "innererror": {}, "code": "content_filter"}}', PromptBlockedError),
        (424, '{"error": [{"code": 2016, "message": "x"}]}', PromptBlockedError),
        (424, '{"errors": [{"code": 2017, "message": "x"}]}', AnswerBlockedError),
        (404, '{"error": {"message": "The model `gpt-5` does not exist"}}', InvalidModelError),
        (404, "page not found", GeneratorError),
        (504, "upstream", GeneratorTimeoutError),
    ],
)
def test_each_refusal_has_its_error(status: int, body: str, wanted: type[SecondlookError]) -> None:
    found = refusal(status, body, OWN)
    assert type(found) is wanted
    assert str(status) in str(found)


def test_a_key_that_was_never_given_is_another_matter() -> None:
    found = refusal(401, "{}", Asked("m", sent_on=True, with_key=False))
    assert type(found) is GeneratorKeyMissingError
    assert "SECONDLOOK_LLM_KEY" in str(found)


def test_an_unknown_model_that_the_caller_did_not_name_is_no_fault_of_theirs() -> None:
    body = '{"error": {"code": "model_not_found", "message": "no model"}}'
    assert type(refusal(404, body, Asked("", sent_on=False, with_key=True))) is GeneratorError
    assert type(refusal(404, body, HOSTED)) is StandInError


@pytest.mark.parametrize(("header", "seconds"), [("7", 7), ("", 1), ("0", 1), ("Wed, 21 Oct", 1), ("1e9", 3600)])
def test_when_to_come_again(header: str, seconds: float) -> None:
    found = refusal(429, "", OWN, retry_after=header)
    assert isinstance(found, GeneratorBusyError)
    assert found.retry_after == seconds


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (GeneratorError("x"), StandInError),
        (GeneratorTimeoutError("x"), StandInTimeoutError),
        (GeneratorAnswerError("x"), StandInAnswerError),
        (PromptTooLongError("x"), PromptTooLongError),
        (StandInTimeoutError("x"), StandInTimeoutError),
    ],
)
def test_what_stands_in_for_a_hosted_model_fails_as_one(error: GeneratorError, wanted: type[GeneratorError]) -> None:
    assert type(in_words_of(error, HOSTED)) is wanted
    assert in_words_of(error, OWN) is error


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ("plain\n", "", "plain"),
        ("[1]", "", "[1]"),
        ('{"error": "words"}', "", "words"),
        ('{"errors": [{"code": 7, "message": "words"}]}', "7", "words"),
        ('{"message": "words", "type": "kind"}', "kind", "words"),
        ('{"error": {"message": "words", "type": "kind", "code": "c"}}', "c", "words (kind)"),
        ('{"error": [1]}', "", "1"),
    ],
)
def test_code_and_words_of_a_body(body: str, code: str, words: str) -> None:
    assert read_error(body) == (code, words)
