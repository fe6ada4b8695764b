"""The file of remote rerankers: each entry is read strictly, and one that cannot be used says why."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast, get_args
from urllib.parse import urlsplit

from secondlook.errors import SetupError
from secondlook.models.listwise import ListwiseReranker
from secondlook.models.remote_reranker import DIALECTS, Endpoint, RemoteReranker
from secondlook.ports import ScoreKind

LISTWISE = "listwise"
PROVIDERS = (*DIALECTS, LISTWISE)
FIELDS = ("name", "provider", "url", "model", "key_env", "timeout_ms", "score_kind", "batch")
NEEDS_MODEL = frozenset(PROVIDERS) - {"tei"}
NAME = re.compile(r"[\w.-]+(?:/[\w.-]+)*", re.ASCII)
MOST_MS = 600_000
USUAL_MS, LISTWISE_MS = 10_000, 60_000

Remote = RemoteReranker | ListwiseReranker


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """What a file of remote rerankers configures.

    Attributes:
        endpoints: those that can be asked, in the order of the file.
        unavailable: those that cannot, each with the reason under every name that it may be called by.
        unreadable: why nothing of the file can be used; empty if it is whole or is not there.
        problems: everything that somebody should fix, a sentence each.
    """

    endpoints: tuple[Endpoint, ...] = ()
    unavailable: Mapping[str, str] = field(default_factory=dict, hash=False)
    unreadable: str = ""
    problems: tuple[str, ...] = ()


def read_remote_file(
    path: Path, environ: Mapping[str, str], *, wanted: bool = True, is_taken: Callable[[str], bool] = lambda _: False
) -> RemoteFile:
    """The rerankers of the file. An entry that cannot be used makes itself unavailable, and no other.

    Args:
        wanted: whether a file that is not there is a problem.
        is_taken: whether another model has the name, which then keeps it.
    """
    if not wanted and not path.exists():
        return RemoteFile()
    try:
        entries = _read_entries(path)
    except SetupError as error:
        return RemoteFile(unreadable=str(error), problems=(str(error),))
    endpoints: dict[str, Endpoint] = {}
    unavailable: dict[str, str] = {}
    problems: list[str] = []
    for number, raw in enumerate(entries, 1):
        entry = _Entry(path, number, raw)
        try:
            endpoint = entry.read(environ)
            if is_taken(endpoint.name):
                raise entry.problem("name", "is the name of a known model: choose another")
            if endpoint.name in endpoints or endpoint.name in unavailable:
                raise entry.problem("name", "is used by an entry before it: give each reranker its own")
            endpoints[endpoint.name] = endpoint
        except SetupError as error:
            problems.append(str(error))
            free = [one for one in entry.names() if one not in endpoints and not is_taken(one)]
            unavailable |= {one: str(error) for one in free if one not in unavailable}
    return RemoteFile(tuple(endpoints.values()), unavailable, problems=tuple(problems))


def _read_entries(path: Path) -> Sequence[object]:
    """The tables of the file; raises ``SetupError`` when it cannot be read."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SetupError(f"{path} cannot be read ({error.strerror}): set SECONDLOOK_RERANKERS to the file") from error
    except ValueError as error:
        raise SetupError(f"{path} is not valid TOML: {error}") from error
    entries = found.pop("reranker", [])
    if found or not isinstance(entries, list):
        stray = ", ".join(found) or "reranker"
        raise SetupError(f"{path}: {stray}: the file may hold tables [[reranker]] and nothing else")
    return entries


def open_remote(endpoint: Endpoint) -> Remote:
    """The reranker; nothing is asked of its server yet."""
    return ListwiseReranker(endpoint) if endpoint.provider == LISTWISE else RemoteReranker(endpoint)


def kind_of(endpoint: Endpoint) -> ScoreKind:
    """What the numbers of that reranker mean."""
    if endpoint.provider == LISTWISE:
        return ListwiseReranker.score_kind
    return endpoint.score_kind or DIALECTS[endpoint.provider].score_kind


class _Entry:
    """One table of the file."""

    def __init__(self, path: Path, number: int, entry: object) -> None:
        self._where = f"{path}: reranker {number}"
        self._entry: dict[str, Any] = entry if isinstance(entry, dict) else {}
        if name := self._entry.get("name"):
            self._where += f" ({name})"

    def names(self) -> Sequence[str]:
        """What it may be called by, as far as the entry says so: its name, and provider and model."""
        name, provider, model = (self._entry.get(one) for one in ("name", "provider", "model"))
        both = f"{provider}:{model}" if isinstance(provider, str) and isinstance(model, str) and model else ""
        return [one for one in (name, both) if isinstance(one, str) and one]

    def problem(self, field: str, rule: str) -> SetupError:
        """What is wrong with the value of the field."""
        return SetupError(f"{self._where}: {field} {self._entry.get(field)!r} {rule}")

    def read(self, environ: Mapping[str, str]) -> Endpoint:
        """The endpoint; raises ``SetupError``."""
        for key in self._entry:
            if key not in FIELDS:
                raise self._wrong(key, f"choose from {', '.join(FIELDS)}")
        provider = self._text("provider", lambda text: text in PROVIDERS, f"choose from {', '.join(PROVIDERS)}")
        usual = LISTWISE_MS if provider == LISTWISE else USUAL_MS
        return Endpoint(
            name=self._text("name", lambda text: bool(NAME.fullmatch(text)), "give letters, digits, . _ - and /"),
            provider=provider,
            url=self._text("url", _is_address, "give a URL that begins with http:// or https://"),
            model=self._text("model", bool, f"{provider} needs a model", needed=provider in NEEDS_MODEL),
            key=self._key(environ),
            timeout=self._number("timeout_ms", usual, MOST_MS) / 1000,
            score_kind=self._kind(provider),
            batch=self._number("batch", 0, 1000),
        )

    def _text(self, field: str, fits: Callable[[str], bool], rule: str, *, needed: bool = True) -> str:
        value = self._entry.get(field)
        if value is None and not needed:
            return ""
        if not isinstance(value, str) or not fits(value):
            raise self._wrong(field, rule)
        return value

    def _number(self, field: str, default: int, most: int) -> int:
        value = self._entry.get(field, default)
        if field in self._entry and (type(value) is not int or not 1 <= value <= most):
            raise self._wrong(field, f"give a whole number from 1 to {most}")
        return cast(int, value)

    def _kind(self, provider: str) -> ScoreKind | None:
        value = self._entry.get("score_kind")
        if value is None:
            return None
        kinds = ("rank",) if provider == LISTWISE else tuple(one for one in get_args(ScoreKind) if one != "rank")
        if value not in kinds:
            raise self._wrong("score_kind", f"choose from {', '.join(kinds)}")
        return cast(ScoreKind, value)

    def _key(self, environ: Mapping[str, str]) -> str:
        name = self._text("key_env", bool, "give the name of an environment variable", needed=False)
        if name and not environ.get(name, "").strip():
            raise SetupError(f"{self._where}: the environment variable {name} (key_env) is empty or not set")
        return environ.get(name, "").strip() if name else ""

    def _wrong(self, field: str, rule: str) -> SetupError:
        said = f"is {self._entry[field]!r}" if field in self._entry else "is missing"
        return SetupError(f"{self._where}: {field} {said}: {rule}")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and parts.port != 0
    except ValueError:
        return False
