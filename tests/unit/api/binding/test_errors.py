"""Which status is which error."""

import pytest

import secondlook
from secondlook.api.binding import errors


@pytest.mark.parametrize(
    ("status", "legacy", "new"),
    [
        (0, "AutoRAGInternalError", "AiSearchInternalError"),
        (400, "AutoRAGInternalError", "AiSearchError"),
        (401, "AutoRAGUnauthorizedError", "AiSearchError"),
        (404, "AutoRAGNotFoundError", "AiSearchNotFoundError"),
        (429, "AutoRAGInternalError", "AiSearchError"),
        (500, "AutoRAGInternalError", "AiSearchInternalError"),
        (503, "AutoRAGInternalError", "AiSearchInternalError"),
    ],
)
def test_the_error_of_a_status(status: int, legacy: str, new: str) -> None:
    assert errors.autorag_error(status).__name__ == legacy
    assert errors.ai_search_error(status).__name__ == new
    assert errors.inference_error(status) is errors.InferenceUpstreamError


def test_what_an_error_says() -> None:
    error = errors.AiSearchError("invalid_model", status=400, code=7010, detail="'x' is not known")
    assert (error.message, error.status, error.code) == ("invalid_model", 400, 7010)
    assert str(error) == "invalid_model: 'x' is not known"
    assert str(errors.AutoRAGError("plain")) == "plain"


def test_every_error_has_a_public_name() -> None:
    named = {name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, Exception)}
    assert named - {"SecondlookError"} <= set(secondlook.__all__)
