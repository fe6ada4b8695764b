"""Names become rerankers; nothing is guessed."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import pytest

from secondlook.domain.options import LongPassages
from secondlook.errors import InvalidModelError, RerankerError, SetupError
from secondlook.models.fakes import FakeReranker
from secondlook.models.registry import (
    BUILT_IN_RERANKER,
    LateLoaded,
    OwnedReranker,
    RerankerShelf,
    can_be_folder,
    canonical,
    find_known,
    find_pinned,
    tokens_read,
)
from secondlook.models.weights import ALL_MINILM, add_model
from secondlook.ports import Passage, Scores, declared
from tests.tiny_models import make_model


def shelf(cache: Path, aliases: Mapping[str, str] | None = None) -> RerankerShelf:
    return RerankerShelf(cache, FakeReranker("built-in@1"), threads=1, aliases=aliases)


def test_the_built_in_one(tmp_path: Path) -> None:
    found = shelf(tmp_path)
    assert found.find("") is found.default
    assert found.find(BUILT_IN_RERANKER) is found.default


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InvalidModelError, match=r"no/such.*BAAI/bge-reranker-base.*models add"):
        shelf(tmp_path).find("no/such")


@pytest.mark.parametrize("name", ["@cf/baai/bge-reranker-base", "BAAI/bge-reranker-base"])
def test_known_but_not_here(tmp_path: Path, name: str) -> None:
    with pytest.raises(SetupError, match="models pull BAAI/bge-reranker-base"):
        shelf(tmp_path).find(name)


def test_every_name_of_a_model_leads_to_the_same(tmp_path: Path) -> None:
    make_model(tmp_path / "tiny", "xlm-roberta")
    add_model("BAAI/bge-reranker-base", tmp_path / "tiny", tmp_path)
    found = shelf(tmp_path)
    names = ("@cf/baai/bge-reranker-base", "local:BAAI/bge-reranker-base", "BAAI/bge-reranker-base")
    assert len({id(found.find(name)) for name in names}) == 1
    assert found.find("secondlook:late-interaction") is found.default


def test_an_added_model_serves(tmp_path: Path) -> None:
    add_model("mine", make_model(tmp_path / "tiny", "xlm-roberta").folder, tmp_path)

    async def work() -> None:
        found = shelf(tmp_path)
        model = found.find("mine")
        before = model.identity
        scores = (await model.score("oil lamp", [Passage("fog horn"), Passage("oil lamp")])).values
        assert len(set(scores)) == 2
        assert before == "mine"
        assert model.identity.startswith("mine@")
        assert re.search(r"int[78]/", model.identity) and model.identity.endswith("/62/pair/window")
        await found.close()

    asyncio.run(work())
    assert (tmp_path / "models" / "mine" / "golden.json").is_file()


def test_variants_are_models_of_their_own(tmp_path: Path) -> None:
    add_model("mine", make_model(tmp_path / "tiny").folder, tmp_path)

    async def work() -> dict[str, tuple[str, tuple[float, ...]]]:
        shown = shelf(tmp_path)
        found = {}
        assert shown.find("mine?max_tokens=64").identity == "mine?max_tokens=64", "before it is loaded"
        for words in ("", "?precision=fp32", "?max_tokens=64", "?max_tokens=64&precision=int8", "?max_tokens=8000"):
            model = shown.find(f"local:mine{words}")
            scores = await model.score("oil lamp", [Passage("fog horn"), Passage("oil lamp " * 20)])
            found[words] = model.identity, scores.values
        assert len(shown._loaded) == 2, "a length takes no memory of its own"
        await shown.close()
        return found

    found = asyncio.run(work())
    assert "/onnxruntime-fp32/" in found["?precision=fp32"][0] and re.search(r"int[78]/", found[""][0])
    assert found["?max_tokens=64"] == found["?max_tokens=64&precision=int8"]
    assert found["?max_tokens=8000"] == found[""], "it reads no more than it can"
    plain, exact = found[""][1], found["?precision=fp32"][1]
    assert plain != exact and plain == pytest.approx(exact, abs=0.05)


def test_what_has_no_variants(tmp_path: Path) -> None:
    shown = RerankerShelf(tmp_path, FakeReranker("built-in@1"), remotes={"far": LateLoaded("far", fail, tmp_path)})
    for name, told in {
        "secondlook/late-interaction?precision=fp32": "whose precision is fixed",
        "far?max_tokens=64": "is a remote model",
        "far?speed=9": "is not an option",
        "far?": "nothing follows",
        "no/such?max_tokens=64": "unknown reranking model",
    }.items():
        with pytest.raises(InvalidModelError, match=told):
            shown.find(name)


def fail() -> OwnedReranker:
    raise AssertionError("it is not asked")


def test_each_model_has_the_languages_of_its_line(tmp_path: Path) -> None:
    names = {
        "cross-encoder/ms-marco-MiniLM-L6-v2": ("en",),
        "local:@cf/baai/bge-reranker-base": ("en", "zh"),
        "cross-encoder/mmarco-mMiniLMv2-L12-H384-v1": None,
        "mine": None,
    }
    make_model(tmp_path / "tiny", "xlm-roberta")
    for name in names:
        add_model(canonical(name), tmp_path / "tiny", tmp_path)
    found = shelf(tmp_path)
    assert {name: declared(found.find(name)).languages for name in names} == names


def test_long_passages_are_read_as_the_operator_says(tmp_path: Path) -> None:
    add_model("mine", make_model(tmp_path / "tiny").folder, tmp_path)
    text = "fog horn blasts " * 17 + "oil lamp " * 15

    async def work() -> dict[str, Scores]:
        read = {}
        for how in get_args(LongPassages):
            made = RerankerShelf(tmp_path, FakeReranker(), threads=1, long_passages=how)
            model = made.find("mine")
            read[how] = await model.score("oil lamp", [Passage(text)])
            assert model.identity.endswith(f"/{how}")
            await made.close()
        return read

    found = asyncio.run(work())
    assert {how: (one.windowed, one.truncated) for how, one in found.items()} == {
        "window": (1, 0), "mean": (1, 0), "truncate": (0, 1),
    }  # fmt: skip
    assert found["window"].values >= found["truncate"].values
    assert len({one.values for one in found.values()}) > 1


def test_weights_that_are_not_what_their_name_says_do_not_serve(tmp_path: Path) -> None:
    add_model("cross-encoder/ms-marco-MiniLM-L-2-v2", make_model(tmp_path / "tiny").folder, tmp_path)

    async def work() -> None:
        found = shelf(tmp_path)
        model = found.find("cross-encoder/ms-marco-MiniLM-L2-v2")
        with pytest.raises(RerankerError, match="failed its self-test"):
            await model.score("oil", [Passage("lamp")])
        with pytest.raises(RerankerError, match=r"paused.*failed its self-test"):
            await model.score("oil", [Passage("lamp")])
        await found.close()

    asyncio.run(work())


def test_loading_goes_on_when_the_search_gives_up(tmp_path: Path) -> None:
    add_model("mine", make_model(tmp_path / "tiny").folder, tmp_path)

    async def work() -> None:
        found = shelf(tmp_path)
        model = found.find("mine")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(model.score("oil", [Passage("lamp")]), 0)
        first = asyncio.create_task(model.score("oil", [Passage("lamp")]))
        await asyncio.sleep(0)
        first.cancel()
        assert len((await model.score("oil", [Passage("lamp")])).values) == 1
        await found.close()

    asyncio.run(work())


@pytest.mark.parametrize("name", ["..", "a/../b", "a//b", "x" * 5000, "nul\0", "back\\slash"])
def test_names_that_lead_elsewhere(tmp_path: Path, name: str) -> None:
    assert not can_be_folder(name)
    with pytest.raises(InvalidModelError):
        shelf(tmp_path).find(name)


def test_a_model_that_cannot_be_run_from_its_weights(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="deberta-v2 is not supported natively"):
        shelf(tmp_path).find("mixedbread-ai/mxbai-rerank-base-v1")
    with pytest.raises(SetupError, match="its own code"):
        find_pinned("jinaai/jina-reranker-v2-base-multilingual")


def test_a_model_without_a_pinned_revision_needs_one() -> None:
    with pytest.raises(SetupError, match="--revision"):
        find_pinned("BAAI/bge-reranker-large")
    assert find_pinned("BAAI/bge-reranker-large", "abc").revision == "abc"


def test_how_much_is_read(tmp_path: Path) -> None:
    assert tokens_read(tmp_path, None) == 512
    assert tokens_read(make_model(tmp_path / "tiny", "xlm-roberta").folder, None) == 62


def test_broken_weights_are_told_at_the_first_score(tmp_path: Path) -> None:
    folder = add_model("mine", make_model(tmp_path / "tiny").folder, tmp_path)
    (folder / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(SetupError, match="could not read"):
        asyncio.run(shelf(tmp_path).find("mine").score("oil", [Passage("lamp")]))


def test_what_can_be_downloaded() -> None:
    assert find_pinned("@cf/baai/bge-reranker-base").repo == "BAAI/bge-reranker-base"
    assert find_pinned("sentence-transformers/all-MiniLM-L6-v2") is ALL_MINILM
    assert find_known("openai/text-embedding-3-small") is None
    with pytest.raises(InvalidModelError, match="cannot be downloaded"):
        find_pinned("no/such")


def test_a_name_with_a_question_mark_that_was_added_before(tmp_path: Path) -> None:
    add_model("mine?x", make_model(tmp_path / "tiny").folder, tmp_path)
    assert shelf(tmp_path).find("mine?x").identity == "mine?x"


def test_a_known_model_is_found_by_the_last_part_of_its_name(tmp_path: Path) -> None:
    names = "bge-reranker-v2-m3 BGE-Reranker-v2-m3 jina-reranker-v2-base-multilingual ms-marco-MiniLM-L6-v2"
    for name in names.split():
        with pytest.raises(SetupError, match=r"are not installed|ships its own code"):
            shelf(tmp_path).find(name)
    for name in ("bge-reranker", "v2-m3", "reranker", "other/bge-reranker-v2-m3"):
        with pytest.raises(InvalidModelError):
            shelf(tmp_path).find(name)


def test_a_model_that_was_added_under_a_short_name_keeps_it(tmp_path: Path) -> None:
    add_model("bge-reranker-v2-m3", make_model(tmp_path / "tiny").folder, tmp_path)
    assert shelf(tmp_path).find("bge-reranker-v2-m3").identity == "bge-reranker-v2-m3"


def test_aliases_of_the_operator(tmp_path: Path) -> None:
    add_model("mine/tiny", make_model(tmp_path / "tiny").folder, tmp_path)
    aliases = {
        "rerank-v3.5": "mine/tiny",
        "fast": BUILT_IN_RERANKER,
        "bge-reranker-base": "mine/tiny",
        "far": "no/such",
    }
    found = shelf(tmp_path, aliases=aliases)
    assert found.find("rerank-v3.5").identity == "mine/tiny"
    assert found.find("bge-reranker-base") is found.find("mine/tiny")
    assert found.find("fast") is found.default
    with pytest.raises(InvalidModelError, match="no/such"):
        found.find("far")
    with pytest.raises(InvalidModelError, match=r"Known: .*rerank-v3\.5"):
        found.find("nothing")
