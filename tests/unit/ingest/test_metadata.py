"""Metadata: the built-ins, the types of the schema, and what cannot be stored."""

import datetime as dt
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.api.filters import parse_filter
from secondlook.domain.filters import matches
from secondlook.domain.instance import MetadataField
from secondlook.errors import InvalidMetadataError
from secondlook.ingest.metadata import Written, clean_metadata, misfits, parse_datetime, place_metadata

FIELDS = (
    MetadataField("station", "text"),
    MetadataField("severity", "number"),
    MetadataField("open", "boolean"),
    MetadataField("due", "datetime"),
)
JULY = 1782864000000
SCALARS = st.text(max_size=8) | st.integers() | st.floats() | st.booleans() | st.none() | st.dates() | st.datetimes()


@pytest.mark.parametrize(
    ("key", "folder", "name"),
    [("winter/north/oil.md", "winter/north/", "oil.md"), ("oil.md", "", "oil.md"), ("a/.env", "a/", ".env")],
)
def test_built_ins(key: str, folder: str, name: str) -> None:
    assert place_metadata(key, 5) == {"folder": folder, "filename": name, "timestamp": 5}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("station", "north", "north"),
        ("Station", 7, "7"),
        ("station", True, "true"),
        ("station", 1.5, "1.5"),
        ("station", 2.0, "2"),
        ("station", 1e21, "1e+21"),
        ("station", Written("1.10", 1.1), "1.10"),
        ("station", Written("007", 7), "007"),
        ("station", Written("TRUE", True), "TRUE"),
        ("station", math.nan, None),
        ("station", dt.date(2026, 7, 1), "2026-07-01"),
        ("severity", Written("0xFF", 255), 255.0),
        ("severity", Written("007", 7), 7.0),
        ("severity", Written("true", True), None),
        ("severity", "1_000", None),
        ("open", Written("False", False), False),
        ("station", " kept ", " kept "),
        ("severity", 2, 2.0),
        ("severity", " 2.5 ", 2.5),
        ("severity", True, None),
        ("severity", "high", None),
        ("severity", "nan", None),
        ("severity", math.inf, None),
        ("severity", 10**400, None),
        ("open", True, True),
        ("open", "YES", True),
        ("open", 0, False),
        ("open", "no", False),
        ("open", "perhaps", None),
        ("due", "2026-07-01", JULY),
        ("due", "2026-07-01T02:00:00+02:00", JULY),
        ("due", dt.date(2026, 7, 1), JULY),
        ("due", dt.datetime(2026, 7, 1, tzinfo=dt.UTC), JULY),
        ("due", JULY, JULY),
        ("due", JULY // 1000, JULY),
        ("due", f" {JULY} ", JULY),
        ("due", str(JULY // 1000), JULY),
        ("due", JULY / 1000, JULY),
        ("due", "1700123112345", 1700123112345),
        ("due", 0, 0),
        ("due", -1, -1000),
        ("due", "20260701", JULY),
        ("due", 20260701, 20260701000),
        ("due", "2026-07", JULY),
        ("due", Written("2026", 2026), 1767225600000),
        ("due", "99991399", 99991399000),
        ("due", 10**17, None),
        ("due", "9" * 5000, None),
        ("due", "next tuesday", None),
        ("due", True, None),
        ("due", None, None),
    ],
)
def test_configured_fields_have_their_type(name: str, value: object, expected: object) -> None:
    found = clean_metadata({name: value}, FIELDS)
    assert found == ({} if expected is None else {name.lower(): expected})
    assert all(type(one) is type(expected) for one in found.values())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("x", "x"),
        (3, 3),
        (2.5, 2.5),
        (False, False),
        (dt.date(2026, 7, 1), "2026-07-01"),
        (dt.datetime(2026, 7, 1, 12), "2026-07-01T12:00:00"),
        (["a", "é"], '["a", "é"]'),
        ([], "[]"),
        (Written("42", 42), 42),
        (Written("2.5", 2.5), 2.5),
        (Written("True", True), True),
        (Written("007", 7), "007"),
        (Written("1.10", 1.1), "1.10"),
        (Written("0x10", 16), "0x10"),
        (Written(".nan", math.nan), ".nan"),
        (Written("9" * 30, 10**30 - 1), "9" * 30),
    ],
)
def test_other_fields_are_kept_as_scalars(value: object, expected: object) -> None:
    assert clean_metadata({"Other": value}, FIELDS) == {"other": expected}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, None])
def test_numbers_that_cannot_be_stored_are_left_out(value: object) -> None:
    assert clean_metadata({"other": value, "kept": 1}, FIELDS) == {"kept": 1}


@pytest.mark.parametrize("value", [{"a": 1}, [1, "a"], [["a"]], b"x", {"a"}])
def test_what_is_no_scalar_is_refused(value: object) -> None:
    for name in ("Other", *(one.name for one in FIELDS)):
        with pytest.raises(InvalidMetadataError, match=f"metadata field '{name}' must be text"):
            clean_metadata({name: value}, FIELDS)


def test_values_that_do_not_fit_are_named() -> None:
    given = {"Severity": "high", "open": "perhaps", "due": "soon", "station": 7, "other": "x"}
    assert [one.name for one in misfits(given, FIELDS)] == ["severity", "open", "due"]
    assert misfits({"severity": None, "due": 0, "open": 1}, FIELDS) == []


@pytest.mark.parametrize("name", [one.name for one in FIELDS])
@given(SCALARS | st.sampled_from(["true", "YES", "0", "1", " 7 ", "2026-07-01", "1700123112345", "007", "1e3"]))
def test_a_filter_finds_what_was_uploaded_by_the_same_value(name: str, value: object) -> None:
    cleaned = clean_metadata({name: value}, FIELDS)
    if name in cleaned and not isinstance(value, dt.date):
        for wanted in ({name: value}, {name: {"$in": [value]}}, {"type": "eq", "key": name, "value": value}):
            where = parse_filter(wanted, FIELDS)
            assert where is not None and matches(where, cleaned)


@given(st.dictionaries(st.sampled_from(["station", "Severity", "open", "due", "other"]), SCALARS))
def test_what_is_cleaned_can_be_written_and_read_as_json(given: dict[str, object]) -> None:
    cleaned = clean_metadata(given, FIELDS)
    assert json.loads(json.dumps(cleaned, allow_nan=False)) == cleaned
    assert set(cleaned) <= {name.lower() for name in given}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01", 0),
        (" 1970-01-01T00:00:01Z ", 1000),
        ("1970-01-01T01:00:00.5+01:00", 500),
        ("1969-12-31T23:59:59+00:00", -1000),
    ],
)
def test_times(text: str, expected: int) -> None:
    assert parse_datetime(text) == expected


@given(st.datetimes(min_value=dt.datetime(1900, 1, 1), timezones=st.just(dt.UTC)))
def test_a_time_is_read_back_to_the_millisecond(moment: dt.datetime) -> None:
    found = parse_datetime(moment.isoformat())
    assert abs(found - moment.timestamp() * 1000) < 1


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "2026-07-01T25:00"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError):
        parse_datetime(text)


def test_a_list_in_a_text_field_is_json_as_in_no_field() -> None:
    given = {"tags": ["ai", "löschen"]}
    told = {"tags": '["ai", "löschen"]'}
    assert clean_metadata(given, [MetadataField("tags", "text")]) == clean_metadata(given, []) == told
