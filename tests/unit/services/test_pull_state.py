"""What is gone is taken, unless it is so much that the source is likelier to be what is broken."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest

from secondlook.domain.instance import Instance, InstanceSettings
from secondlook.domain.jobs import Severity
from secondlook.domain.source import Entry, Known, SourceOptions
from secondlook.errors import SourceError
from secondlook.services import pull_state
from secondlook.services.pull_state import Pull, rule_of
from secondlook.supply import Source

MANY = [f"{number}.md" for number in range(30)]


class Told:
    """The lines of a log."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    async def __call__(self, line: str, severity: Severity) -> None:
        self.lines.append(line)


def make(
    source: Source | None = None,
    known: Iterable[str] = (),
    *,
    before: Iterable[str] = (),
    may_shrink: bool = False,
    kind: str = "folder",
    options: SourceOptions | None = None,
    tell: Told | None = None,
) -> Pull:
    """A sync of a folder that is about to begin; ``before`` are items of an earlier source."""
    settings = InstanceSettings(source_kind=kind, source="/new", source_options=options or SourceOptions())  # type: ignore[arg-type]
    instance = Instance("uid", "acc", "default", "docs", settings, 0, 0)
    items = {key: Known(f"id {key}", key, settings.source_id, "memo", "", is_had=True) for key in known}
    items |= {key: Known(f"id {key}", key, "folder:/old", "memo", "", is_had=True) for key in before}
    return Pull(instance, source, tell or Told(), items, may_shrink)  # type: ignore[arg-type]


def shrank(pull: Pull, seen: Sequence[str] = ()) -> str:
    """What the check says once the list has named so much; nothing when all may go."""
    pull.seen.update(seen)
    try:
        pull.check_loss()
    except SourceError as error:
        return str(error).partition(" are no longer")[0]
    return ""


@pytest.mark.parametrize(
    ("left", "told"),
    [(30, ""), (15, ""), (14, "source_shrank: 16 of 30 items"), (0, "source_shrank: 30 of 30 items")],
)
def test_more_than_half(left: int, told: str) -> None:
    assert shrank(make(known=MANY), MANY[:left]) == told
    assert shrank(make(known=MANY, may_shrink=True), MANY[:left]) == ""


def test_a_large_source_is_looked_through_once() -> None:
    many = [f"{number}.md" for number in range(100_000)]
    assert shrank(make(known=many), many) == "", "a look through all of them for each would take hours"


def test_a_few_always_go() -> None:
    assert shrank(make(known=MANY[:10])) == ""
    assert shrank(make(known=MANY[:11])) == "source_shrank: 11 of 11 items"


def test_what_is_left_out_on_purpose_is_no_loss() -> None:
    assert shrank(make(known=MANY, options=SourceOptions(exclude=("*.md",)))) == ""
    pull = make(known=MANY)
    pull.excluded.update(MANY)
    assert shrank(pull) == ""
    assert rule_of(pull.instance.settings, Entry("a.md")) == ""


def test_a_prefix_is_of_buckets() -> None:
    options = SourceOptions("docs/")
    assert shrank(make(known=MANY, kind="r2", options=options)) == ""
    assert shrank(make(known=MANY, kind="web-crawler", options=options)) == "source_shrank: 30 of 30 items"


def test_items_of_an_earlier_source_go_for_those_of_the_next_and_not_for_nothing() -> None:
    assert shrank(make(before=MANY), ["new.md"]) == ""
    assert shrank(make(before=MANY)) == "source_shrank: 30 of 30 items"
    rules = SourceOptions(exclude=("*.md",))
    assert shrank(make(before=MANY, options=rules)) == "source_shrank: 30 of 30 items", "they are rules of the new one"


def test_errors_that_end_what_is_served_count_as_losses() -> None:
    pull = make(known=MANY)
    held = [pull.holds_back(Entry(key, error="http_4xx: gone", gone=True)) for key in MANY[:16]]
    assert all(held)
    assert pull.let_go(whole=False) == [], "too many, as far as the list goes"
    assert shrank(pull, MANY) == "source_shrank: 16 of 30 items"
    assert pull.let_go(whole=False) == []


def test_errors_that_end_what_earlier_ones_left_in_place_count_too() -> None:
    pull = make(known=MANY)
    pull.known = {key: replace(one, error="http_5xx: 500") for key, one in pull.known.items()}
    assert all(pull.holds_back(Entry(key, error="http_4xx: gone", gone=True)) for key in MANY)
    assert shrank(pull, MANY) == "source_shrank: 30 of 30 items"


def test_a_few_errors_are_told_even_if_the_list_breaks_off() -> None:
    pull = make(known=MANY)
    gone = [Entry(key, error="http_4xx: gone", gone=True) for key in MANY[:15]]
    assert all(pull.holds_back(one) for one in gone)
    assert pull.let_go(whole=False) == gone


def test_fewer_errors_than_that_stay_untold_when_with_them_too_much_is_gone() -> None:
    pull = make(known=MANY)
    for key in MANY[:8]:
        pull.holds_back(Entry(key, error="http_4xx: gone", gone=True))
    assert shrank(pull, MANY[:20]) == "source_shrank: 18 of 30 items"
    assert pull.let_go(whole=False) == []


@pytest.mark.parametrize(
    "entry",
    [Entry("new.md", error="http_4xx: x", gone=True), Entry("0.md", error="http_5xx: x"), Entry("bad.md", gone=True)],
)
def test_other_errors_are_told_at_once(entry: Entry) -> None:
    pull = make(known=MANY)
    pull.known["bad.md"] = Known("id", "bad.md", pull.instance.settings.source_id, "", "http_4xx: x")
    assert not pull.holds_back(entry)


def test_the_log_is_of_a_bounded_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull_state, "LINES", 2)
    told = Told()
    pull = make(tell=told)
    assert pull.summary() == "the source is empty"

    async def note() -> None:
        for number in range(5):
            await pull.note("removed", f"{number}.md: removed")

    asyncio.run(note())
    assert told.lines == ["0.md: removed", "1.md: removed", "further removed entries are counted but not listed"]
    assert pull.summary() == "5 removed"
