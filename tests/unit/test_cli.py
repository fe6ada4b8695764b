"""The command line, command by command, as a person or a script meets it."""

import io
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer

from secondlook import __version__, console
from secondlook.cli import app
from secondlook.models import native_check, native_session
from secondlook.models.native_session import arithmetic_of, best_unit, list_units, load_library
from secondlook.models.registry import find_pinned
from tests.file_server import serve_files
from tests.tiny_models import make_model
from tests.unit.conftest import Cli, Done

PAGES = {
    "winter/oil.md": "# Lamp oil\n\nWarm the lamp oil reservoir before lighting when the oil freezes :fire:.",
    "signals/fog.md": "Two blasts of the fog horn every ninety seconds; see [the table](x) and [/b] [bold]loud[/bold].",
    "stores/grades.txt": "Grade B oil stays liquid down to minus twelve degrees.",
    "logo.ico": "no text",
}


def command_words(group: Any = None, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of every command and group."""
    group = group or typer.main.get_command(app)
    found = []
    for name, command in group.commands.items():
        found.append((*path, name))
        if hasattr(command, "commands"):
            found += command_words(command, (*path, name))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder that the tests of this module share."""
    made = tmp_path_factory.mktemp("data")
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def filled(cli: Cli, folder: Path, tmp_path: Path) -> Path:
    """The data folder with the instance ``docs``."""
    if not (folder / "filled").is_file():
        for key, text in PAGES.items():
            path = tmp_path / "pages" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        done = cli("index", "docs", tmp_path / "pages", "--data-dir", folder)
        assert (done.code, done.out) == (0, "3 of 3 files indexed into docs\n1 skipped: 1 unsupported (.ico)\n")
        (folder / "filled").touch()
    return folder


def test_help_names_every_command(cli: Cli) -> None:
    done = cli("--help")
    assert done.code == 0
    for command in ("version", "serve", "demo", "index", "search", "ask", "eval", "token", "models"):
        assert re.search(rf"\b{command} {{2,}}[A-Z].*\.", done.out), command
    assert "second look" in done.out


@pytest.mark.parametrize("command", ["serve", "demo", "index", "search", "ask", "eval", "token", "models"])
def test_each_command_has_its_own_help(cli: Cli, command: str) -> None:
    done = cli(command, "--help")
    assert done.code == 0
    assert re.search(rf"Usage: .*\b{command}\b", done.out)
    assert re.search(r"^ [A-Z][^│]*\.", done.out, re.MULTILINE), "a sentence says what it does"


@pytest.mark.parametrize("words", ["version", "--version"])
def test_version(cli: Cli, words: str) -> None:
    assert cli(words) == Done(0, f"{__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("eval", "nowhere"), "error: could not read nowhere/corpus.jsonl"),
        (("index", "docs", "nowhere"), "error: nowhere does not exist or is neither a file nor a folder"),
        (("models", "pull", "no/such"), "error: model 'no/such' cannot be downloaded"),
        (("models", "pull", "BAAI/bge-reranker-base"), "offline mode is on"),
        (("token", "revoke", "[/b]"), "error: there is no data folder"),
        (("token", "create", "--name", " "), "error: the token's name is empty: give it a name"),
        (("serve", "--port", "65536"), "error: port 65536"),
        (("serve", "--host", "no-such-host.invalid"), "error: the host 'no-such-host.invalid' is unknown"),
        (("index", "docs", "."), "error: no supported files found in ."),
        (("index", "Docs/..", "page.md"), "error: 'Docs/..' is not a valid instance name"),
        (("index", "docs", "page.md", "--account", "a/b"), "error: --account is 'a/b'"),
        (("index", "docs", "page.md", "--keyword-language", "klingon"), "klingon'. Use one of arabic, armenian"),
        (("eval", "beir", "--keyword-language", "German"), "error: --keyword-language is 'German'. Use one of"),
        (("search", "docs", " "), "error: the query is empty"),
        (("ask", "docs", ""), "error: the query is empty"),
        (("search", "docs", "lamp\udcff"), "error: the argument 'lamp\\udcff' is not valid UTF-8"),
        (("eval", "beir", "--json", "nowhere/figures.json"), "nowhere/figures.json"),
    ],
)
def test_an_error_is_one_line_and_code_2(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    if "page.md" in arguments:
        Path("page.md").write_text("lamp oil", encoding="utf-8")
    if "beir" in arguments:
        write_beir(Path("beir"))
    done = cli(*arguments, "--data-dir", tmp_path / "data")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ") and words in done.err
    assert done.err.count("\n") == 1 and done.err.endswith("\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("serve", "--port", "0"),
        ("demo", "--once"),
        ("index", "docs", "page.md"),
        ("search", "docs", "oil"),
        ("ask", "docs", "oil"),
        ("eval", "beir"),
        ("token", "create", "--name", "x"),
        ("token", "list"),
        ("token", "revoke", "x"),
    ],
)
@pytest.mark.parametrize("trouble", ["a file", "no catalogue"])
def test_a_data_folder_that_cannot_be_used_is_one_line(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], trouble: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("page.md").write_text("lamp oil", encoding="utf-8")
    if "beir" in arguments:
        write_beir(Path("beir"))
    path = Path("data") if trouble == "a file" else Path("data", "catalog.sqlite")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"in the way" * 500)
    done = cli(*arguments, "--data-dir", "data")
    assert (done.code, done.out) == (2, "")
    words = r"data is not a folder: choose|could not open .*\(file is not a database\)"
    assert re.fullmatch(rf"error: .*({words}).*\n", done.err)


def test_a_port_in_use_is_told_before_anything_is_done(cli: Cli, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        for command in ("serve", "demo"):
            done = cli(command, "--port", port, "--data-dir", tmp_path / "data")
            assert (done.code, done.out) == (2, "")
            assert re.fullmatch(
                rf"error: port {port} on 127\.0\.0\.1 is already in use\. Stop the other process, .*--port.*\n",
                done.err,
            )
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("frobnicate",), "no such command 'frobnicate'. See `secondlook --help`."),
        (("serch", "docs", "oil"), "no such command 'serch'. Did you mean 'search', 'serve'? See `secondlook --help`."),
        (("lab", "runs"), "no such command 'runs'. Did you mean 'run'? See `secondlook lab --help`."),
        (("index",), "missing argument 'instance'. See `secondlook index --help`."),
        (("token", "create"), "missing option '--name'. See `secondlook token create --help`."),
        (("search", "docs", "oil", "--frob"), "no such option: --frob. See `secondlook search --help`."),
        (("search", "docs", "oil", "x", "[/b]"), "unexpected argument: x [/b]. See `secondlook search --help`."),
        (
            ("serve", "--port", "x"),
            "invalid value for '--port': Input should be a valid integer. See `secondlook serve --help`.",
        ),
        (
            ("token", "create", "--name", "x", "--permission", "all"),
            "invalid value for '--permission': 'all' is not one of 'edit', 'run'."
            " See `secondlook token create --help`.",
        ),
        (
            ("search", "docs", "oil", "--top-k", "99"),
            "invalid value for '--top-k': Input should be less than or equal to 50. See `secondlook search --help`.",
        ),
    ],
)
def test_words_that_are_not_understood_are_one_line(cli: Cli, arguments: tuple[str, ...], line: str) -> None:
    assert cli(*arguments) == Done(2, "", f"error: {line}\n")


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("words", [(), *command_words()], ids=" ".join)
def test_help_is_short_and_long_everywhere(cli: Cli, words: tuple[str, ...], flag: str) -> None:
    done = cli(*words, flag)
    assert (done.code, done.err) == (0, "")
    assert "Usage: secondlook" in done.out and "--help" in done.out


READING = [
    ("search", "docs", "oil"),
    ("ask", "docs", "oil"),
    ("lab", "show", "docs"),
    ("lab", "run", "docs", "--headings"),
    ("lab", "gate", "docs", "--headings", "--min-ndcg", "0.5"),
    ("queries", "export", "docs"),
    ("token", "list"),
    ("token", "revoke", "x"),
    ("sync", "docs"),
    ("export", "cloudflare", "--account", "a", "--token", "t", "--instance", "docs"),
]
"""Commands that make no data folder."""


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_commands_that_only_read_create_nothing(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for folder, words in (("data", "there is no data folder data"), ("empty", "empty holds no data")):
        done = cli(*arguments, "--data-dir", folder)
        assert (done.code, done.out) == (2, "")
        assert re.fullmatch(rf"error: {words}: .*--data-dir.*\n", done.err)
    assert cli(*arguments).err.startswith("error: there is no data folder secondlook-data")
    assert [path.name for path in tmp_path.rglob("*")] == ["empty"]


def test_tokens(cli: Cli, tmp_path: Path) -> None:
    secret = cli("token", "create", "--name", "quiet [/b]", "--quiet", "--data-dir", tmp_path)
    assert re.fullmatch(r"sl_[\w-]{43}\n", secret.out)
    loud = cli("token", "create", "--name", "laptop [x]", "--data-dir", tmp_path)
    assert re.fullmatch(r"Token laptop \[x\] \(shown this once\): sl_[\w-]{43}\n", loud.out)
    listed = cli("token", "list", "--data-dir", tmp_path).out
    assert "quiet [/b]" in listed and "laptop [x]" in listed and listed.count("valid") == 2
    assert listed.count("never") == 2
    [token_id] = re.findall(r"│ ([0-9a-f]{16}) │ laptop", listed)
    assert cli("token", "revoke", token_id, "--data-dir", tmp_path).out == f"token {token_id} is revoked\n"
    assert cli("token", "list", "--data-dir", tmp_path).out.count("revoked") == 1


def test_models(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SECONDLOOK_CACHE_DIR", str(tmp_path / "cache"))
    before = cli("models").out
    assert before.startswith(
        "Embedding\n  secondlook/all-minilm-l6-v2  built in\n    Apache-2.0, en, 23 M parameters, "
    )
    assert (
        "  BAAI/bge-reranker-base  not downloaded\n    MIT, en zh, 278 M parameters, 512 tokens, logit scores\n"
        in before
    )
    assert "pull BAAI/bge-reranker-large --revision COMMIT` (no revision is pinned)" in before
    assert "deberta-v2 is not supported natively. Add an ONNX export" in before
    assert before.endswith("\nDownload one: secondlook models pull NAME\n")
    tiny = make_model(tmp_path / "tiny").folder
    added = cli("models", "add", "mine[1]", tiny)
    assert added.code == 0 and added.out.startswith("mine[1] is in ")
    assert "  mine[1]  downloaded\n    yours, logit scores\n" in cli("models").out
    rows = {one["name"]: one["status"] for one in json.loads(cli("models", "--json").out)}
    assert (rows["mine[1]"], rows["BAAI/bge-reranker-base"]) == ("cached", "absent")
    assert not (tmp_path / "secondlook-data").exists()
    assert cli("models", "--data-dir", tmp_path / "none").err.startswith("error: there is no data folder")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("width", [60, 80])
def test_models_can_be_read_in_a_narrow_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setattr(console.out, "width", width)
    lines = cli("models").out.splitlines()
    assert [one for one in lines if len(one) > width or "…" in one] == []
    assert "  cross-encoder/mmarco-mMiniLMv2-L12-H384-v1  not downloaded" in lines


def test_a_folder_is_indexed_and_searched(cli: Cli, filled: Path) -> None:
    done = cli("search", "docs", "the fog horn", "--json", "--data-dir", filled)
    found = json.loads(done.out)
    assert done.err == ""
    assert found["query"] == "the fog horn"
    assert found["results"][0]["item"] == "signals/fog.md"
    assert [row["rank"] for row in found["results"]] == list(range(1, len(found["results"]) + 1))
    assert found["results"][0]["evidence"]["retrieval_rank"] == 1
    assert found["reranking"]["status"] == "skipped"
    assert [step["stage"] for step in found["trace"]] == ["retrieve", "fuse", "discount", "filter"]


def test_a_search_is_shown_as_it_stands_in_the_file(cli: Cli, filled: Path) -> None:
    done = cli("search", "docs", "fog horn [/b]", "--rerank", "--explain", "--top-k", 1, "--data-dir", filled)
    assert done.code == 0, done.err
    assert "signals/fog.md" in done.out
    assert "winter/oil.md" not in done.out
    assert "ninety seconds; see [the" in done.out
    assert "reranking ran" in done.out
    assert re.search(r"rerank +[\d.]+ ms +\d+ candidates", done.out)


def test_a_question_is_answered_with_citations(cli: Cli, filled: Path) -> None:
    done = cli("ask", "docs", "what to do when the lamp oil freezes?", "--data-dir", filled)
    assert done.code == 0, done.err
    assert "Warm the lamp oil reservoir" in done.out
    assert ":fire:" in done.out, "what stands in a document is not turned into a picture"
    assert "From winter/oil.md:" in done.out
    sources = done.out.partition("\nSources:\n")[2].splitlines()
    assert sources[0] == "  [winter/oil.md]  result 1"
    assert sources[-2] == "reranking skipped: reranking is off"
    assert re.fullmatch(r"secondlook/extractive, from \d+ chunks?", sources[-1])


def test_an_answer_says_what_each_threshold_dropped(cli: Cli, filled: Path) -> None:
    done = cli("ask", "docs", "xylophone concertos of the baroque", "--data-dir", filled)
    searched = cli("search", "docs", "xylophone concertos of the baroque", "--data-dir", filled)
    [dropped] = re.findall(r"^\d+ below the match threshold \(0\.4\)$", searched.out, re.MULTILINE)
    assert done.code == 0, done.err
    assert dropped in done.out.splitlines()
    assert "Sources:" not in done.out


def test_a_download_shows_its_progress(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = find_pinned("BAAI/bge-reranker-base")
    with serve_files({f"/{model.repo}/resolve/{model.revision}/{next(iter(model.files))}": b"{}"}) as hub:
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("SECONDLOOK_CACHE_DIR", str(tmp_path))
        done = cli("models", "pull", model.name)
    assert hub.asked
    assert (done.code, done.out) == (2, "")
    assert f"Downloading {next(iter(model.files))}" in done.err
    assert done.err.rstrip().splitlines()[-1].startswith("error: ")


@pytest.mark.parametrize("command", ["search", "ask"])
def test_an_instance_that_is_not_there(cli: Cli, filled: Path, command: str) -> None:
    done = cli(command, "nope[/]", "fog", "--data-dir", filled)
    assert done.code == 2
    assert "error: no instance 'nope[/]' in account 'default'" in done.err
    assert done.err.rstrip().splitlines()[-1].startswith("error: ")


def test_files_that_cannot_be_indexed_stop_no_others(cli: Cli, filled: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    (mixed / "b-large.md").write_bytes(b"x" * ((10 << 20) + 1))
    (mixed / ("c" * 126 + ".md")).write_text("too long a name", encoding="utf-8")
    (mixed / "z.md").write_text("The ship's bell rings.", encoding="utf-8")
    single = tmp_path / "logo.ico"
    single.write_bytes(b"\x89PNG")
    empty = tmp_path / "a-empty[1].md"
    empty.touch()
    done = cli("index", "more", mixed, single, empty, "--data-dir", filled)
    assert (done.code, done.out) == (0, "1 of 5 files indexed into more\n")
    assert "a-empty[1].md: file_content_empty" in done.err, "a file that is named itself is not skipped"
    assert "b-large.md: over_size: b-large.md has 10,485,761 bytes" in done.err
    assert "the file name has 129 characters" in done.err
    assert "logo.ico: unsupported_type: logo.ico: files of type .ico are not indexed" in done.err


def test_when_no_file_can_be_indexed_that_is_an_error(cli: Cli, filled: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.md").touch()
    (tmp_path / "binary.md").write_bytes(bytes(range(256)))
    done = cli("index", "none", tmp_path / "empty.md", tmp_path / "binary.md", "--data-dir", filled)
    assert (done.code, done.out) == (2, "")
    assert "empty.md: file_content_empty" in done.err and "binary.md: file_is_corrupt" in done.err
    assert done.err.endswith("error: none of the 2 files could be indexed into none. See the lines above.\n")
    done = cli("index", "none", tmp_path / "empty.md", "--data-dir", filled)
    assert done.err.endswith("error: the file could not be indexed into none. See the line above.\n")


def test_what_has_not_changed_is_not_indexed_again(cli: Cli, tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    for name in ("a.md", "b.md", "sub/c.md"):
        (pages / name).parent.mkdir(parents=True, exist_ok=True)
        (pages / name).write_text(f"The bell of {name} rings.", encoding="utf-8")
    (pages / "bad.md").write_bytes(bytes(range(256)))

    def index() -> str:
        return cli("index", "docs", pages, "--data-dir", tmp_path / "data").out

    assert index() == "3 of 4 files indexed into docs\n"
    before = item_rows(tmp_path / "data")
    assert index() == "0 of 4 files indexed into docs, 3 unchanged\n", "what failed is tried again, and fails again"
    after = item_rows(tmp_path / "data")
    assert {key: version for key, version in before.items() if key != "bad.md"} == {
        key: version for key, version in after.items() if key != "bad.md"
    }
    assert after["bad.md"] == before["bad.md"] + 1
    (pages / "bad.md").write_text("Mended.", encoding="utf-8")
    (pages / "b.md").write_text("The bell of b is silent.", encoding="utf-8")
    assert index() == "2 of 4 files indexed into docs, 2 unchanged\n"
    (pages / "a.md").write_text("", encoding="utf-8")
    emptied = cli("index", "docs", pages, "--data-dir", tmp_path / "data")
    assert emptied.out == "0 of 4 files indexed into docs, 3 unchanged\n"
    assert "a.md: file_content_empty" in emptied.err, "what was indexed before is not skipped"


def item_rows(data: Path) -> dict[str, int]:
    """The version of each item, by key."""
    with closing(sqlite3.connect(data / "catalog.sqlite")) as connection:
        return dict(connection.execute("SELECT key, version FROM items").fetchall())


def test_what_is_skipped_is_said_by_kind(cli: Cli, tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    for name, text in {
        "a.md": "Oil.", "one.bin": "x", "two.bin": "x", "core": "x", ".env": "KEY=1", ".git/config.md": "x",
        "sub/.hidden.md": "x", "empty.md": "",
    }.items():  # fmt: skip
        (pages / name).parent.mkdir(parents=True, exist_ok=True)
        (pages / name).write_text(text, encoding="utf-8")
    done = cli("index", "docs", pages, "--data-dir", tmp_path / "data")
    assert done == Done(
        0,
        "1 of 1 file indexed into docs\n"
        "7 skipped: 3 unsupported (2 .bin, core), 3 hidden (.env, .git/, sub/.hidden.md), 1 empty (empty.md)\n",
        done.err,
    )
    (pages / "a.md").unlink()
    done = cli("index", "docs", pages / "sub", "--data-dir", tmp_path / "data")
    assert done == Done(2, "", f"error: no supported files found in {pages}/sub (1 skipped: 1 hidden (.hidden.md))\n")


def test_an_instance_is_made_in_its_language(cli: Cli, filled: Path, tmp_path: Path) -> None:
    page = tmp_path / "haus.md"
    page.write_text("Die Häuser der Leuchtturmwärter", encoding="utf-8")
    for name, language in (("deutsch", ("--keyword-language", "german")), ("other", ())):
        done = cli("index", name, page, *language, "--data-dir", filled)
        assert done.out == f"1 of 1 file indexed into {name}\n", done.err

    def found(name: str) -> list[object]:
        shown = json.loads(cli("search", name, "Das Haus eines Leuchtturmwärtern", "--json", "--data-dir", filled).out)
        return ["keyword_score" in one["evidence"] for one in shown["results"]]

    assert found("deutsch") == [True]
    assert found("other") == [False]
    assert cli("index", "deutsch", page, "--data-dir", filled).code == 0, "left out, the instance's own stays"
    refused = cli("index", "other", page, "--keyword-language", "german", "--data-dir", filled)
    assert (refused.code, refused.out) == (2, "")
    assert "the instance 'other' was created with 'the default'" in refused.err and refused.err.count("\n") == 1


def write_beir(folder: Path) -> Path:
    """A judged set of four documents and two queries."""
    (folder / "qrels").mkdir(parents=True)
    documents = {
        "oil": PAGES["winter/oil.md"],
        "fog": PAGES["signals/fog.md"],
        "bell": "The bell rings.",
        "tea": "Tea.",
    }
    rows = [json.dumps({"_id": name, "title": "", "text": text}) for name, text in documents.items()]
    (folder / "corpus.jsonl").write_text("\n".join(rows), encoding="utf-8")
    queries = {"q1": "frozen lamp oil", "q2": "fog horn blasts"}
    rows = [json.dumps({"_id": name, "text": text}) for name, text in queries.items()]
    (folder / "queries.jsonl").write_text("\n".join(rows), encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\toil\t1\nq2\tfog\t1\n", encoding="utf-8")
    return folder


def test_an_evaluation_prints_a_table_and_writes_its_figures(cli: Cli, folder: Path, tmp_path: Path) -> None:
    written = tmp_path / "figures.json"
    done = cli("eval", write_beir(tmp_path / "harbour[1]"), "--json", written, "--data-dir", folder)
    assert done.code == 0, done.err
    assert "harbour[1]" in done.out
    [found] = json.loads(written.read_text(encoding="utf-8"))["datasets"]
    assert found["name"] == "harbour[1]"
    arms = {arm["arm"]: arm for arm in found["arms"]}
    assert list(arms) == ["as created", "keyword", "vector", "hybrid", "hybrid+rerank"]
    assert arms["keyword"]["ndcg@10"] == arms["hybrid+rerank"]["mrr@10"] == 1.0
    for name, arm in arms.items():
        assert re.search(rf"{re.escape(name)} +│ +{arm['ndcg@10']:.4f} │ +{arm['mrr@10']:.4f}", done.out)


def test_an_evaluation_reduces_words_as_in_its_language(cli: Cli, folder: Path, tmp_path: Path) -> None:
    beir = write_beir(tmp_path / "haus")
    (beir / "corpus.jsonl").write_text(json.dumps({"_id": "oil", "text": "Die Häuser"}), encoding="utf-8")
    (beir / "queries.jsonl").write_text(json.dumps({"_id": "q1", "text": "Haus"}), encoding="utf-8")
    (beir / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\toil\t1\n", encoding="utf-8")
    for language, row in ((("--keyword-language", "german"), "1.0000"), ((), "0.0000")):
        done = cli("eval", beir, *language, "--data-dir", folder)
        assert re.search(rf"keyword +│ +{row}", done.out), done.err


class Listening(io.StringIO):
    """A standard output that asks the server once it serves, then ends this process's server."""

    def __init__(self) -> None:
        super().__init__()
        self.health: list[int] = []
        self._asked = threading.Event()

    def write(self, text: str) -> int:
        found = re.search(r"Listening on (http://\S+)", text)
        if found and not self._asked.is_set():
            self._asked.set()
            threading.Thread(target=self._ask, args=(found.group(1),)).start()
        return super().write(text)

    def _ask(self, url: str) -> None:
        try:
            self.health.append(httpx.get(f"{url}/health", timeout=20).status_code)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)


def test_it_serves_until_it_is_stopped(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Listening()
    before = signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", heard)
            done = cli("serve", "--port", 0, "--data-dir", tmp_path)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert done.code == 0, done.err
    assert heard.health == [200]
    assert re.search(r"works once.*/dashboard/#sign-in=[\w-]{43}\n", heard.getvalue())
    assert re.search(r"API token \(shown this once\): sl_[\w-]{43}\n", heard.getvalue())
    assert cli("token", "list", "--data-dir", tmp_path).out.count("first") == 1


def test_units_are_checked_and_timed(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, few in (("LENGTHS", (2, 20)), ("QUERY_ROUNDS", 2), ("OPERATIONS", 1e8)):
        monkeypatch.setattr(native_check, name, few)
    done = cli("models", "check")
    assert done.code == 0, done.out + done.err
    for unit in list_units():
        arithmetic = arithmetic_of(unit)
        assert re.search(rf"{unit} +│ {arithmetic} +│ 0\.99\d+ \(0\.9\d+\) │ [01]\.\d+ +│ +\d* +│ agrees", done.out)
    if best_unit():
        assert re.search(rf"{best_unit()} serves; a query takes, by its tokens, [\d.]+ ms for 10, ", done.out)
    monkeypatch.setitem(native_check.LEAST_MEAN, "vnni-int8", 1.01)
    failed = cli("models", "check")
    assert failed.code == (1 if list_units() else 0)
    assert "portable_int8 │ vnni-int8" in failed.out and "DIFFERS" in failed.out


def test_a_machine_without_the_native_encoder_says_what_serves(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native_session, "LIBRARY", Path("/nowhere.so"))
    load_library.cache_clear()
    try:
        done = cli("models", "check")
    finally:
        load_library.cache_clear()
    assert (done.code, done.out) == (
        0,
        "The native encoder is not built for this machine. ONNX Runtime serves instead.\n",
    )


@pytest.mark.process
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_letters_that_the_terminal_lacks(tmp_path: Path, cache_dir: Path, encoding: str) -> None:
    """Questions marks in tables, escapes in JSON, and never a traceback."""
    page = tmp_path / "öl.md"
    page.write_text("# Öl – 油\n\nDas Öl “zuerst” wärmen ▲ 油.", encoding="utf-8")
    settings = {"PYTHONIOENCODING": encoding, "SECONDLOOK_CACHE_DIR": str(cache_dir), "HF_HUB_OFFLINE": "1"}

    def command(*words: str) -> str:
        place = ["--data-dir", str(tmp_path / "data")]
        done = subprocess.run(
            [sys.executable, "-m", "secondlook", *words, *place],
            env={**os.environ, **settings},
            capture_output=True,
            check=False,
        )
        assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr.decode(errors="replace")
        return done.stdout.decode(encoding)

    command("index", "docs", str(page))
    assert "zuerst" in command("search", "docs", "Öl 油")
    [found] = json.loads(command("search", "docs", "Öl 油", "--json"))["results"]
    assert found["item"] == "öl.md" and "wärmen ▲ 油" in found["text"]
    assert "l.md" in command("items", "list", "docs")
