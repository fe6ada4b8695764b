"""Plots are well-formed, hold every arm, and put better ones higher."""

import re
from xml.etree import ElementTree

import pytest

from secondlook.api.lab_plots import Scale, differences, front, reliability

ARMS = [
    {"name": "off", "p95_ms": 20.0, "ndcg@10": 0.5, "on_front": True, "comparison": None},
    {
        "name": "a <b>",
        "p95_ms": 60.0,
        "ndcg@10": 0.7,
        "on_front": True,
        "comparison": {"low": 0.1, "high": 0.3, "difference": 0.2},
    },
    {
        "name": "worse",
        "p95_ms": 90.0,
        "ndcg@10": 0.4,
        "on_front": False,
        "comparison": {"low": -0.2, "high": -0.05, "difference": -0.1},
    },
]


def circles(svg: str) -> list[tuple[float, float]]:
    tree = ElementTree.fromstring(svg)  # our own
    found = tree.iter("{http://www.w3.org/2000/svg}circle")
    return [(float(one.attrib["cx"]), float(one.attrib["cy"])) for one in found]


def test_the_front() -> None:
    svg = front(ARMS)
    off, better, worse = circles(svg)
    assert off[0] < better[0] < worse[0], "time runs to the right"
    assert better[1] < off[1] < worse[1], "quality runs up"
    assert "1: a &lt;b&gt;" in svg
    [line] = re.findall(r'polyline points="([^"]+)"', svg)
    assert len(line.split()) == 2


def test_numbers_of_dots_that_lie_close_together_can_all_be_read() -> None:
    close = [{"name": str(at), "p95_ms": 20.0, "ndcg@10": 0.5 + at / 1e4, "on_front": False} for at in range(12)]
    tree = ElementTree.fromstring(front([*close, {"name": "far", "p95_ms": 90.0, "ndcg@10": 0.9, "on_front": True}]))
    texts = [one for one in tree.iter("{http://www.w3.org/2000/svg}text") if re.fullmatch(r"\d{1,2}", one.text or "")]
    places = {one.text: (float(one.attrib["x"]), float(one.attrib["y"])) for one in texts}
    numbers = [places[str(at)] for at in range(13)]
    for at, (x, y) in enumerate(numbers):
        assert not any(abs(x - left) < 16 and abs(y - low) < 10 for left, low in numbers[:at])


def test_differences_have_their_colours() -> None:
    svg = differences(ARMS)
    assert len(circles(svg)) == 2
    assert svg.count("var(--good") == 2 and svg.count("var(--bad") == 2


def test_reliability() -> None:
    bins = [{"low": 0.0, "high": 0.1, "pairs": 90, "told": 0.02, "true": 0.03}, {"pairs": 10, "told": 0.8, "true": 0.7}]
    low, high = circles(reliability(bins))
    assert low[0] < high[0] and low[1] > high[1]
    assert circles(reliability([])) == []


@pytest.mark.parametrize("values", [[0.0, 1.0], [5.0], [0.0], [0.61, 0.6105], [12.0, 4000.0], []])
def test_scales_have_some_round_ticks_inside(values: list[float]) -> None:
    scale = Scale(values, 0, 100)
    assert 2 <= len(scale.ticks) <= 9
    assert all(-1e-6 <= scale.at(tick) <= 100 + 1e-6 for tick in scale.ticks)
    assert all(0 <= scale.at(value) <= 100 for value in values)
