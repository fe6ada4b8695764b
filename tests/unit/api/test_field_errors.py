"""What a form shows at a field: plain sentences, whatever refused the value."""

import pytest
from pydantic import Field

from secondlook.api.body import Body, validate
from secondlook.api.errors import to_wire
from secondlook.api.field_errors import fields_of, sentence
from secondlook.errors import BackendError, ChunkSizeError, InstanceExistsError, InvalidOptionError, UnknownSourceError


class Inner(Body):
    size: int = Field(0, ge=1, le=30)
    share: float = Field(0, ge=0, le=1)
    weight: float = Field(0.5, ge=0.25)
    word: str = Field("a", min_length=1, max_length=3, pattern="^[a-z]*$")


class Outer(Body):
    inner: Inner = Inner()
    names: list[str] | None = Field(None, max_length=2)
    needed: str = Field()


@pytest.mark.parametrize(
    ("raw", "field", "message"),
    [
        ({"inner": {"size": 0}}, "inner.size", "Enter 1 or more."),
        ({"inner": {"size": 31}}, "inner.size", "Enter 30 or less."),
        ({"inner": {"share": 7}}, "inner.share", "Enter 1 or less."),
        ({"inner": {"weight": 0.1}}, "inner.weight", "Enter 0.25 or more."),
        ({"inner": {"size": "x"}}, "inner.size", "Enter a whole number."),
        ({"inner": {"word": ""}}, "inner.word", "This field is required."),
        ({"inner": {"word": "abcd"}}, "inner.word", "Enter at most 3 characters."),
        ({"inner": {"word": "A"}}, "inner.word", "This contains characters that are not allowed here."),
        ({"names": ["a", "b", "c"]}, "names", "Enter at most 2."),
        ({"needed": None}, "needed", "This field is required."),
    ],
)
def test_refusals_of_the_validation(raw: dict[str, object], field: str, message: str) -> None:
    with pytest.raises(InvalidOptionError) as refusal:
        validate(Outer, {"needed": "x", **raw})
    assert fields_of(refusal.value) == [{"field": field, "message": message}]


def test_errors_of_services() -> None:
    named = UnknownSourceError("source: 'x' is no bucket")
    assert fields_of(named) == [{"field": "source", "message": "'x' is no bucket."}]
    of_kind = InstanceExistsError("there is an instance of that name")
    assert fields_of(of_kind) == [{"field": "id", "message": "There is an instance of that name."}]
    short = ChunkSizeError("chunk_size is 7").at("chunk_size", "Enter 64 to 510 tokens.")
    assert fields_of(short) == [{"field": "chunk_size", "message": "Enter 64 to 510 tokens."}]
    put = InvalidOptionError("an instance cannot be called so").at("instance_name")
    assert fields_of(put) == [{"field": "id", "message": "An instance cannot be called so."}]
    assert fields_of(InvalidOptionError("give query or messages")) == []
    assert fields_of(BackendError("source: of the machine")) == []


def test_the_envelope_names_them() -> None:
    _, body = to_wire(UnknownSourceError("source: 'x' is no bucket"))
    [line] = body["errors"]  # type: ignore[misc]
    assert line["fields"] == [{"field": "source", "message": "'x' is no bucket."}]
    _, plain = to_wire(InvalidOptionError("give query or messages"))
    assert "fields" not in plain["errors"][0]  # type: ignore[index]


def test_a_sentence() -> None:
    assert sentence("give it") == "Give it."
    assert sentence("Is it so?") == "Is it so?"
