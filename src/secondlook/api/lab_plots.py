"""The plots of a report of the Lab, as SVG; colours are the page's variables, with others where there are none."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

Told = Mapping[str, Any]
WIDTH = 760
MARK, LINE, SOFT = "var(--mark, #2f6fed)", "var(--line, #d9dee6)", "var(--soft, #5c6675)"
GOOD, BAD = "var(--good, #12805c)", "var(--bad, #b3372f)"
LABEL = (18, 12)
"""Pixels that a number of two digits takes, across and down."""


def front(arms: Sequence[Told]) -> str:
    """Quality against time; a line joins the arms that none beats in both."""
    height, left, right, top, bottom = 340, 64, 24, 16, 48
    times = Scale([one["p95_ms"] for one in arms], left, WIDTH - right)
    marks = Scale([one["ndcg@10"] for one in arms], height - bottom, top)
    places = [(times.at(one["p95_ms"]), marks.at(one["ndcg@10"]), one) for one in arms]
    on_front = sorted((x, y) for x, y, one in places if one["on_front"])
    parts = [*_axes(times, marks, (left, right, top, bottom, height), ("search time, p95, ms", "nDCG@10"))]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in on_front)
    parts.append(f'<polyline points="{path}" fill="none" stroke="{MARK}" stroke-width="2"/>')
    labels = _beside([(x, y) for x, y, _ in places])
    for number, (x, y, one) in enumerate(places):
        colour = MARK if one["on_front"] else SOFT
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="{colour}"><title>{escape(one["name"])}</title></circle>'
            f'<text x="{labels[number][0]:.1f}" y="{labels[number][1]:.1f}">{number}</text>'
        )
    legend = [f"{number}: {one['name']}" for number, one in enumerate(arms)]
    rows = math.ceil(len(legend) / 2)
    for place, text in enumerate(legend):
        x, y = left + (WIDTH - left) / 2 * (place // rows), height + 18 * (place % rows) + 12
        parts.append(f'<text x="{x:.0f}" y="{y}">{escape(text)}</text>')
    return _svg(parts, height + 18 * rows + 12, "nDCG@10 of each configuration over search time")


def _beside(dots: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Where the number of each dot stands: above it to the right, and further right where another stands already."""
    found: list[tuple[float, float]] = []
    for x, y in dots:
        place = (x + 9, y - 7)
        while any(abs(place[0] - left) < LABEL[0] and abs(place[1] - low) < LABEL[1] for left, low in found):
            place = (place[0] + LABEL[0], place[1])
        found.append(place)
    return found


def differences(arms: Sequence[Told]) -> str:
    """Each arm's difference to the baseline with its interval."""
    others = [one for one in arms if one["comparison"]]
    left, right, row = 300, 24, 30
    height = row * len(others) + 56
    bounds = [one["comparison"][end] for one in others for end in ("low", "high")]
    scale = Scale([0.0, *bounds], left, WIDTH - right)
    zero = scale.at(0.0)
    parts = [
        f'<line x1="{zero:.1f}" x2="{zero:.1f}" y1="8" y2="{height - 40}" stroke="{SOFT}" stroke-dasharray="4 3"/>'
    ]
    for tick in scale.ticks:
        told = f"{tick:+g}" if tick else "0"
        parts.append(f'<text x="{scale.at(tick):.1f}" y="{height - 20}" text-anchor="middle">{told}</text>')
    for place, one in enumerate(others):
        found, y = one["comparison"], 8 + row * place + row / 2
        colour = GOOD if found["low"] > 0 else BAD if found["high"] < 0 else SOFT
        low, high, middle = (scale.at(found[name]) for name in ("low", "high", "difference"))
        parts.append(
            f'<text x="{left - 12}" y="{y + 4:.1f}" text-anchor="end">{escape(one["name"])}</text>'
            f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="{colour}" stroke-width="2"/>'
            f'<circle cx="{middle:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>'
        )
    return _svg(parts, height, "Difference in nDCG@10 between each configuration and the baseline, with 95 % intervals")


def reliability(bins: Sequence[Told]) -> str:
    """What was said against what was true; the area of a mark grows with its pairs."""
    size, left, bottom = 360, 64, 48
    scale, rise = Scale([0.0, 1.0], left, size), Scale([0.0, 1.0], size - bottom, 16)
    frame = (left, WIDTH - size, 16, bottom, size)
    parts = [*_axes(scale, rise, frame, ("predicted probability", "share of relevant passages"))]
    parts.append(
        f'<line x1="{scale.at(0):.1f}" y1="{rise.at(0):.1f}" x2="{scale.at(1):.1f}" y2="{rise.at(1):.1f}"'
        f' stroke="{SOFT}" stroke-dasharray="4 3"/>'
    )
    most = max((one["pairs"] for one in bins), default=1)
    for one in bins:
        radius = 4 + 10 * math.sqrt(one["pairs"] / most)
        told = f"{one['pairs']} pairs: {one['told']:.3f} predicted, {one['true']:.3f} relevant"
        parts.append(
            f'<circle cx="{scale.at(one["told"]):.1f}" cy="{rise.at(one["true"]):.1f}" r="{radius:.1f}" fill="{MARK}"'
            f' fill-opacity=".7"><title>{told}</title></circle>'
        )
    return _svg(parts, size, "Reliability diagram")


class Scale:
    """From values to places between ``start`` and ``end``, with some room on both sides, and round ticks."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        low, high = min(values, default=0.0), max(values, default=1.0)
        room = 0.0 if (low, high) == (0.0, 1.0) else 0.08 * (high - low) or 0.05 * abs(high) or 0.05
        self.low, self.high, self.start, self.end = low - room, high + room, start, end

    def at(self, value: float) -> float:
        """The place of the value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    @property
    def ticks(self) -> list[float]:
        """Four to eight round values in between."""
        raw = (self.high - self.low) / 5
        power = 10 ** math.floor(math.log10(raw))
        step = next(power * one for one in (1, 2, 5, 10) if power * one >= raw)
        first = math.ceil(self.low / step - 1e-9)
        return [round(step * one, 10) for one in range(first, math.floor(self.high / step + 1e-9) + 1)]


def _axes(across: Scale, up: Scale, frame: tuple[int, int, int, int, int], names: tuple[str, str]) -> list[str]:
    left, right, top, bottom, height = frame
    parts = []
    for tick in across.ticks:
        x = across.at(tick)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{height - bottom}" stroke="{LINE}"/>'
            f'<text x="{x:.1f}" y="{height - bottom + 18}" text-anchor="middle">{tick:g}</text>'
        )
    for tick in up.ticks:
        y = up.at(tick)
        parts.append(
            f'<line x1="{left}" x2="{WIDTH - right}" y1="{y:.1f}" y2="{y:.1f}" stroke="{LINE}"/>'
            f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
        )
    middle = (left + WIDTH - right) / 2
    parts.append(f'<text x="{middle:.1f}" y="{height - 10}" text-anchor="middle">{names[0]}</text>')
    rise = (top + height - bottom) / 2
    parts.append(
        f'<text x="14" y="{rise:.1f}" text-anchor="middle" transform="rotate(-90 14 {rise:.1f})">{names[1]}</text>'
    )
    return parts


def _svg(parts: Sequence[str], height: float, label: str) -> str:
    body = "".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}"'
        f' role="img" aria-label="{escape(label)}" font-family="system-ui, sans-serif" font-size="13">{body}</svg>'
    )
