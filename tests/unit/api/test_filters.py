"""Both wire formats of filters, and everything they refuse."""

import pytest

from secondlook.api.filters import parse_filter, parse_filter_text
from secondlook.domain.filters import AllOf, AnyOf, Comparison
from secondlook.domain.instance import MetadataField
from secondlook.errors import (
    FilterNotSerializableError,
    InvalidDatetimeError,
    InvalidFilterError,
    OrFilterKeysError,
    OrFilterOperatorError,
)

FIELDS = (
    MetadataField("station", "text"),
    MetadataField("severity", "number"),
    MetadataField("open", "boolean"),
    MetadataField("due", "datetime"),
)
JULY = 1782864000000


@pytest.mark.parametrize("raw", [None, {}])
def test_no_filter_is_none(raw: object) -> None:
    assert parse_filter(raw, FIELDS) is None


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ({"station": "north"}, Comparison("station", "eq", "north")),
        ({"STATION": {"$ne": "north"}}, Comparison("station", "ne", "north")),
        ({"severity": 2}, Comparison("severity", "eq", 2.0)),
        ({"severity": "2.5"}, Comparison("severity", "eq", 2.5)),
        ({"open": True}, Comparison("open", "eq", True)),
        ({"open": "false"}, Comparison("open", "eq", False)),
        ({"station": {"$in": ["a", "b"]}}, Comparison("station", "in", ("a", "b"))),
        ({"severity": {"$nin": [1, 2]}}, Comparison("severity", "nin", (1.0, 2.0))),
        ({"timestamp": {"$gt": 1782864000}}, Comparison("timestamp", "gt", JULY)),
        ({"timestamp": {"$gt": JULY}}, Comparison("timestamp", "gt", JULY)),
        ({"timestamp": {"$gt": str(JULY)}}, Comparison("timestamp", "gt", JULY)),
        ({"due": {"$lte": "2026-07-01T00:00:00Z"}}, Comparison("due", "lte", JULY)),
        ({"due": {"$lte": "2026-07-01"}}, Comparison("due", "lte", JULY)),
    ],
)
def test_one_condition(raw: object, wanted: Comparison) -> None:
    assert parse_filter(raw, FIELDS) == AllOf((wanted,))


def test_keys_and_operators_are_joined_by_and() -> None:
    raw = {"folder": {"$gte": "docs/", "$lt": "docs0"}, "severity": 1}
    assert parse_filter(raw, FIELDS) == AllOf(
        (
            Comparison("folder", "gte", "docs/"),
            Comparison("folder", "lt", "docs0"),
            Comparison("severity", "eq", 1.0),
        )
    )


def test_a_field_may_be_called_type() -> None:
    fields = (MetadataField("type", "text"),)
    assert parse_filter({"type": "memo"}, fields) == AllOf((Comparison("type", "eq", "memo"),))
    assert parse_filter({"type": "eq"}, fields) == AllOf((Comparison("type", "eq", "eq"),))


def test_legacy_comparison() -> None:
    raw = {"type": "gte", "key": "timestamp", "value": str(JULY)}
    assert parse_filter(raw, FIELDS) == Comparison("timestamp", "gte", JULY)


def test_legacy_folder_prefix() -> None:
    raw = {
        "type": "and",
        "filters": [
            {"type": "gt", "key": "folder", "value": "customer-a//"},
            {"type": "lte", "key": "folder", "value": "customer-a/z"},
        ],
    }
    assert parse_filter(raw, FIELDS) == AllOf(
        (Comparison("folder", "gt", "customer-a//"), Comparison("folder", "lte", "customer-a/z"))
    )


def test_legacy_or() -> None:
    parts = [{"type": "eq", "key": "station", "value": value} for value in ("a", "b")]
    assert parse_filter({"type": "or", "filters": parts}, FIELDS) == AnyOf(
        (Comparison("station", "eq", "a"), Comparison("station", "eq", "b"))
    )


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        ("station", InvalidFilterError),
        ([], InvalidFilterError),
        ({"colour": "red"}, InvalidFilterError),
        ({"$or": [{"station": "a"}]}, InvalidFilterError),
        ({"station": {}}, InvalidFilterError),
        ({"station": {"$exists": True}}, InvalidFilterError),
        ({"station": {"$in": "a"}}, InvalidFilterError),
        ({"station": {"$in": [["a"]]}}, InvalidFilterError),
        ({"station": {"$eq": {"a": 1}}}, InvalidFilterError),
        ({"station": None}, InvalidFilterError),
        ({"severity": "high"}, InvalidFilterError),
        ({"severity": float("nan")}, FilterNotSerializableError),
        ({"severity": float("inf")}, FilterNotSerializableError),
        ({"severity": 10**400}, FilterNotSerializableError),
        ({"timestamp": float("inf")}, FilterNotSerializableError),
        ({"timestamp": 1e300}, InvalidDatetimeError),
        ({"timestamp": "9" * 5000}, InvalidDatetimeError),
        ({"timestamp": True}, InvalidDatetimeError),
        ({"due": "next tuesday"}, InvalidDatetimeError),
        ({"due": "2026-13-01"}, InvalidDatetimeError),
        ({"type": "eq", "key": "colour", "value": "red"}, InvalidFilterError),
        ({"type": "eq", "key": "station"}, InvalidFilterError),
        ({"type": "eq", "key": ["station"], "value": 1}, InvalidFilterError),
        ({"type": "and", "filters": "station"}, InvalidFilterError),
        ({"type": "and", "filters": ["station"]}, InvalidFilterError),
        ({"type": "and", "filters": [{"type": "and", "filters": []}]}, InvalidFilterError),
        ({"type": "or", "filters": [{"type": "eq", "key": ["station"], "value": 1}]}, InvalidFilterError),
        ({"type": "or", "filters": [{"type": "gt", "key": "station", "value": "a"}]}, OrFilterOperatorError),
        (
            {
                "type": "or",
                "filters": [
                    {"type": "eq", "key": "station", "value": "a"},
                    {"type": "eq", "key": "severity", "value": 1},
                ],
            },
            OrFilterKeysError,
        ),
    ],
)
def test_what_is_refused(raw: object, error: type[InvalidFilterError]) -> None:
    with pytest.raises(InvalidFilterError) as caught:
        parse_filter(raw, FIELDS)
    assert type(caught.value) is error
    assert len(str(caught.value)) < 300


def test_filter_from_text() -> None:
    assert parse_filter_text(None, FIELDS) is None
    assert parse_filter_text('{"station": "a"}', FIELDS) == AllOf((Comparison("station", "eq", "a"),))


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "3"])
def test_text_that_is_no_filter(text: str) -> None:
    with pytest.raises(InvalidFilterError):
        parse_filter_text(text, FIELDS)


def test_bounds_of_values_and_comparisons() -> None:
    values = [f"v{number}" for number in range(1000)]
    found = parse_filter({"station": {"$in": values}}, FIELDS)
    assert found == AllOf((Comparison("station", "in", tuple(values)),))
    with pytest.raises(InvalidFilterError, match=r"1,001 values; the limit is 1,000"):
        parse_filter({"station": {"$nin": [*values, "x"]}}, FIELDS)
    with pytest.raises(InvalidFilterError, match="limit is 100"):
        parse_filter(
            {"severity": dict.fromkeys(("$gt", "$lt"), 1)} | {f"x{n}": 1 for n in range(99)},
            (*FIELDS, *(MetadataField(f"x{n}", "number") for n in range(99))),
        )


def test_bounds_of_legacy_filters() -> None:
    one = {"type": "eq", "key": "station"}
    parts = [{**one, "value": f"v{number}"} for number in range(1000)]
    found = parse_filter({"type": "or", "filters": parts}, FIELDS)
    assert found == Comparison("station", "in", tuple(f"v{number}" for number in range(1000)))
    with pytest.raises(InvalidFilterError, match="1,001 comparisons"):
        parse_filter({"type": "or", "filters": [*parts, parts[0]]}, FIELDS)
    with pytest.raises(InvalidFilterError, match="limit is 100"):
        parse_filter({"type": "and", "filters": parts[:101]}, FIELDS)
