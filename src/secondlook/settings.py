"""Environment and arguments become one frozen object."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast, get_args

from secondlook.domain.options import (
    DEFAULT_NUM_CANDIDATES,
    ECHO_DISCOUNT,
    Compatibility,
    LanguageGuard,
    LongPassages,
    MissingModel,
)
from secondlook.domain.overrides import ALL, Override
from secondlook.domain.query import DEFAULT_QUERY_CHARACTERS, DEFAULT_QUERY_TERMS
from secondlook.errors import SetupError

HOST_NAME = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
PREFIX = "SECONDLOOK_"
LAST_PORT = 65535
MOST_DIGITS = 9
LANGUAGES = re.compile(r"[A-Za-z_/]{2,40}(\+[A-Za-z_/]{2,40})*")
"""They become an argument of a program."""
LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting; docs/reference/settings.md explains each.

    Attributes:
        data_dir: catalogue, indexes, stored files and models lie here.
        cache_dir: downloaded models; ``data_dir / cache`` when not set.
        rerank_candidates: candidates the reranker reads; 0 for strict mode (the result limit).
        rerank_budget_ms: longest a rerank may take; 0 for no limit.
        pair_cache: scores of pairs that are kept in memory; 0 for none.
        long_passages: how a cross-encoder reads a passage that is longer than it reads at once.
        language_guard: what to do with a query in a language that the reranker does not cover.
        reranker_aliases: further names of rerankers, each with the name that it stands for.
        multilingual_reranker: the reranker that takes such queries under ``route``.
        missing_model: what to do when a known reranker's weights cannot be had.
        offline: never fetch a model.
        max_instances: instances that an account may have.
        max_namespaces: namespaces that an account may have, besides ``default``.
        max_metadata_fields: fields of metadata that an instance may have.
        monthly_queries: searches and chats that an account may make in a month; 0 for no limit.
        max_searches: searches that are run at once; more get 429.
        max_writes: changes that are made at once; more get 429.
        max_transfers: uploads and downloads that are served at once; more get 429.
        header_seconds: longest until the headers of a request are whole.
        idle_seconds: longest without a byte of a body, or with an answer that is not read.
        body_seconds: longest until a body is whole.
        sync_cooldown: seconds between two syncs that users ask for.
        answer_cache_mb: room on disk for kept answers, in MiB; 0 keeps none.
        compatibility: ``strict`` follows the contract also where it serves nobody.
        log_level: what is logged, from this level on.
        snippet_dir: an unpacked package of the search box for web pages.
        parse_memory_mb: memory that a document may take while it is read, in MiB.
        parse_seconds: longest that reading a document may take.
        ocr_languages: of scanned pages and pictures, as Tesseract names them.
        echo_discount: percent of its score that a passage which only repeats the query loses, at most; 0 for none.
        query_log_lines: searches that the query log of an instance keeps; 0 forbids query logs.
        item_attempts: at indexing one version of an item, before it is given up.
        retry_wait_ms: before the second attempt; each further one waits twice as long.
        lease_seconds: without a heartbeat after which another worker takes the item.
        disk_reserve_mb: free space that uploads and indexing leave on the disk, in MiB.
        heading_context: whether the models read the headings above a passage with it.
        llm_max_tokens: how long an answer may be where the instance does not say; 0 for no such limit.
        public_overrides: what callers of public endpoints may choose where the endpoint does not say.
        npm_registry: where that package may be fetched from, once; nowhere when empty.
        folder_roots: folders below which users may have folders of this machine indexed; none when empty.
        lab_days: days after which instances that follow the Lab are measured again; 0 for no such time.
        folder_watch: seconds between two looks at whether folders have changed; 0 for syncs by schedule alone.
        s3_endpoint: the object store that buckets lie in; that of AWS when empty.
        s3_access_key: with ``s3_secret_key``, for buckets of instances without a service token.
        s3_buckets: those that these keys may be used for; any when empty.
        custom_domains: host names that public endpoints may have as their own, ``*.`` for all below one.
        fetch_allow: hosts and networks that websites may be read from although they are not public.
        rerankers: the file of remote rerankers; ``data_dir / rerankers.toml``, if it is there, when not set.
    """

    data_dir: Path = Path("secondlook-data")
    cache_dir: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8787
    rerank_candidates: int = DEFAULT_NUM_CANDIDATES
    rerank_budget_ms: int = 0
    missing_model: MissingModel = "substitute"
    pair_cache: int = 20_000
    long_passages: LongPassages = "window"
    language_guard: LanguageGuard = "off"
    multilingual_reranker: str = ""
    reranker_aliases: tuple[tuple[str, str], ...] = ()
    threads: int = 0
    queue_tokens: int = 131_072
    llm_url: str = ""
    llm_model: str = ""
    llm_key: str = ""
    llm_timeout: float = 60.0
    llm_max_tokens: int = 0
    hf_endpoint: str = "https://huggingface.co"
    offline: bool = False
    metrics_open: bool = False
    public_overrides: tuple[Override, ...] = ()
    answer_cache_mb: int = 256
    compatibility: Compatibility = "plain"
    log_level: str = "warning"
    rerankers: Path | None = None
    snippet_dir: Path | None = None
    npm_registry: str = ""
    max_instances: int = 5000
    max_namespaces: int = 100
    max_metadata_fields: int = 5
    monthly_queries: int = 0
    max_searches: int = 64
    max_writes: int = 64
    max_transfers: int = 64
    header_seconds: int = 10
    idle_seconds: int = 30
    body_seconds: int = 300
    sync_cooldown: int = 30
    folder_roots: tuple[Path, ...] = ()
    folder_watch: int = 0
    lab_days: int = 30
    s3_endpoint: str = ""
    s3_region: str = ""
    s3_access_key: str = ""
    s3_secret_key: str = field(default="", repr=False)
    s3_buckets: tuple[str, ...] = ()
    fetch_allow: tuple[str, ...] = ()
    custom_domains: tuple[str, ...] = ()
    parse_memory_mb: int = 1024
    parse_seconds: int = 60
    ocr_languages: str = "eng"
    heading_context: bool = False
    query_log_lines: int = 50_000
    query_characters: int = DEFAULT_QUERY_CHARACTERS
    query_terms: int = DEFAULT_QUERY_TERMS
    echo_discount: int = round(100 * ECHO_DISCOUNT)
    item_attempts: int = 5
    retry_wait_ms: int = 2000
    lease_seconds: int = 30
    disk_reserve_mb: int = 64

    @property
    def models_dir(self) -> Path:
        """Where models are cached."""
        return self.cache_dir or self.data_dir / "cache"


def load_settings(*, data_dir: Path | None = None, host: str | None = None, port: int | None = None) -> Settings:
    """Arguments win over ``SECONDLOOK_*`` variables, which win over defaults; raises ``SetupError``."""
    plain = Settings()
    missing = _choice("MISSING_MODEL", plain.missing_model, get_args(MissingModel))
    long_passages = _choice("LONG_PASSAGES", plain.long_passages, get_args(LongPassages))
    compatibility = _choice("COMPATIBILITY", plain.compatibility, get_args(Compatibility))
    guard = _choice("LANGUAGE_GUARD", plain.language_guard, get_args(LanguageGuard))
    multilingual = _text("MULTILINGUAL_RERANKER", "")
    if guard == "route" and not multilingual:
        raise SetupError(f"{PREFIX}LANGUAGE_GUARD is route: name the model in {PREFIX}MULTILINGUAL_RERANKER")
    if port is not None and not 0 <= port <= LAST_PORT:
        raise SetupError(f"port {port}: give a whole number from 0 to {LAST_PORT}")
    return Settings(
        data_dir=data_dir or Path(_text("DATA_DIR", str(plain.data_dir))),
        cache_dir=_path("CACHE_DIR"),
        host=host or _text("HOST", plain.host),
        port=port if port is not None else _number("PORT", plain.port, 0, LAST_PORT),
        rerank_candidates=_number("RERANK_CANDIDATES", plain.rerank_candidates, 0, 1000),
        rerank_budget_ms=_number("RERANK_BUDGET_MS", plain.rerank_budget_ms, 0, 600_000),
        missing_model=cast(MissingModel, missing),  # one of them, as _choice says
        pair_cache=_number("PAIR_CACHE", plain.pair_cache, 0, 100_000_000),
        long_passages=cast(LongPassages, long_passages),  # as above
        language_guard=cast(LanguageGuard, guard),  # as above
        multilingual_reranker=multilingual,
        reranker_aliases=_aliases(_text("RERANKER_ALIASES", "")),
        threads=_number("THREADS", plain.threads, 0, 1024),
        queue_tokens=_number("QUEUE_TOKENS", plain.queue_tokens, 1, 100_000_000),
        hf_endpoint=os.environ.get("HF_ENDPOINT") or plain.hf_endpoint,
        offline=_switch(f"{PREFIX}OFFLINE") or _switch("HF_HUB_OFFLINE"),
        metrics_open=_switch(f"{PREFIX}METRICS_OPEN"),
        public_overrides=_overrides(_text("PUBLIC_OVERRIDES", "")),
        answer_cache_mb=_number("ANSWER_CACHE_MB", plain.answer_cache_mb, 0, 1_000_000),
        log_level=_choice("LOG_LEVEL", plain.log_level, LOG_LEVELS),
        compatibility=cast(Compatibility, compatibility),  # as above
        rerankers=_path("RERANKERS"),
        snippet_dir=_path("SNIPPET_DIR"),
        npm_registry=_text("NPM_REGISTRY", ""),
        max_instances=_number("MAX_INSTANCES", plain.max_instances, 1, 1_000_000),
        max_namespaces=_number("MAX_NAMESPACES", plain.max_namespaces, 0, 1_000_000),
        max_metadata_fields=_number("MAX_METADATA_FIELDS", plain.max_metadata_fields, 0, 100),
        monthly_queries=_number("MONTHLY_QUERIES", plain.monthly_queries, 0, 100_000_000),
        sync_cooldown=_number("SYNC_COOLDOWN", plain.sync_cooldown, 0, 86_400),
        folder_roots=_roots(_text("FOLDER_ROOTS", "")),
        lab_days=_number("LAB_DAYS", plain.lab_days, 0, 3650),
        folder_watch=_number("FOLDER_WATCH", plain.folder_watch, 0, 86_400),
        **_bounds(plain),
        **_servers(plain),
        fetch_allow=_words(_text("FETCH_ALLOW", "")),
        custom_domains=_domains(_text("CUSTOM_DOMAINS", "")),
        parse_memory_mb=_number("PARSE_MEMORY_MB", plain.parse_memory_mb, 256, 1_000_000),
        parse_seconds=_number("PARSE_SECONDS", plain.parse_seconds, 1, 3600),
        ocr_languages=_languages("OCR_LANGUAGES", plain.ocr_languages),
        heading_context=_switch(f"{PREFIX}HEADING_CONTEXT"),
        echo_discount=_number("ECHO_DISCOUNT", plain.echo_discount, 0, 99),
        query_log_lines=_number("QUERY_LOG_LINES", plain.query_log_lines, 0, 10_000_000),
        item_attempts=_number("ITEM_ATTEMPTS", plain.item_attempts, 1, 100),
        retry_wait_ms=_number("RETRY_WAIT_MS", plain.retry_wait_ms, 0, 3_600_000),
        disk_reserve_mb=_number("DISK_RESERVE_MB", plain.disk_reserve_mb, 0, 100_000_000),
        lease_seconds=_number("LEASE_SECONDS", plain.lease_seconds, 1, 3600),
    )


def _bounds(plain: Settings) -> dict[str, Any]:
    """How long a query may be, how much the server does at once, and how long it waits for a client."""
    return {
        "query_characters": _number("QUERY_CHARACTERS", plain.query_characters, 1, 1_000_000),
        "query_terms": _number("QUERY_TERMS", plain.query_terms, 1, 100_000),
        "max_searches": _number("MAX_SEARCHES", plain.max_searches, 1, 100_000),
        "max_writes": _number("MAX_WRITES", plain.max_writes, 1, 100_000),
        "max_transfers": _number("MAX_TRANSFERS", plain.max_transfers, 1, 100_000),
        "header_seconds": _number("HEADER_SECONDS", plain.header_seconds, 1, 3600),
        "idle_seconds": _number("IDLE_SECONDS", plain.idle_seconds, 1, 3600),
        "body_seconds": _number("BODY_SECONDS", plain.body_seconds, 1, 86_400),
    }


def _servers(plain: Settings) -> dict[str, Any]:
    """How the language model and the S3 store are reached."""
    return {
        "llm_url": _text("LLM_URL", ""),
        "llm_model": _text("LLM_MODEL", ""),
        "llm_key": _text("LLM_KEY", ""),
        "llm_timeout": float(_number("LLM_TIMEOUT", int(plain.llm_timeout), 1, 3600)),
        "llm_max_tokens": _number("LLM_MAX_TOKENS", plain.llm_max_tokens, 0, 1_000_000),
        "s3_endpoint": _text("S3_ENDPOINT", ""),
        "s3_region": _text("S3_REGION", ""),
        "s3_access_key": _text("S3_ACCESS_KEY", ""),
        "s3_secret_key": _text("S3_SECRET_KEY", ""),
        "s3_buckets": _words(_text("S3_BUCKETS", "")),
    }


def _text(name: str, default: str) -> str:
    return os.environ.get(PREFIX + name, "").strip() or default


def _path(name: str) -> Path | None:
    text = _text(name, "")
    return Path(text) if text else None


def _words(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(",") if one.strip())


def _aliases(text: str) -> tuple[tuple[str, str], ...]:
    """What each word has before and after its first ``=``; raises ``SetupError``."""
    pairs: list[tuple[str, str]] = []
    for word in _words(text):
        left, _, right = (part.strip() for part in word.partition("="))
        if not left or not right or left in dict(pairs):
            raise SetupError(
                f"{PREFIX}RERANKER_ALIASES: {word!r}: give NAME=MODEL, separated by commas, each NAME once"
            )
        pairs.append((left, right))
    return tuple(pairs)


def _domains(text: str) -> tuple[str, ...]:
    words = tuple(word.lower().rstrip(".") for word in _words(text))
    for word in words:
        if not HOST_NAME.fullmatch(word):
            raise SetupError(
                f"{PREFIX}CUSTOM_DOMAINS: {word!r} is no host name: give one like search.example.com or *.example.com"
            )
    return words


def _overrides(text: str) -> tuple[Override, ...]:
    for word in _words(text):
        if word not in ALL:
            raise SetupError(f"{PREFIX}PUBLIC_OVERRIDES: {word!r} is not one of {', '.join(sorted(ALL))}")
    return tuple(cast(Override, word) for word in _words(text))  # one of them, as just checked


def _roots(text: str) -> tuple[Path, ...]:
    roots = tuple(Path(one) for one in _words(text))
    for one in roots:
        if not one.is_absolute():
            raise SetupError(f"{PREFIX}FOLDER_ROOTS: {str(one)!r} is no absolute path: begin it with a slash")
    return roots


def _languages(name: str, default: str) -> str:
    text = _text(name, default)
    if not LANGUAGES.fullmatch(text):
        raise SetupError(f"{PREFIX}{name} is {text!r}: give languages as Tesseract names them, such as eng+deu")
    return text


def _choice(name: str, default: str, allowed: Sequence[str]) -> str:
    text = _text(name, default)
    if text not in allowed:
        raise SetupError(f"{PREFIX}{name} is {text!r}: choose {', '.join(allowed[:-1])} or {allowed[-1]}")
    return text


def _number(name: str, default: int, least: int, most: int) -> int:
    text = _text(name, str(default))
    if not text.isdecimal() or len(text) > MOST_DIGITS or not least <= int(text) <= most:
        raise SetupError(f"{PREFIX}{name} is {text!r}: give a whole number from {least} to {most}")
    return int(text)


def _switch(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() in ("1", "true", "yes", "on")
