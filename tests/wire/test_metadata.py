"""Metadata keeps what was written, and a filter by the value that was uploaded finds the item."""

from typing import Any

import pytest

from tests.wire.conftest import LEGACY, NEW, Wire, keys_of

SEARCH, ITEMS = f"{NEW}/handbook/search", f"{NEW}/handbook/items"
FIELDS = [
    {"field_name": name, "data_type": kind}
    for name, kind in (
        ("sku", "text"),
        ("country", "text"),
        ("price", "number"),
        ("open", "boolean"),
        ("due", "datetime"),
    )
]


@pytest.fixture
def typed(wire: Wire) -> Wire:
    wire.make(custom_metadata=FIELDS)
    return wire


def found(wire: Wire, filters: object) -> list[str]:
    body = {"query": "lamp oil", "ai_search_options": {"retrieval": {"filters": filters, "match_threshold": 0}}}
    return keys_of(wire.post(SEARCH, body))


@pytest.mark.parametrize(
    ("head", "kept"),
    [
        ("sku: 007\ncountry: NO", {"sku": "007", "country": "NO"}),
        ("sku: 1.10\ncountry: off", {"sku": "1.10", "country": "off"}),
        ("sku: 0x1F\ncountry: 12:30:45\nprice: 1e3", {"sku": "0x1F", "country": "12:30:45", "price": 1000}),
        ("sku: 1_000\ncountry: TRUE\nopen: yes", {"sku": "1_000", "country": "TRUE", "open": True}),
        ("sku: 2026-07-01\ndue: 2026-07-01", {"sku": "2026-07-01", "due": 1782864000000}),
        ("due: 1782864000\nother: 1.50\nyes: no", {"due": 1782864000000, "other": "1.50", "yes": "no"}),
    ],
)  # fmt: skip
def test_front_matter_is_kept_as_written(typed: Wire, head: str, kept: dict[str, Any]) -> None:
    typed.upload("a.md", f"---\n{head}\n---\nWarm the lamp oil.")
    typed.upload("b.md", "Warm the lamp oil.")
    [chunk] = [
        one
        for one in typed.post(SEARCH, {"query": "lamp oil"}).json()["result"]["chunks"]
        if one["item"]["key"] == "a.md"
    ]
    told = chunk["item"]["metadata"]
    assert {name: told[name] for name in kept} == kept
    filters = [{name: value} for name, value in kept.items() if name in {one["field_name"] for one in FIELDS}]
    assert [found(typed, one) for one in filters] == [["a.md"]] * len(filters)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("sku", [12345, 1.5, 2.0, True, False, 0, "007", "x", 1700123112345, 10**18]),
        ("price", [12345, 1.5, 2.0, 0, "007", " 2.5 ", 1e300]),
        ("open", [True, False, 1, 0, "yes", "NO", "true"]),
        (
            "due",
            [0, 12345, "1700123112345", 1700123112345, 1700123112, "2026-07-01", "2026", "2026-07-01T02:00:00+02:00"],
        ),
    ],
)
def test_a_filter_takes_the_value_that_was_uploaded(typed: Wire, name: str, values: list[Any]) -> None:
    """In both generations and both formats."""
    for at, value in enumerate(values):
        typed.upload(f"{at}.md", f"Warm the lamp oil of {at}.", metadata={name: value})
    typed.upload("other.md", "Warm the lamp oil.")
    for at, value in enumerate(values):
        comparison = {"type": "eq", "key": name, "value": value}
        lists = [found(typed, one) for one in ({name: value}, {name: {"$in": [value]}}, comparison)]
        body = {"query": "lamp oil", "filters": comparison, "ranking_options": {"score_threshold": 0}}
        lists.append(
            [one["filename"] for one in typed.post(f"{LEGACY}/handbook/search", body).json()["result"]["data"]]
        )
        assert [f"{at}.md" in one for one in lists] == [True] * 4, value
        assert [one for one in lists if "other.md" in one] == []


@pytest.mark.parametrize("name", ["sku", "price", "open", "due", "other"])
def test_what_is_no_value_is_refused(typed: Wire, name: str) -> None:
    for value in ({"x": 1}, [1, 2], [["a"]], [{"a": 1}], {}):
        answer = typed.upload("a.md", "Warm the lamp oil.", metadata={name: value})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, 7056), value
    assert typed.get(ITEMS).json()["result"] == []


def test_what_does_not_fit_is_told(typed: Wire) -> None:
    item = typed.upload("a.md", "---\ndue: soon\nopen: perhaps\n---\nWarm the lamp oil.").json()["result"]
    lines = [one["message"] for one in typed.get(f"{ITEMS}/{item['id']}/logs").json()["result"]]
    assert sorted(one for one in lines if "left out" in one) == [
        "the field 'due' was left out: its value is not a datetime",
        "the field 'open' was left out: its value is not a boolean",
    ]
    assert not {"due", "open"} & item["metadata"].keys()
