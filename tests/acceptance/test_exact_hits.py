"""What a new instance finds by its letters, with the built-in models and without any setting: numbers, codes, names."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from secondlook.bootstrap import Runtime, open_runtime
from secondlook.domain.candidate import Ranking
from secondlook.domain.instance import Analyser, Instance, InstanceSettings
from secondlook.domain.options import Generation
from secondlook.domain.query import Query
from secondlook.services.intake import Upload
from secondlook.services.searching import Ask
from secondlook.settings import Settings

INVOICE = """# Invoice {number}

Bill to: {company}
Contact: {person}
Items: {items}

Total due: EUR {total}
Payment within 30 days to account NL91 ABNA 0417 1643 00.
"""
ROWS = (
    ("INV-2024-88217", "Halvorsen Marine Ltd", "Zdenka Marković", "12 mooring lines, 4 shackles MK-7", "1,204.50"),
    ("INV-2024-88271", "Ostrava Tools s.r.o.", "Piotr Lewandowski", "hex key sets, torque wrench TQ-40", "873.00"),
    ("INV-2024-87217", "Bergman & Söner AB", "Ingrid Bergman", "hydraulic hose HX-7731-B, couplings", "2,310.75"),
    ("INV-2023-88217", "Calder Freight", "Amara Okafor", "pallet transport from Leeds to Hull", "460.20"),
    ("INV-2024-90114", "Nakamura Optics", "Kenji Nakamura", "survey prism, tripod, calibration", "5,990.00"),
)
INVOICES = {
    f"{number}.md": INVOICE.format(number=number, company=company, person=person, items=items, total=total)
    for number, company, person, items, total in ROWS
}
MINUTES = {
    "january.md": "Jaroslav Dvořáček opened the meeting. The budget of the choir was agreed.",
    "february.md": "The roof leaks above the organ. Jaroslav Dvořáček will ask two firms for offers.",
    "march.md": "Jaroslav Dvořáček reported on the offers. Work on the roof begins after Easter.",
}
CODES = {
    "pump.md": "E1047: the pump runs dry. Close the valve and refill the tank.",
    "fan.md": "E1074: the fan is blocked. Remove what is in front of it.",
    "door.md": "0x80070057: the door does not report its state. Pair it again.",
    "net.md": "ERR_CONN_RESET: the gateway closed the connection. Restart it.",
}
GERMAN = {
    "hafen.md": "Alle Häuser am Hafen haben eine Glocke, die bei Sturm geläutet wird.",
    "lampe.md": "Im Winter sind die Öllampen zu wärmen, bevor man sie anzündet.",
    "nebel.md": "Das Nebelhorn ertönt alle neunzig Sekunden zweimal.",
}
CHINESE = {
    "lamp.md": "冬天灯油会结冰，点灯之前要先加热油箱。",
    "fog.md": "雾号每九十秒响两次。",
    "part.md": "备件号是LX-200，存放在二号仓库。",
}
LIBRARY: Mapping[str, tuple[Mapping[str, str], Analyser | None]] = {
    "invoices": (INVOICES, None),
    "minutes": (MINUTES, None),
    "codes": (CODES, None),
    "german": (GERMAN, "german"),
    "chinese": (CHINESE, "cjk"),
}
EVERY = tuple(sorted(MINUTES))


class Library:
    """A runtime with an instance of each kind, made with nothing but its language."""

    def __init__(self, folder: Path) -> None:
        self._runner = asyncio.Runner()
        self._opened = open_runtime(Settings(data_dir=folder), queue="own")
        self.runtime: Runtime = self.run(self._opened.__aenter__())
        self.instances: dict[str, Instance] = {}
        for name, (pages, analyser) in LIBRARY.items():
            self.instances[name] = self.run(self._fill(name, pages, InstanceSettings(analyser=analyser)))

    def run(self, work: Any) -> Any:
        return self._runner.run(work)

    async def _fill(self, name: str, pages: Mapping[str, str], settings: InstanceSettings) -> Instance:
        services = self.runtime.services
        instance = await services.instances.create("acc", "default", name, settings=settings)
        for key, text in pages.items():
            item = await services.indexing.upload(instance, Upload(key, text.encode()), wait=60)
            assert item.status == "completed", item.error
        return instance

    def search(self, name: str, query: str, ask: Ask | None = None) -> Ranking:
        services = self.runtime.services
        ranking: Ranking = self.run(services.searching.search(self.instances[name], Query(query), ask or Ask()))
        return ranking

    def find(self, name: str, query: str, ask: Ask | None = None) -> list[str]:
        return [one.chunk.item_key for one in self.search(name, query, ask).candidates]

    def close(self) -> None:
        self.run(self._opened.__aexit__(None, None, None))
        self._runner.close()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    made = Library(tmp_path_factory.mktemp("library"))
    yield made
    made.close()


@pytest.mark.parametrize(("number", "person", "total"), [(row[0], row[2], row[4]) for row in ROWS])
def test_an_invoice_is_found_by_its_number_its_contact_and_its_total(
    library: Library, number: str, person: str, total: str
) -> None:
    sentences = (f"invoice {number}", f"What is the amount of invoice {number}?", f"was {number} paid on time")
    for query in (number, *sentences, person, f"Who is {person}?", total):
        assert f"{number}.md" in library.find("invoices", query), query


@pytest.mark.parametrize(
    ("name", "query", "wanted"),
    [
        ("invoices", "Zdenka Marković", "INV-2024-88217.md"),
        ("invoices", "markovic", "INV-2024-88217.md"),
        ("invoices", "Who is Amara Okafor?", "INV-2023-88217.md"),
        ("invoices", "90114", "INV-2024-90114.md"),
        ("invoices", "HX-7731-B", "INV-2024-87217.md"),
        ("invoices", "TQ-40", "INV-2024-88271.md"),
        ("codes", "E1047", "pump.md"),
        ("codes", "E1074", "fan.md"),
        ("codes", "what does E1074 mean", "fan.md"),
        ("codes", "0x80070057", "door.md"),
        ("codes", "ERR_CONN_RESET", "net.md"),
        ("german", "Haeuser", "hafen.md"),
        ("german", "haus", "hafen.md"),
        ("german", "Wie kann ich meine Öllampe wärmen?", "lampe.md"),
        ("german", "Wie oft ertönt das Nebelhorn?", "nebel.md"),
        ("chinese", "LX-200", "part.md"),
        ("chinese", "雾号", "fog.md"),
        ("chinese", "灯油怎么加热", "lamp.md"),
        ("chinese", "备件存放在哪里", "part.md"),
    ],
)
def test_what_one_document_alone_holds_comes_first(library: Library, name: str, query: str, wanted: str) -> None:
    assert library.find(name, query)[:1] == [wanted]


@pytest.mark.parametrize("query", ["Jaroslav Dvořáček", "Dvoracek", "Who is Jaroslav Dvořáček?"])
def test_a_name_that_every_document_holds_finds_every_document(library: Library, query: str) -> None:
    assert sorted(library.find("minutes", query)) == list(EVERY)


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("invoices", "How do I reset my password?"),
        ("invoices", "What is the capital of Mongolia?"),
        ("minutes", "how fast does a cheetah run"),
        ("codes", "Which wine goes with grilled trout?"),
    ],
)
def test_what_no_document_answers_finds_nothing(library: Library, name: str, query: str) -> None:
    assert library.find(name, query) == []


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("invoices", "INV-2024-55555"),
        ("codes", "E2999"),
        ("german", "Wer gewann die Weltmeisterschaft?"),
        ("chinese", "公司的年假有多少天"),
    ],
)
def test_keywords_carry_nothing_that_they_do_not_match(library: Library, name: str, query: str) -> None:
    ranking = library.search(name, query)
    assert [one.chunk.item_key for one in ranking.candidates if one.evidence.keyword_match] == []


def test_a_keyword_search_alone_asks_for_all_words(library: Library) -> None:
    ask = Ask(retrieval_type="keyword")
    assert library.find("codes", "pump dry", ask) == ["pump.md"]
    assert library.find("codes", "pump gateway", ask) == []
    every = library.find("codes", "pump gateway", Ask(min_score=0.0))
    assert {"net.md", "pump.md"} <= set(every)


def test_an_answer_rests_on_the_exact_hit(library: Library) -> None:
    async def work() -> tuple[list[str], str]:
        answer = await library.runtime.services.searching.answer(
            library.instances["invoices"], Query("Zdenka Marković"), Ask(), generation=Generation()
        )
        text = "".join([delta.text async for delta in answer.deltas])
        return [one.chunk.item_key for one in answer.ranking.candidates], text

    keys, text = library.run(work())
    assert keys == ["INV-2024-88217.md"] and text.strip()


def test_several_instances_find_it_together(library: Library) -> None:
    joint = library.run(
        library.runtime.services.joint.search(
            ("acc", "default"), list(LIBRARY), Query("HX-7731-B"), make_ask=lambda instance: Ask()
        )
    )
    assert joint.ranking.candidates[0].chunk.item_key == "INV-2024-87217.md"
