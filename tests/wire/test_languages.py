"""Keyword search in the language of an instance."""

from typing import Any

import pytest

from tests.wire.conftest import NEW, Wire, error_of, keys_of

CORPORA = {
    "german": {
        "lampe.md": "Im Winter sind die Öllampen zu wärmen, bevor man sie anzündet.",
        "haus.md": "Alle Häuser am Hafen haben eine Glocke.",
        "nebel.md": "Das Nebelhorn ertönt alle neunzig Sekunden.",
    },
    "russian": {
        "лампа.md": "Зимой масло в лампах замерзает, согрейте резервуар.",
        "туман.md": "Туманный горн подаёт два сигнала каждые девяносто секунд.",
        "ёлка.md": "Ёлки стоят у берега.",
    },
    "japanese": {
        "lamp.md": "冬はランプの油が凍るので、点灯する前に温めてください。",
        "fog.md": "霧笛は九十秒ごとに二回鳴らします。",
        "part.md": "交換部品はLX-200 Filtersです。",
    },
    "chinese": {
        "lamp.md": "冬天灯油会结冰，点灯之前要先加热油箱。",
        "fog.md": "雾号每九十秒响两次。",
        "part.md": "备件号是LX-200 Filters。",
    },
}


def fill(wire: Wire, corpus: str, language: str, **settings: Any) -> None:
    """An instance of keywords alone, of that language."""
    options = {"keyword_language": language, **settings.pop("indexing_options", {})}
    wire.make(
        "docs",
        index_method={"vector": False, "keyword": True},
        indexing_options=options,
        custom_metadata=[{"field_name": "kind", "data_type": "text"}],
        **settings,
    )
    for key, text in CORPORA[corpus].items():
        answer = wire.upload(key, text, name="docs", metadata={"kind": key[0]})
        assert answer.json()["result"]["status"] == "completed", answer.text


def search(wire: Wire, query: str, mode: str = "and", **retrieval: Any) -> Any:
    options = {"retrieval": {"keyword_match_mode": mode, **retrieval}}
    return wire.post(f"{NEW}/docs/search", {"query": query, "ai_search_options": options})


@pytest.mark.parametrize(
    ("corpus", "language", "query", "key"),
    [
        ("german", "german", "Wie kann ich meine Öllampe wärmen?", "lampe.md"),
        ("german", "german", "haus glocken", "haus.md"),
        ("german", "german", "Haeuser", "haus.md"),
        ("russian", "russian", "Что делать, если в лампе замерзает масло?", "лампа.md"),
        ("russian", "russian", "елка", "ёлка.md"),
        ("russian", "russian", "сигнал горна", "туман.md"),
        ("japanese", "cjk", "ランプの油", "lamp.md"),
        ("japanese", "cjk", "霧", "fog.md"),
        ("japanese", "cjk", "lx 200 filter", "part.md"),
        ("japanese", "cjk", "ﾗﾝﾌﾟ", "lamp.md"),
        ("chinese", "cjk", "灯油怎么加热", "lamp.md"),
        ("chinese", "cjk", "雾号", "fog.md"),
        ("chinese", "cjk", "响", "fog.md"),
        ("chinese", "cjk", "备件 filter", "part.md"),
        ("chinese", "german", "雾号", "fog.md"),
    ],
)
def test_words_are_found_in_their_language(wire: Wire, corpus: str, language: str, query: str, key: str) -> None:
    fill(wire, corpus, language)
    answer = search(wire, query)
    assert keys_of(answer)[:1] == [key]
    details = answer.json()["result"]["chunks"][0]["scoring_details"]
    assert details["keyword_score"] > 0 and details["keyword_rank"] == 1


@pytest.mark.parametrize(
    ("corpus", "language", "query", "key"),
    [
        ("german", "german", "Wann friert das Öl der Öllampen?", "lampe.md"),
        ("chinese", "cjk", "灯油结冰怎么办", "lamp.md"),
        ("japanese", "cjk", "ランプの油が凍ったらどうすればいいですか", "lamp.md"),
    ],
)
def test_sentences_are_found_by_any_of_their_words(
    wire: Wire, corpus: str, language: str, query: str, key: str
) -> None:
    fill(wire, corpus, language)
    assert keys_of(search(wire, query)) == []
    assert keys_of(search(wire, query, "or"))[:1] == [key]


def test_words_are_not_taken_apart(wire: Wire) -> None:
    fill(wire, "german", "german")
    assert keys_of(search(wire, "Lampe")) == []


@pytest.mark.parametrize(("corpus", "query"), [("german", "Haus"), ("chinese", "雾号"), ("russian", "лампа")])
def test_without_a_language_they_are_not(wire: Wire, corpus: str, query: str) -> None:
    fill(wire, corpus, "")
    assert keys_of(search(wire, query)) == []


def test_trigrams_of_runs(wire: Wire) -> None:
    fill(wire, "japanese", "cjk", indexing_options={"keyword_tokenizer": "trigram"})
    for query, key in (("ランプ", "lamp.md"), ("霧笛", "fog.md"), ("温", "lamp.md"), ("filter", "part.md")):
        assert keys_of(search(wire, query)) == [key]


def test_filter_update_delete_and_why(wire: Wire) -> None:
    fill(wire, "german", "german")
    assert keys_of(search(wire, "Lampe Öllampe Haus", "or", filters={"kind": "h"})) == ["haus.md"]
    why = {"query": "Häuser", "item_key": "nebel.md", "ai_search_options": {"retrieval": {}}}
    told = wire.post(f"{NEW}/docs/why", why).json()["result"]
    assert (told["verdict"], "keyword search did not find it" in told["reason"]) == ("not_retrieved", True)
    told = wire.post(f"{NEW}/docs/why", {**why, "item_key": "haus.md"}).json()["result"]
    assert told["verdict"] == "returned"
    wire.upload("haus.md", "Alle Boote am Hafen.", name="docs")
    assert (keys_of(search(wire, "Häuser")), keys_of(search(wire, "Boot"))) == ([], ["haus.md"])
    item = wire.get(f"{NEW}/docs/items", key="haus.md").json()["result"][0]["id"]
    wire.ask("DELETE", f"{NEW}/docs/items/{item}")
    assert keys_of(search(wire, "Boot")) == []


def test_the_language_is_shown_and_may_change(wire: Wire) -> None:
    made = wire.make("docs", indexing_options={"keyword_language": "german"}, score_threshold=0.0)
    assert made["indexing_options"] == {"keyword_tokenizer": "porter", "keyword_language": "german", "use_ocr": False}

    def put(language: str | None) -> Any:
        return wire.ask("PUT", f"{NEW}/docs", json={"indexing_options": {"keyword_language": language}})

    assert put(None).json()["result"]["indexing_options"]["keyword_language"] == "german"
    assert put("").json()["result"]["indexing_options"]["keyword_language"] is None
    assert put("french").json()["result"]["indexing_options"]["keyword_language"] == "french"
    wire.upload("a.md", "les lampes", name="docs")
    assert keys_of(search(wire, "lampe", retrieval_type="keyword")) == ["a.md"]
    assert put("simple").status_code == 200
    wire.run(wire.indexing.drain())
    assert keys_of(search(wire, "lampe", retrieval_type="keyword")) == []
    assert keys_of(search(wire, "lampes", retrieval_type="keyword")) == ["a.md"]


@pytest.mark.parametrize("language", ["klingon", "German", "de", 5, ["german"], {}])
def test_a_language_that_is_not_known(wire: Wire, language: object) -> None:
    answer = wire.post(NEW, {"id": "docs", "indexing_options": {"keyword_language": language}})
    assert error_of(answer) == (400, 7400, "invalid_request")
    told = answer.json()["errors"][0]["detail"]
    assert "indexing_options.keyword_language" in told
    assert str(language) in told and "'german'" in told and "'cjk'" in told


def test_trigrams_have_no_language(wire: Wire) -> None:
    options = {"keyword_tokenizer": "trigram", "keyword_language": "german"}
    answer = wire.post(NEW, {"id": "docs", "indexing_options": options})
    assert error_of(answer) == (400, 7400, "invalid_request")
    assert "'german'" in answer.text and "trigram" in answer.text


JOINED = {
    "temperature.md": "The temperature of the reservoir is ten degrees; do not heat it.",
    "huile.md": "Chauffer huile et lampe avant la nuit.",
    "olio.md": "Olio per lampada: scaldare prima di notte.",
    "ankara.md": "Ankara feneri soğuk.",
    "brien.md": "Ask Brien about the horn.",
}


@pytest.mark.parametrize(
    ("language", "query", "plain"),
    [
        ("", "what's the reservoir temperature", "what is the reservoir temperature"),
        ("", "why don’t they’ve the reservoir’s temperature", "why do they have the temperature of the reservoir"),
        ("", "they're who won`t heat it", "they are who will heat it"),
        ("english", "what's the reservoir temperature", "what is the reservoir temperature"),
        ("english", "I'll've the reservoir's, couldn't I", "I will have the reservoir"),
        ("simple", "O'Brien horn", "Brien horn"),
        ("french", "jusqu'à l'huile qu'on chauffe", "huile chauffer"),
        ("italian", "com'è nell'olio dell'lampada", "olio lampada"),
        ("turkish", "Ankara'nın feneri", "Ankara feneri"),
    ],
)
@pytest.mark.parametrize("mode", ["and", "or"])
def test_contractions_and_elisions(wire: Wire, language: str, query: str, plain: str, mode: str) -> None:
    wire.make("docs", index_method={"vector": False, "keyword": True}, indexing_options={"keyword_language": language})
    for key, text in JOINED.items():
        wire.upload(key, text, name="docs")
    wanted = keys_of(search(wire, plain, mode))
    assert wanted and keys_of(search(wire, query, mode)) == wanted


CODES = {
    "17.md": "Error E-17: no oil in the reservoir.",
    "14.md": "Error E-14: no oil in the lamp.",
    "cpp.md": "The compiler of C++ and .NET for the horn",
    "cs.md": "The compiler of C# on the internet.",
    "ai.md": "AI rains on the plain of Spain: 7 km",
    "air.md": "Training of 17 km in rain.",
}


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("E-17", ["17.md"]),
        ("oil E-17", ["17.md"]),
        ("oil e-14?", ["14.md"]),
        ("C++", ["cpp.md"]),
        ("compiler C#", ["cs.md"]),
        (".NET", ["cpp.md"]),
        ("AI rain", ["ai.md"]),
        ("what's E-17", ["17.md"]),
    ],
)
def test_codes_and_short_terms_of_a_trigram_index(wire: Wire, query: str, keys: list[str]) -> None:
    wire.make(
        "docs", index_method={"vector": False, "keyword": True}, indexing_options={"keyword_tokenizer": "trigram"}
    )
    for key, text in CODES.items():
        wire.upload(key, text, name="docs")
    assert keys_of(search(wire, query)) == keys
