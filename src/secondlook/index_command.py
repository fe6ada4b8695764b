"""``secondlook index``: files and folders into an instance, but only what has changed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from secondlook import bootstrap, interrupts
from secondlook.console import Account, DataDir, KeywordLanguage, analyser_of, err, run_over, say
from secondlook.domain.instance import Analyser, Instance, InstanceSettings
from secondlook.domain.wording import plural
from secondlook.errors import CallerError, InstanceNotFoundError
from secondlook.ingest.kinds import file_type, is_readable
from secondlook.screen import make_bars
from secondlook.services.intake import Upload
from secondlook.settings import load_settings

NAMED = 5
"""Files or endings of one kind that a line names."""
WAIT = 600
"""Seconds after which a file that is still being indexed is reported as such."""


@dataclass
class Found:
    """What lies below the given paths: keys and paths of files to index, and what is skipped, by kind."""

    files: list[tuple[str, Path]] = field(default_factory=list)
    empty: set[str] = field(default_factory=set)
    hidden: list[str] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)

    def skipped(self) -> str:
        """Such as ``3 skipped: 2 unsupported (.bin), 1 empty (a.md)``; nothing where nothing is skipped."""
        kinds = {
            "unsupported": [file_type(name) or name for name in self.unsupported],
            "hidden": self.hidden,
            "empty": sorted(self.empty),
        }
        total = sum(map(len, kinds.values()))
        told = [f"{len(names)} {kind} ({_some(names)})" for kind, names in kinds.items() if names]
        return f"{total:,} skipped: {', '.join(told)}" if told else ""


@dataclass
class Outcome:
    """What became of the files so far."""

    total: int
    indexed: int = 0
    unchanged: int = 0
    bad: dict[str, str] = field(default_factory=dict)

    def interrupted(self) -> str:
        """What an interrupt says."""
        done = self.indexed + self.unchanged
        return f"{done:,} of {plural(self.total, 'file')} done. Run the same command again for the rest."

    def words(self, instance: str) -> str:
        """The last line."""
        unchanged = f", {self.unchanged:,} unchanged" if self.unchanged else ""
        return f"{self.indexed:,} of {plural(self.total, 'file')} indexed into {instance}{unchanged}"


def index(
    instance: Annotated[str, typer.Argument(help="The instance. It is created if it does not exist.")],
    paths: Annotated[list[Path], typer.Argument(help="Files and folders.")],
    language: KeywordLanguage = "",
    account: Account = "default",
    data_dir: DataDir = None,
) -> None:
    """Index files and folders into an instance. Files that have not changed are skipped."""
    found = find_files(paths)
    where = ", ".join(map(str, paths))
    if not found.files:
        told = f" ({found.skipped()})" if found.skipped() else ""
        raise CallerError(f"no supported files found in {where}{told}")
    if not account.strip() or "/" in account:
        raise CallerError(f"--account is {account!r}. Give a name without a slash.")
    analyser = analyser_of(language)
    outcome = Outcome(len(found.files))
    interrupts.explain(outcome.interrupted)

    async def work(runtime: bootstrap.Runtime) -> None:
        target = await _open_instance(runtime, account, instance, analyser)
        known = {item.key for item in await runtime.services.indexing.list(target)} if found.empty else set()
        found.files = [(key, path) for key, path in found.files if key not in found.empty or key in known]
        found.empty -= known  # what was indexed before and is empty now must say so
        outcome.total = len(found.files)
        with make_bars(err) as bars:
            bar = bars.add_task(f"Indexing into {instance}", total=outcome.total)
            for key, path in found.files:
                await _index_file(runtime, target, key, path, outcome)
                bars.advance(bar)
        _tell(outcome, found, instance)

    run_over(load_settings(data_dir=data_dir), work, queue="own")


def find_files(paths: Sequence[Path]) -> Found:
    """What lies there; a file that is named itself is never skipped. Raises ``CallerError`` for a path without any."""
    found = Found()
    for path in paths:
        if path.is_file():
            found.files.append((path.name, path))
        elif path.is_dir():
            _walk(path, path, found)
        else:
            raise CallerError(f"{path} does not exist or is neither a file nor a folder")
    return found


def _walk(root: Path, folder: Path, found: Found) -> None:
    for path in sorted(folder.iterdir()):
        key = path.relative_to(root).as_posix()
        if path.name.startswith("."):
            found.hidden.append(f"{key}/" if path.is_dir() else key)
        elif path.is_dir() and not path.is_symlink():
            _walk(root, path, found)
        elif path.is_file() and not is_readable(path.name):
            found.unsupported.append(key)
        elif path.is_file():
            found.files.append((key, path))
            if not path.stat().st_size:
                found.empty.add(key)


async def _open_instance(runtime: bootstrap.Runtime, account: str, name: str, analyser: Analyser | None) -> Instance:
    instances = runtime.services.instances
    try:
        target = await instances.get(account, "default", name)
    except InstanceNotFoundError:
        return await instances.create(account, "default", name, settings=InstanceSettings(analyser=analyser))
    if analyser and target.settings.analyser != analyser:
        raise CallerError(
            f"--keyword-language is {analyser!r}, but the instance {name!r} was created with"
            f" {target.settings.analyser or 'the default'!r}. Leave the option out, or use another instance."
        )
    return target


async def _index_file(runtime: bootstrap.Runtime, target: Instance, key: str, path: Path, outcome: Outcome) -> None:
    """Index the file unless it is indexed as it is; one that cannot be indexed stops no others."""
    try:
        item = await runtime.services.indexing.upload_changed(target, Upload(key, path.read_bytes()), wait=WAIT)
    except (CallerError, OSError) as error:
        outcome.bad[key] = str(error)
        return
    if item is None:
        outcome.unchanged += 1
    elif item.status == "completed":
        outcome.indexed += 1
    else:
        outcome.bad[key] = item.error or item.status


def _tell(outcome: Outcome, found: Found, instance: str) -> None:
    for key, trouble in outcome.bad.items():
        err.print(f"{key}: {trouble}", markup=False, highlight=False, soft_wrap=True)
    if outcome.total and len(outcome.bad) == outcome.total:
        none = "the file could not be" if outcome.total == 1 else f"none of the {outcome.total:,} files could be"
        raise CallerError(f"{none} indexed into {instance}. See the {'line' if outcome.total == 1 else 'lines'} above.")
    say(outcome.words(instance))
    if told := found.skipped():
        say(told)


def _some(names: Sequence[str]) -> str:
    """The commonest names first, with how often each occurs, and how many more there are."""
    counted: Mapping[str, int] = dict(Counter(names).most_common())
    shown = [name if times == 1 or len(counted) == 1 else f"{times} {name}" for name, times in counted.items()]
    more = f" and {len(shown) - NAMED} more" if len(shown) > NAMED else ""
    return ", ".join(shown[:NAMED]) + more
