"""Everything that is clicked is at least 32 px in each direction, and has a name."""

from playwright.sync_api import Page

LEAST = 32
MEASURE = """(least) => {
  const inline = (one) => {
    if (one.tagName !== "A" && !(one.tagName === "BUTTON" && one.classList.contains("underline"))) return false;
    const around = one.closest("p, li, td, dd, span, label");
    return around && around !== one && around.textContent.trim().length > one.textContent.trim().length + 3;
  };
  const wrong = [];
  const all = document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), textarea, summary, [role=switch], [role=checkbox], [role=combobox]",
  );
  for (const one of all) {
    const box = one.getBoundingClientRect();
    const hidden = box.width < 2 || box.height < 2 || !one.checkVisibility({ visibilityProperty: true });
    if (hidden || one.closest(".sr-only, [aria-hidden=true]") || inline(one)) continue;
    one.scrollIntoView({ block: "center", inline: "center" });
    const now = one.getBoundingClientRect();
    const [x, y] = [now.left + now.width / 2, now.top + now.height / 2];
    const far = least / 2 - 1;
    const labels = [...(one.labels ?? [])];
    const mine = (hit) => hit && [one, ...labels].some((part) => part.contains(hit));
    const missed = [[0, -far], [0, far], [-far, 0], [far, 0]].filter(([right, down]) => {
      const [at, to] = [x + right, y + down];
      return at >= 0 && to >= 0 && at < innerWidth && to < innerHeight && !mine(document.elementFromPoint(at, to));
    });
    const name = one.getAttribute("aria-label") ?? one.textContent.trim().slice(0, 40);
    if (missed.length) wrong.push(`${one.tagName} ${name} ${Math.round(now.width)}x${Math.round(now.height)}`);
  }
  return [...new Set(wrong)];
}"""
CLICKED = "button, a[href], input:not([type=hidden]), [role=switch], [role=combobox]"
NAMELESS = """(clicked) => [...document.querySelectorAll(clicked)]
  .filter((one) => one.getBoundingClientRect().width > 2 && !one.closest("[aria-hidden=true]"))
  .filter((one) => !(one.getAttribute("aria-label") || one.getAttribute("aria-labelledby") || one.textContent.trim()
    || one.labels?.length || one.getAttribute("title")))
  .map((one) => one.outerHTML.slice(0, 160))"""


def too_small(page: Page) -> list[str]:
    """What cannot be hit 16 px from its middle, with its size."""
    return list(page.evaluate(MEASURE, LEAST))


def nameless(page: Page) -> list[str]:
    """The HTML of what has no name for a screen reader."""
    return list(page.evaluate(NAMELESS, CLICKED))
