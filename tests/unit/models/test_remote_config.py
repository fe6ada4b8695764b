"""The file of remote rerankers is read strictly: file, entry and value are named."""

import asyncio
import re
from pathlib import Path

import pytest

from secondlook.models.listwise import ListwiseReranker
from secondlook.models.remote_config import RemoteFile, kind_of, open_remote, read_remote_file
from secondlook.models.remote_reranker import RemoteReranker

WHOLE = """
[[reranker]]
name = "fast"
provider = "tei"
url = "http://127.0.0.1:8080"

[[reranker]]
name = "team/judge"
provider = "listwise"
url = "https://models.example/v1"
model = "m"
key_env = "JUDGE_KEY"
timeout_ms = 1500

[[reranker]]
name = "hosted"
provider = "cohere"
url = "https://models.example/v2"
model = "rerank"
score_kind = "unknown"
batch = 10
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "rerankers.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_whole_file(tmp_path: Path) -> None:
    found = read_remote_file(write(tmp_path, WHOLE), {"JUDGE_KEY": " secret "})
    assert (found.unavailable, found.unreadable, found.problems) == ({}, "", ())
    fast, judge, hosted = found.endpoints
    assert (fast.name, fast.provider, fast.model, fast.key, fast.timeout) == ("fast", "tei", "", "", 10)
    assert (judge.key, judge.timeout, judge.headers) == ("secret", 1.5, {"authorization": "Bearer secret"})
    assert (hosted.score_kind, hosted.batch) == ("unknown", 10)
    assert [kind_of(one) for one in (fast, judge, hosted)] == ["logit", "rank", "unknown"]
    opened = [open_remote(one) for one in (fast, judge, hosted)]
    assert [type(one) for one in opened] == [RemoteReranker, ListwiseReranker, RemoteReranker]
    for one in opened:
        asyncio.run(one.close())


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert read_remote_file(tmp_path / "no.toml", {}, wanted=False) == RemoteFile()
    found = read_remote_file(tmp_path / "no.toml", {})
    assert "no.toml cannot be read (No such file or directory): set SECONDLOOK_RERANKERS" in found.unreadable
    assert found.problems == (found.unreadable,)
    assert read_remote_file(write(tmp_path, ""), {}) == RemoteFile()


def test_an_entry_without_its_key_leaves_the_others_alone(tmp_path: Path) -> None:
    found = read_remote_file(write(tmp_path, WHOLE), {})
    assert [one.name for one in found.endpoints] == ["fast", "hosted"]
    assert set(found.unavailable) == {"team/judge", "listwise:m"}
    [problem] = found.problems
    assert problem.endswith("reranker 2 (team/judge): the environment variable JUDGE_KEY (key_env) is empty or not set")
    assert set(found.unavailable.values()) == {problem}


ENTRY = '[[reranker]]\nname = "a"\nprovider = "cohere"\nurl = "http://h/v2"\nmodel = "m"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[reranker", r"rerankers\.toml is not valid TOML"),
        ("other = 1", "other: the file may hold tables"),
        ("reranker = 1", "reranker: the file may hold tables"),
        ("reranker = [1]", "reranker 1: provider is missing"),
        (
            ENTRY.replace("cohere", "oracle"),
            r"rerankers\.toml: reranker 1 \(a\): provider is 'oracle': choose from cohere",
        ),
        (ENTRY.replace('"a"', '"a b"'), r"\(a b\): name is 'a b'"),
        (ENTRY.replace('name = "a"\n', ""), "name is missing"),
        (ENTRY.replace("http://", "ftp://"), "url is 'ftp://h/v2'"),
        (ENTRY.replace("http://h/v2", "http://[x"), "url is"),
        (ENTRY.replace('model = "m"\n', ""), "model is missing: cohere needs a model"),
        (ENTRY + "model_ = 1", "model_ is 1: choose from name"),
        (ENTRY + 'key_env = "NO_SUCH_KEY"', r"the environment variable NO_SUCH_KEY \(key_env\) is empty"),
        (ENTRY + "key_env = 3", "key_env is 3"),
        (ENTRY + "timeout_ms = 0", "timeout_ms is 0: give a whole number from 1 to 600000"),
        (ENTRY + "timeout_ms = true", "timeout_ms is True"),
        (ENTRY + "batch = 1.5", r"batch is 1\.5"),
        (ENTRY + 'score_kind = "rank"', "score_kind is 'rank': choose from logit"),
        (ENTRY + 'score_kind = ["logit"]', "score_kind is"),
        (ENTRY.replace("cohere", "listwise") + 'score_kind = "logit"', "score_kind is 'logit': choose from rank"),
        (ENTRY + ENTRY, r"reranker 2 \(a\): name 'a' is used by an entry before it"),
        (ENTRY + ENTRY.replace('"a"', '"b"') + "batch = 0", r"reranker 2 \(b\): batch is 0"),
    ],
)
def test_what_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    found = read_remote_file(write(tmp_path, text), {})
    [problem] = found.problems
    assert re.search(message, problem), problem
    good = [one.name for one in found.endpoints]
    assert good == (["a"] if text.startswith(ENTRY + ENTRY[:5]) else []), "what is right before it stays"
    assert not set(good) & set(found.unavailable)
    assert bool(found.unreadable) == ("reranker 1" not in problem and "reranker 2" not in problem)
