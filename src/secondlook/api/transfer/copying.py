"""Copying an instance: its settings, then every file that the other side does not have yet."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from secondlook.api.transfer.peer import NOT_HERE, Document, Peer, PeerError
from secondlook.domain.wording import plural
from secondlook.errors import SecondlookError

AT_ONCE = 4
"""Files under way; each is held in memory whole, and is 10 MiB at most."""
LOOK_AGAIN = 0.5
"""Seconds between two looks at how far the indexing is."""
STANDSTILL = 600.0
"""Seconds without any item that gets ready, after which nobody waits any longer."""
BUILT_IN = ("filename", "folder", "timestamp")
"""Metadata that a server makes up itself (contract, 18.3)."""

OFFICIAL = (
    "embedding_model",
    "ai_search_model",
    "rewrite_model",
    "rewrite_query",
    "reranking",
    "reranking_model",
    "index_method",
    "fusion_method",
    "indexing_options",
    "retrieval_options",
    "chunk",
    "chunk_size",
    "chunk_overlap",
    "max_num_results",
    "score_threshold",
    "cache",
    "cache_threshold",
    "cache_ttl",
    "custom_metadata",
    "sync_interval",
    "metadata",
)
"""What is taken over when an instance is made (contract, 12.1)."""
LATER = (
    "system_prompt_ai_search",
    "system_prompt_rewrite_query",
    "system_prompt_index_summarization",
    "summarization",
    "summarization_model",
    "paused",
)
"""What only a change of the made instance may bring."""
OURS = (
    "reranking_budget_ms",
    "reranking_on_failure",
    "reranking_weight",
    "reranking_stages",
    "fusion_weight",
)
"""Fields that Secondlook has beside the official ones."""
OF_OPTIONS = {
    "indexing_options": ("keyword_tokenizer", "use_ocr"),
    "retrieval_options": ("keyword_match_mode", "boost_by"),
}
"""The official keys of options that Secondlook has more of."""
MODELS = ("embedding_model", "ai_search_model", "rewrite_model", "reranking_model", "summarization_model")
KEPT = ("type", "source", "source_params", "token_id", "ai_gateway_id", "public_endpoint_params")
"""What is never taken over: it names accounts, secrets and places of its own side, or would publish."""

Progress = Callable[[str, int, int], None]
"""What is done, how much of it, of how many."""


@dataclass(slots=True)
class Outcome:
    """What became of a copy.

    Attributes:
        made: whether the instance was made; else it was there, and keeps its settings.
        differing: settings in which it differs then, by name: theirs, ours.
        kept: settings of the original that are never taken over.
        copied, unchanged: keys.
        elsewhere: keys of items whose file lies in an external source, with that source.
        failed: keys with the reason.
    """

    made: bool = False
    differing: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    elsewhere: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


async def copy_instance(
    source: Peer, target: Peer, *, ours: bool, files: bool = True, wait: bool = True, on_progress: Progress
) -> Outcome:
    """Copy the instance; whatever was copied before and is the same is not sent again.

    A file that cannot be copied is told in the outcome, and the others go on.

    Args:
        ours: the target is a Secondlook, and understands what only Secondlook has.
        wait: until the target has indexed everything.

    Raises:
        PeerError: the original is not there, or a side does not answer.
        PeerAccessError: a side refuses the token.
    """
    original = await source.read()
    if original is None:
        raise PeerError(f"there is no instance {source}: check its name, namespace and account", status=404)
    outcome = Outcome()
    await _copy_settings(original, target, ours, outcome)
    if not files:
        return outcome
    await _copy_files(source, target, outcome, on_progress)
    if wait and outcome.copied:
        await _wait(target, outcome, on_progress)
    return outcome


def settings_of(instance: Mapping[str, Any], names: tuple[str, ...], *, ours: bool) -> dict[str, Any]:
    """The settings as a request sends them; what is null is left to the other side's default."""
    found = {name: instance[name] for name in names if instance.get(name) is not None}
    if "retrieval_options" in found and instance.get("keyword_match_mode_origin") == "default":
        options = {name: value for name, value in found["retrieval_options"].items() if name != "keyword_match_mode"}
        found["retrieval_options"] = options
    if instance.get("fusion_method_origin") == "default" or (not ours and found.get("fusion_method") == "convex"):
        found.pop("fusion_method", None)
    if ours:
        return found
    for name, keys in OF_OPTIONS.items():
        if name in found:
            found[name] = {key: value for key, value in found[name].items() if key in keys and value is not None}
    return {
        name: value for name, value in found.items() if not (name in MODELS and str(value).startswith("secondlook/"))
    }


async def _copy_settings(original: Mapping[str, Any], target: Peer, ours: bool, outcome: Outcome) -> None:
    outcome.kept = [name for name in KEPT if original.get(name)]
    wanted = settings_of(original, OFFICIAL + (OURS if ours else ()), ours=ours)
    later = settings_of(original, LATER, ours=ours)
    there = await target.read()
    if there is not None:
        outcome.differing = {
            name: (value, there.get(name))
            for name, value in {**wanted, **later}.items()
            if there.get(name) != value and not (name in MODELS and not value)
        }
        return
    await target.create(wanted)
    outcome.made = True
    if later := {name: value for name, value in later.items() if value}:
        await target.update(later)


async def _copy_files(source: Peer, target: Peer, outcome: Outcome, on_progress: Progress) -> None:
    have = {item["key"]: item async for item in target.items()}
    counts = await source.stats()
    total = sum(counts.get(name) or 0 for name in ("queued", "running", "completed", "error", "outdated"))
    step = f"Copying {source.place.name}"
    done = 0
    on_progress(step, 0, total)
    slots = asyncio.Semaphore(AT_ONCE)

    async def copy(item: Mapping[str, Any]) -> None:
        nonlocal done
        try:
            await _copy_file(source, target, item, have.get(item["key"]), outcome)
        except PeerError as error:
            outcome.failed[item["key"]] = str(error)
        finally:
            slots.release()
        done += 1
        on_progress(step, done, max(done, total))

    async with asyncio.TaskGroup() as group:
        async for item in source.items():
            await slots.acquire()
            group.create_task(copy(item))


async def _copy_file(
    source: Peer, target: Peer, item: Mapping[str, Any], there: Mapping[str, Any] | None, outcome: Outcome
) -> None:
    key, origin = item["key"], item.get("source_id") or "builtin"
    if origin != "builtin":
        outcome.elsewhere[key] = origin
        return
    metadata = _own(item)
    same = there is not None and there.get("status") != "error" and _own(there) == metadata
    if same and there and there.get("checksum") == item.get("checksum"):
        outcome.unchanged.append(key)
        return
    try:
        content = await source.download(item["id"])
    except PeerError as error:
        if error.code != NOT_HERE:
            raise
        outcome.elsewhere[key] = origin
        return
    checksum = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if same and there and there.get("checksum") == checksum:
        outcome.unchanged.append(key)
        return
    await target.upload(Document(key, content, metadata))
    outcome.copied.append(key)


def _own(item: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata that the item was given, without what the server makes up."""
    return {name: value for name, value in (item.get("metadata") or {}).items() if name not in BUILT_IN}


async def _wait(target: Peer, outcome: Outcome, on_progress: Progress) -> None:
    """Until nothing waits any longer; what went wrong meanwhile stands in the outcome."""
    total = len(outcome.copied)
    before, since = -1, time.monotonic()
    while left := await _left(target):
        if left != before:
            before, since = left, time.monotonic()
        if time.monotonic() - since > STANDSTILL:
            raise PeerError(
                f"{target} is not making progress with {plural(left, 'item')} to index: check its logs, then copy again"
            )
        on_progress("Indexing", max(0, total - left), total)
        await asyncio.sleep(LOOK_AGAIN)
    on_progress("Indexing", total, total)
    copied = set(outcome.copied)
    async for item in target.items("error"):
        if item["key"] in copied:
            outcome.failed[item["key"]] = item.get("error") or "it could not be indexed"
    outcome.copied = [key for key in outcome.copied if key not in outcome.failed]


async def _left(target: Peer) -> int:
    counts = await target.stats()
    return (counts.get("queued") or 0) + (counts.get("running") or 0)


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What a user can act on, of the errors of tasks that ran together."""
    for error in group.exceptions:
        found = first_error(error) if isinstance(error, BaseExceptionGroup) else error
        if isinstance(found, SecondlookError):
            return found
    return group.exceptions[0]
