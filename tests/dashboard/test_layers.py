"""Every dialog and menu of every page lies over everything else of the page, as a person sees it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.looks import PAGES, visit

pytestmark = [pytest.mark.server, pytest.mark.node, pytest.mark.browser]

OPENERS = "button[aria-haspopup]:visible, [role=combobox]:visible"
"""What opens a dialog or a menu says so."""
POPUPS = "[role=dialog]:visible, [role=alertdialog]:visible, [role=listbox]:visible, [role=menu]:visible"
MOST_OF_A_KIND = 2
"""Openers of the same label, but for the name of the item: all rows of a list are alike."""
STEPS = 24
"""Points of the grid in each direction."""
COVERED = """(popup, steps) => {
  const box = popup.getBoundingClientRect();
  const wrong = [];
  for (let row = 0; row < steps; row++)
    for (let column = 0; column < steps; column++) {
      const x = box.left + (box.width * (column + 0.5)) / steps;
      const y = box.top + (box.height * (row + 0.5)) / steps;
      if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) continue;
      const hit = document.elementFromPoint(x, y);
      if (!hit || !popup.contains(hit)) wrong.push(hit ? hit.outerHTML.slice(0, 120) : "nothing");
    }
  return [...new Set(wrong)];
}"""
DIALOGS = {
    "tokens": {"Create token", "Revoke", "Add credentials", "Replace reports", "Delete reports"},
    "namespaces": {"Create namespace", "Delete support"},
    "models": {"Download BAAI/bge-reranker-large"},
    "items": {"Log of", "Chunks of", "Delete"},
    "settings-cache": {"Purge the cache"},
    "settings-log": {"Empty the query log"},
    "settings-danger": {"Delete looks"},
}
"""Pages and the openers that they have for sure, by the beginning of their labels."""


def openers(page: Page) -> Iterator[tuple[str, Locator]]:
    """Each kind of opener that is in sight, with its label."""
    found: dict[str, int] = {}
    for one in page.locator(OPENERS).all():
        label = one.get_attribute("aria-label") or one.inner_text().split("\n")[0]
        kind = " ".join(label.split()[:2])
        found[kind] = found.get(kind, 0) + 1
        if found[kind] <= MOST_OF_A_KIND and one.is_enabled():
            yield label, one


def covered(page: Page, opener: Locator) -> list[str]:
    """What lies over the popup that the opener opens; it is closed again."""
    opener.scroll_into_view_if_needed()
    opener.click()
    popup = page.locator(POPUPS).last
    expect(popup).to_be_visible()
    popup.evaluate("one => Promise.all(one.getAnimations({subtree: true}).map(each => each.finished))")
    over: list[str] = popup.evaluate(COVERED, STEPS)
    page.keyboard.press("Escape")
    expect(page.locator(POPUPS)).to_have_count(0)
    return over


@pytest.mark.parametrize("name", PAGES)
def test_nothing_lies_over_a_dialog_or_a_menu(seen: tuple[Page, str], name: str) -> None:
    page, _ = seen
    visit(page, name)
    labels, wrong = set(), {}
    for label, opener in openers(page):
        labels.add(label)
        if over := covered(page, opener):
            wrong[label] = over
    assert wrong == {}
    missing = {one for one in DIALOGS.get(name, ()) if not any(label.startswith(one) for label in labels)}
    assert missing == set()


def test_a_scrolled_list_stays_below_its_dialogs(seen: tuple[Page, str]) -> None:
    """The head of the items stays in sight while they scroll, and must not come before what is opened over it."""
    page, _ = seen
    visit(page, "items")
    region = page.get_by_role("region", name="Items")
    region.evaluate("one => one.scrollTo(0, one.scrollHeight)")
    last = page.get_by_role("button", name="Chunks of").last
    assert covered(page, last) == []
