"""Every error has its status, code and message, and only unexpected ones keep their text back."""

import pytest

from secondlook import errors
from secondlook.api.errors import TABLE, to_wire


def every_class(root: type[Exception]) -> set[type[Exception]]:
    return {root}.union(*(every_class(kind) for kind in root.__subclasses__()))


@pytest.mark.parametrize("kind", sorted(every_class(errors.CallerError), key=lambda kind: kind.__name__))
def test_a_callers_error_is_never_a_server_error(kind: type[Exception]) -> None:
    error = kind(600, 512) if issubclass(kind, errors.QueryTooLongError) else kind("which and why")
    status, body = to_wire(error)
    assert 400 <= status < 500
    assert body["success"] is False
    assert body["result"] == {}
    assert body["errors"][0]["detail"] == str(error)  # type: ignore[index]  # an envelope


def test_special_lines_stand_before_general_ones() -> None:
    seen: list[type[Exception]] = []
    for kind, *_ in TABLE:
        assert not any(issubclass(kind, earlier) for earlier in seen), kind
        seen.append(kind)


def test_unexpected_errors_tell_nothing() -> None:
    status, body = to_wire(RuntimeError("password is swordfish"))
    assert status == 500
    assert body["errors"] == [{"code": 7001, "message": "Internal Error"}]
    assert "swordfish" not in str(body)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (errors.InstanceNotFoundError, (404, 7002, "ai_search_not_found")),
        (errors.NotAuthenticatedError, (401, 10000, "Authentication error")),
        (errors.FileTooLargeError, (413, 7054, "file_exceeds_maximum_size")),
        (errors.InvalidModelError, (400, 7010, "invalid_model")),
        (errors.InvalidDatetimeError, (400, 7057, "invalid_datetime_filter_value")),
        (errors.OrFilterKeysError, (400, 7016, "filter_or_operator_does_not_support_different_keys")),
        (errors.GeneratorTimeoutError, (400, 7031, "ai_gateway_timeout")),
        (errors.IndexCorruptError, (503, 7017, "unable_to_connect_to_ai_search")),
    ],
)
def test_lines_of_the_contract(error: type[Exception], line: tuple[int, int, str]) -> None:
    status, body = to_wire(error("x"))
    first = body["errors"][0]  # type: ignore[index]  # an envelope
    assert (status, first["code"], first["message"]) == line
