"""A passage that only repeats the query loses to the one that answers it, with the built-in models."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from secondlook.bootstrap import Runtime, open_runtime
from secondlook.domain.candidate import Ranking
from secondlook.domain.instance import Instance, InstanceSettings
from secondlook.domain.query import Query
from secondlook.services.intake import Upload
from secondlook.services.searching import Ask
from secondlook.settings import Settings

PAIRS = (
    (
        "How do I reset the admin password of the weather station?",
        "Hold the button under the battery cover for ten seconds. The console then asks for a new password for the"
        " administrator.",
    ),
    (
        "what does error code E42 mean",
        "E42 is shown when the rain gauge has sent nothing for an hour. Check its battery and the distance.",
    ),
    (
        "Can I use rechargeable batteries in the outdoor sensor?",
        "No. Rechargeable cells have 1.2 volts, which the outdoor sensor reads as nearly empty. Use lithium cells.",
    ),
    (
        "how long are measurements kept on the memory card",
        "The card holds two years of readings at one a minute. After that the oldest month is overwritten.",
    ),
    (
        "Why is the wind speed always zero?",
        "A wind speed of zero for days means that the cups are blocked, mostly by ice or a spider's web, or that the"
        " cable has come loose.",
    ),
    (
        "where can I download the firmware for the console",
        "Firmware is under Support on our website. Copy the file to a card, put it in the console and switch it on.",
    ),
    (
        "How far may the sensor be away from the console?",
        "In the open the radio reaches 100 metres; each brick wall takes about a third of that.",
    ),
    (
        "is the station covered by a warranty if it is struck by lightning",
        "The warranty lasts three years. Damage by lightning, flood or vermin is excluded from it.",
    ),
    (
        "How do I export my readings to a spreadsheet?",
        "Open History, choose the days, and press CSV. Excel and LibreOffice open the file with a column per sensor.",
    ),
    (
        "what is the accuracy of the barometer",
        "Air pressure is measured to within 1 hPa between 0 and 40 degrees, and to within 3 hPa outside that range.",
    ),
)
FORMS = (
    "{}",
    "Hi all, {} Thanks",
    "{0}\n{0}\n{0}",
    "Re: Re: {}",
    "# Question\n\n{}",
)
"""How people repeat a question in a forum or a ticket."""
TITLES = {
    "How to install the station on a flat roof": "Weigh the tripod down with two sacks of gravel. Do not drill the"
    " roof: water follows the screws.",
    "Rain gauge": "A funnel of 200 square centimetres over a tipping bucket. Empty the sieve in autumn.",
    "Release notes 2.3": "The console starts faster. Alerts can be sent by mail.",
}
HEADINGS = ("What is new in the second edition of the handbook",)
SLUGS = ("How we write the minutes of a meeting",)
PRODUCTS = ("Blue mooring line 12 mm 20 m", "Blue mooring line 14 mm 20 m", "Mooring line, white, 12 mm")

ASKS = {
    "plain": Ask(cached=False),
    "reranked": Ask(rerank=True, min_relevance=0, cached=False),
    "vector": Ask(retrieval_type="vector", cached=False),
    "rrf": Ask(fusion_method="rrf", cached=False),
}


class Shelf:
    """Instances of one runtime, made without any setting, filled and searched."""

    def __init__(self, folder: Path) -> None:
        self._runner = asyncio.Runner()
        self._opened = open_runtime(Settings(data_dir=folder), queue="own")
        self.runtime: Runtime = self.run(self._opened.__aenter__())

    def run(self, work: Any) -> Any:
        return self._runner.run(work)

    def fill(self, name: str, texts: Mapping[str, str]) -> Instance:
        """A new instance with these items."""
        services = self.runtime.services
        instance: Instance = self.run(services.instances.create("acc", "default", name, settings=InstanceSettings()))
        for key, text in texts.items():
            item = self.run(services.indexing.upload(instance, Upload(key, text.encode()), wait=60))
            assert item.status == "completed", item.error
        return instance

    def find(self, instance: Instance, query: str, ask: Ask) -> list[str]:
        found: Ranking = self.run(self.runtime.services.searching.search(instance, Query(query), ask))
        return [one.chunk.item_key for one in found.candidates]

    def close(self) -> None:
        self.run(self._opened.__aexit__(None, None, None))
        self._runner.close()


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    made = Shelf(tmp_path_factory.mktemp("shelf"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def forum(shelf: Shelf) -> Instance:
    """Every answer, and every question as people repeat it."""
    texts = {f"answer-{at}.md": answer for at, (_, answer) in enumerate(PAIRS)}
    for at, (question, _) in enumerate(PAIRS):
        asked = question if question.endswith("?") else f"{question}?"
        texts[f"post-{at}.md"] = FORMS[at % len(FORMS)].format(asked)
    return shelf.fill("forum", texts)


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_the_answer_comes_before_the_question(shelf: Shelf, forum: Instance, ask: Ask) -> None:
    first = [shelf.find(forum, question, ask)[0] for question, _ in PAIRS]
    right = [key == f"answer-{at}.md" for at, key in enumerate(first)]
    assert sum(right) >= 9, first


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_a_question_is_still_found_where_nothing_answers_it(shelf: Shelf, forum: Instance, ask: Ask) -> None:
    question = "How do I reset the admin password of the weather station?"
    assert "post-0.md" in shelf.find(forum, question, ask)


@pytest.mark.parametrize("way", ASKS)
def test_an_exact_title_or_name_comes_first(shelf: Shelf, way: str) -> None:
    texts = {f"page-{at}.md": f"# {title}\n\n{text}" for at, (title, text) in enumerate(TITLES.items())}
    texts |= {f"heading-{at}.md": f"# {title}" for at, title in enumerate(HEADINGS)}
    texts |= {f"{name.lower().replace(' ', '-')}.txt": name for name in SLUGS}
    texts |= {f"product-{at}.txt": name for at, name in enumerate(PRODUCTS)}
    library = shelf.fill(f"titles-{way}", texts)
    wanted = {title: f"page-{at}.md" for at, title in enumerate(TITLES)}
    wanted |= {title: f"heading-{at}.md" for at, title in enumerate(HEADINGS)}
    wanted |= {name: f"{name.lower().replace(' ', '-')}.txt" for name in SLUGS}
    wanted |= {name: f"product-{at}.txt" for at, name in enumerate(PRODUCTS)}
    assert {query: shelf.find(library, query, ASKS[way])[0] for query in wanted} == wanted
