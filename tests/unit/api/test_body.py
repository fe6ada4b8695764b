"""Reading bodies: null is absent, unknown keys are ignored, errors name the field."""

import asyncio

import pytest
from pydantic import Field
from starlette.requests import Request

from secondlook.api.body import Body, WireMessage, read_json, read_query, validate
from secondlook.domain.query import Message, Query
from secondlook.errors import InvalidOptionError, MissingQueryError


class Inner(Body):
    number: int = Field(10, ge=1, le=50)
    share: float = Field(0.4, ge=0, le=1)


class Outer(Body):
    inner: Inner = Inner()
    name: str = "none"


def read(body: bytes) -> dict[str, object]:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    return asyncio.run(read_json(request))


def test_null_is_absent_and_unknown_keys_are_ignored() -> None:
    found = validate(Outer, {"inner": {"number": None, "colour": "red"}, "name": None, "x": {"y": 1}})
    assert (found.inner.number, found.name) == (10, "none")


def test_whole_floats_are_integers() -> None:
    assert validate(Outer, {"inner": {"number": 3.0, "share": 1}}).inner.number == 3


@pytest.mark.parametrize(
    ("raw", "parts"),
    [
        ({"inner": {"number": 51}}, ("inner.number", "51", "50")),
        ({"inner": {"number": "7"}}, ("inner.number", "'7'")),
        ({"inner": {"number": True}}, ("inner.number", "True")),
        ({"inner": {"number": 2.5}}, ("inner.number", "2.5")),
        ({"inner": {"share": -0.1}}, ("inner.share", "-0.1", "0")),
        ({"inner": {"share": float("nan")}}, ("inner.share", "nan")),
        ({"inner": []}, ("inner",)),
        ({"name": 3}, ("name", "3")),
        ([], ("body",)),
    ],
)
def test_errors_name_field_value_and_range(raw: object, parts: tuple[str, ...]) -> None:
    with pytest.raises(InvalidOptionError) as caught:
        validate(Outer, raw)
    for part in parts:
        assert part in str(caught.value)


def test_a_body_that_is_an_object() -> None:
    assert read(b'{"query": "caf\\u00e9 \\ud83d\\ude00"}') == {"query": "café 😀"}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe\xfd", b'{"q": "\\ud800"}', b"[" * 200_000]
)
def test_bodies_that_are_no_object(body: bytes) -> None:
    with pytest.raises(InvalidOptionError):
        read(body)


def test_query_alone() -> None:
    assert read_query("  fog ", None) == Query("fog")


def test_the_last_user_message_is_the_query() -> None:
    messages = [
        WireMessage(role="user", content="first"),
        WireMessage(role="assistant", content="answer"),
        WireMessage.model_validate(
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
        ),
        WireMessage(role="tool", content=None),
    ]
    found = read_query(None, messages)
    assert found.text == "a\nb"
    assert found.messages[0] == Message("user", "first")
    assert len(found.messages) == 4


@pytest.mark.parametrize("query", [None, "", "  "])
def test_no_query(query: str | None) -> None:
    with pytest.raises(MissingQueryError):
        read_query(query, None)
    with pytest.raises(MissingQueryError):
        read_query(None, [WireMessage(role="assistant", content="x"), WireMessage(role="user", content=" ")])


def test_both_query_and_messages() -> None:
    with pytest.raises(InvalidOptionError):
        read_query("fog", [WireMessage(role="user", content="fog")])


def test_unknown_role() -> None:
    with pytest.raises(InvalidOptionError, match="pirate"):
        read_query(None, [WireMessage(role="pirate", content="fog")])
