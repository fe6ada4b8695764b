"""Whether everything that is stored is what was stored: the catalogue, the indexes and the files."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from secondlook.domain.instance import Instance, Item
from secondlook.domain.wording import plural
from secondlook.errors import IndexCorruptError, ItemNotFoundError, SecondlookError
from secondlook.ports import Blobs, Catalog, Indexer
from secondlook.services.indexing import Indexing
from secondlook.services.stored_files import find_damage

Part = Literal["catalogue", "index", "item", "file", "answers"]
"""Of the data folder; an ``item`` is wrong in an index that is sound."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong; ``instance`` and ``key`` are empty where it belongs to none."""

    part: Part
    problem: str
    instance: str = ""
    key: str = ""
    uid: str = ""
    item_id: str = ""
    repaired: bool = False

    @property
    def place(self) -> tuple[str, str, str]:
        """What tells it from other findings, whatever the words are."""
        return self.part, self.uid, self.item_id


@dataclass(frozen=True, slots=True)
class DataReport:
    """What was checked, and what is wrong."""

    instances: int = 0
    items: int = 0
    files: int = 0
    findings: tuple[Finding, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong any more."""
        return all(one.repaired for one in self.findings)

    def after(self, now: "DataReport") -> "DataReport":
        """These findings, repaired unless ``now`` has them still; and what only ``now`` has."""
        left = {one.place for one in now.findings}
        before = [replace(one, repaired=one.place not in left) for one in self.findings]
        known = {one.place for one in before}
        return replace(now, findings=(*before, *(one for one in now.findings if one.place not in known)))


class DataCheck:
    """Reads all that is stored.

    Args:
        check_catalog: what the database of the catalogue says is wrong with it.
    """

    def __init__(
        self, catalog: Catalog, indexer: Indexer, blobs: Blobs, *, check_catalog: Callable[[], Awaitable[Sequence[str]]]
    ) -> None:
        self._catalog = catalog
        self._indexer = indexer
        self._blobs = blobs
        self._check_catalog = check_catalog

    async def run(self) -> DataReport:
        """Everything that is wrong; may run beside a server."""
        found = [Finding("catalogue", one) for one in await self._check_catalog()]
        if found:
            return DataReport(findings=tuple(found))
        instances = await self._catalog.list_instances("", None)
        items = files = 0
        for instance in reversed(instances):
            rows = await self._catalog.list_items(instance.uid)
            found += await self._check_index(instance)
            for item in reversed(rows):
                if item.blob and (problem := await self._check_file(item)):
                    found.append(_of(instance, item, "file", problem))
            items += len(rows)
            files += sum(bool(one.blob) for one in rows)
        return DataReport(len(instances), items, files, tuple(found))

    async def repair(self, report: DataReport, indexing: Indexing) -> None:
        """Begin what mends it; ``indexing.drain`` returns when that is done."""
        for one in report.findings:
            if one.part == "index":
                indexing.rebuilding.report(one.uid, one.problem)
        for one in report.findings:
            try:
                if one.part == "item":
                    instance = await self._catalog.get_instance_by_uid(one.uid)
                    await indexing.reindex(instance, one.item_id, why=f"queued again: {one.problem}")
                elif one.part == "file":
                    await self._note_lost_file(one)
            except ItemNotFoundError:  # deleted meanwhile
                continue

    async def _note_lost_file(self, finding: Finding) -> None:
        """Let the item fail, so that an upload or sync of the same bytes stores them again; its chunks stay."""
        item = await self._catalog.get_item(finding.uid, finding.item_id)
        kind = "file_not_found" if "is missing" in finding.problem else "file_is_corrupt"
        await self._catalog.set_item_status(
            item, "error", error=f"{kind}: {finding.problem}", chunks_count=item.chunks_count
        )

    async def _check_index(self, instance: Instance) -> Sequence[Finding]:
        uid, name = instance.uid, _name_of(instance)
        report = await self._indexer.check_index(uid)
        if report.problems:
            return [Finding("index", "; ".join(report.problems), name, uid=uid)]
        before = await self._catalog.list_items(uid)
        try:
            if why := await self._indexer.read_problem(uid):
                return [Finding("index", f"it is being rebuilt ({why})", name, uid=uid)]
            counts = await self._indexer.count_by_item(uid)
        except IndexCorruptError as error:
            return [Finding("index", str(error.__cause__ or error), name, uid=uid)]
        now = {one.id: one for one in await self._catalog.list_items(uid)}
        found = []
        for item in reversed(before):
            wanted, there = item.chunks_count or 0, counts.get(item.id, 0)
            if (
                item.status == "completed" and wanted != there and now.get(item.id) == item
            ):  # nothing happened meanwhile
                chunks = plural(wanted, "chunk")
                found.append(_of(instance, item, "item", f"the index holds {there:,} of its {chunks}"))
            elif item.id in report.damaged_items and item.id in now:
                found.append(_of(instance, item, "item", report.damaged_items[item.id]))
        return found

    async def _check_file(self, item: Item) -> str:
        problem = await find_damage(self._blobs, item)
        if not problem:
            return ""
        try:  # it may have been replaced or deleted while it was read
            return problem if (await self._catalog.get_item(item.instance_uid, item.id)).blob == item.blob else ""
        except SecondlookError:
            return ""


def _of(instance: Instance, item: Item, part: Part, problem: str) -> Finding:
    return Finding(part, problem, _name_of(instance), item.key, instance.uid, item.id)


def _name_of(instance: Instance) -> str:
    """As ``status`` names it."""
    inner = "" if instance.namespace == "default" else f"{instance.namespace}/"
    return f"{instance.account}/{inner}{instance.name}"
