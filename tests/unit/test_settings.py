"""Arguments win over the environment, which wins over defaults, and a bad value is told."""

import os
from pathlib import Path

import pytest

from secondlook.errors import SetupError
from secondlook.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("SECONDLOOK_") or name in ("HF_HUB_OFFLINE", "HF_ENDPOINT"):
            monkeypatch.delenv(name)


def test_nothing_said_gives_the_defaults() -> None:
    assert load_settings() == Settings()
    assert Settings().models_dir == Path("secondlook-data/cache")


def test_every_variable_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DATA_DIR": "/data",
        "CACHE_DIR": " /cache ",
        "HOST": "0.0.0.0",
        "PORT": "0",
        "RERANK_CANDIDATES": "0",
        "RERANK_BUDGET_MS": "250",
        "MISSING_MODEL": "fall_back",
        "PAIR_CACHE": "7",
        "LONG_PASSAGES": "truncate",
        "LANGUAGE_GUARD": "route",
        "MULTILINGUAL_RERANKER": "mine",
        "THREADS": "3",
        "LLM_URL": "http://localhost:1/v1",
        "LLM_MODEL": "m",
        "LLM_KEY": "k",
        "LLM_TIMEOUT": "5",
        "OFFLINE": "Yes",
        "PARSE_MEMORY_MB": "300",
        "PARSE_SECONDS": "5",
        "OCR_LANGUAGES": "eng+chi_sim",
        "HEADING_CONTEXT": "on",
    }.items():
        monkeypatch.setenv(f"SECONDLOOK_{name}", value)
    monkeypatch.setenv("HF_ENDPOINT", "http://hub")
    found = load_settings()
    assert found == Settings(
        data_dir=Path("/data"),
        cache_dir=Path("/cache"),
        host="0.0.0.0",
        port=0,
        rerank_candidates=0,
        rerank_budget_ms=250,
        missing_model="fall_back",
        pair_cache=7,
        long_passages="truncate",
        language_guard="route",
        multilingual_reranker="mine",
        threads=3,
        llm_url="http://localhost:1/v1",
        llm_model="m",
        llm_key="k",
        llm_timeout=5.0,
        hf_endpoint="http://hub",
        offline=True,
        parse_memory_mb=300,
        parse_seconds=5,
        ocr_languages="eng+chi_sim",
        heading_context=True,
    )
    assert found.models_dir == Path("/cache")


def test_arguments_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECONDLOOK_DATA_DIR", "/env")
    monkeypatch.setenv("SECONDLOOK_PORT", "1")
    monkeypatch.setenv("SECONDLOOK_HOST", "h")
    found = load_settings(data_dir=Path("/given"), host="g", port=0)
    assert (found.data_dir, found.host, found.port) == (Path("/given"), "g", 0)


@pytest.mark.parametrize("name", ["SECONDLOOK_OFFLINE", "HF_HUB_OFFLINE"])
@pytest.mark.parametrize(("value", "on"), [("1", True), ("TRUE", True), ("on", True), ("0", False), ("", False)])
def test_switches(monkeypatch: pytest.MonkeyPatch, name: str, value: str, on: bool) -> None:
    monkeypatch.setenv(name, value)
    assert load_settings().offline is on


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PORT", "65536", "SECONDLOOK_PORT is '65536': give a whole number from 0 to 65535"),
        ("PORT", "-1", "'-1'"),
        ("PORT", "http", "'http'"),
        ("PORT", "9" * 5000, "whole number"),
        ("RERANK_CANDIDATES", "1001", "from 0 to 1000"),
        ("RERANK_BUDGET_MS", "0.5", "from 0 to 600000"),
        ("THREADS", "many", "from 0 to 1024"),
        ("LLM_TIMEOUT", "0", "from 1 to 3600"),
        ("MISSING_MODEL", "ignore", "choose substitute, fall_back or error"),
        ("PAIR_CACHE", "-1", "from 0 to 100000000"),
        ("LONG_PASSAGES", "max", "choose window, mean or truncate"),
        ("PARSE_MEMORY_MB", "255", "from 256 to 1000000"),
        ("OCR_LANGUAGES", "-v", "such as eng.deu"),
        ("OCR_LANGUAGES", "eng+", "as Tesseract names them"),
        ("LANGUAGE_GUARD", "on", "choose off, skip or route"),
        ("LANGUAGE_GUARD", "route", "SECONDLOOK_MULTILINGUAL_RERANKER"),
    ],
)
def test_a_bad_value_is_told_with_its_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str) -> None:
    monkeypatch.setenv(f"SECONDLOOK_{name}", value)
    with pytest.raises(SetupError, match=words):
        load_settings()


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_argument_has_the_same_limits(port: int) -> None:
    with pytest.raises(SetupError, match=f"port {port}: give a whole number from 0 to 65535"):
        load_settings(port=port)


def test_what_sources_may_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "FOLDER_ROOTS": "/srv/docs, /mnt/wiki,",
        "FOLDER_WATCH": "10",
        "S3_ENDPOINT": "http://minio:9000",
        "S3_REGION": "eu-west-1",
        "S3_ACCESS_KEY": "id",
        "S3_SECRET_KEY": "hidden",
        "S3_BUCKETS": "a, b",
        "FETCH_ALLOW": "wiki.corp.example,10.1.0.0/16",
        "CUSTOM_DOMAINS": "Search.Example.com, *.example.org",
    }.items():
        monkeypatch.setenv(f"SECONDLOOK_{name}", value)
    found = load_settings()
    assert found == Settings(
        folder_roots=(Path("/srv/docs"), Path("/mnt/wiki")),
        folder_watch=10,
        s3_endpoint="http://minio:9000",
        s3_region="eu-west-1",
        s3_access_key="id",
        s3_secret_key="hidden",
        s3_buckets=("a", "b"),
        fetch_allow=("wiki.corp.example", "10.1.0.0/16"),
        custom_domains=("search.example.com", "*.example.org"),
    )
    for wrong in ("*", "*.com", "localhost", "https://a.example", "a.*.example"):
        with monkeypatch.context() as changed, pytest.raises(SetupError, match="is no host name"):
            changed.setenv("SECONDLOOK_CUSTOM_DOMAINS", wrong)
            load_settings()
    assert "hidden" not in repr(found)
    monkeypatch.setenv("SECONDLOOK_FOLDER_ROOTS", "docs")
    with pytest.raises(SetupError, match=r"SECONDLOOK_FOLDER_ROOTS: 'docs' is no absolute path"):
        load_settings()


def test_aliases_of_rerankers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "SECONDLOOK_RERANKER_ALIASES", " rerank-v3.5 = BAAI/bge-reranker-v2-m3 ,reranker=mine?precision=fp32,"
    )
    assert load_settings().reranker_aliases == (
        ("rerank-v3.5", "BAAI/bge-reranker-v2-m3"),
        ("reranker", "mine?precision=fp32"),
    )


@pytest.mark.parametrize("text", ["rerank-v3.5", "=mine", "a=", "a=b,a=c", "a = "])
def test_aliases_that_are_none(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SECONDLOOK_RERANKER_ALIASES", text)
    with pytest.raises(SetupError, match=r"SECONDLOOK_RERANKER_ALIASES: .*give NAME=MODEL"):
        load_settings()
