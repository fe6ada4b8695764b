"""The catalogue in a SQL database: namespaces, instances, items, tokens."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any, cast

from sqlalchemy import RowMapping, Select, case, delete, func, insert, select, union, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from secondlook.domain.instance import (
    DEFAULT_NAMESPACE,
    Instance,
    InstanceSettings,
    Item,
    ItemCounts,
    ItemStatus,
    MetadataField,
    Namespace,
    Schema,
    Token,
)
from secondlook.domain.jobs import ItemLine
from secondlook.domain.listing import PRIORITY, ItemQuery
from secondlook.domain.options import Boost, RerankStage
from secondlook.domain.source import load_options
from secondlook.errors import (
    BackendError,
    CallerError,
    InstanceChangedError,
    InstanceExistsError,
    InstanceNotFoundError,
    ItemNotFoundError,
    NamespaceExistsError,
    NamespaceNotEmptyError,
    NamespaceNotFoundError,
)
from secondlook.stores.database import Database
from secondlook.stores.journal import keep_item_lines
from secondlook.stores.kept import Kept
from secondlook.stores.memos import keep_memo
from secondlook.stores.migrations import prepare_tables
from secondlook.stores.schema import instances, items, namespaces, service_tokens, tokens

TOKEN_FIELDS = [one.name for one in fields(Token)]
ITEM = [items.c[one.name] for one in fields(Item)]
"""The columns of an item; the others say who works on it, see ``stores.leases``."""


class SqlCatalog:
    """A catalogue at a SQLAlchemy URL; a call has reached the disk when it returns."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self._instances: Kept[Instance] = Kept(self.database.version)
        self._tokens: Kept[Token | None] = Kept(self.database.version)

    async def open(self) -> None:
        """Create missing tables; raises ``SetupError`` for a newer schema or an unusable file."""
        await self.database.open(prepare_tables)

    async def close(self) -> None:
        """Close every connection."""
        await self.database.close()

    async def add_namespace(self, account: str, namespace: Namespace) -> None:
        """Raises ``NamespaceExistsError``."""
        values = {"account": account, **asdict(namespace)}
        try:
            await self.database.write(insert(namespaces).values(values))
        except IntegrityError as error:
            raise NamespaceExistsError(f"namespace {namespace.name!r} already exists") from error

    async def list_namespaces(self, account: str) -> Sequence[Namespace]:
        """All but ``default``, oldest first."""
        query = select(namespaces).where(namespaces.c.account == account).order_by(namespaces.c.created_at)
        return [_namespace(row) for row in await self.database.rows(query)]

    async def update_namespace(self, account: str, name: str, description: str) -> Namespace:
        """The namespace as it now is; raises ``NamespaceNotFoundError``."""
        where = (namespaces.c.account == account, namespaces.c.name == name)
        await self.database.write(update(namespaces).where(*where).values(description=description))
        for row in await self.database.rows(select(namespaces).where(*where)):
            return _namespace(row)
        raise NamespaceNotFoundError(f"there is no namespace {name!r}: check the name")

    async def remove_namespace(self, account: str, name: str) -> None:
        """Raises ``NamespaceNotFoundError``, ``NamespaceNotEmptyError``."""
        await self._check_namespace(account, name)
        held = select(instances.c.uid).where(instances.c.account == account, instances.c.namespace == name)
        mine = (namespaces.c.account == account, namespaces.c.name == name)
        if not await self.database.write(delete(namespaces).where(*mine, ~held.exists())):
            await self._check_namespace(account, name)  # removed by another request meanwhile
            raise NamespaceNotEmptyError(f"namespace {name!r} still contains instances: delete them first")

    async def add_instance(self, instance: Instance) -> None:
        """Raises ``InstanceExistsError``, ``NamespaceNotFoundError``."""
        await self._check_namespace(instance.account, instance.namespace, "create it first")
        values = {**asdict(instance), "settings": _dump_settings(instance.settings)}
        try:
            async with self.database.transaction() as connection:
                await connection.execute(insert(instances).values(values))
                if (
                    instance.namespace != DEFAULT_NAMESPACE
                    and not (await connection.execute(_namespaces(instance.account, instance.namespace))).first()
                ):  # removed meanwhile: nothing of this stays
                    raise NamespaceNotFoundError(f"there is no namespace {instance.namespace!r}: create it first")
        except IntegrityError as error:
            raise InstanceExistsError(f"instance {instance.name!r} already exists: choose another id") from error

    async def get_instance(self, account: str, namespace: str, name: str) -> Instance:
        """Raises ``InstanceNotFoundError``, ``NamespaceNotFoundError``."""
        at = instances.c
        query = select(instances).where(at.account == account, at.namespace == namespace, at.name == name)

        async def ask() -> Instance:
            for row in await self.database.rows(query):
                return _instance(row)
            await self._check_namespace(account, namespace)
            raise InstanceNotFoundError(f"there is no instance {name!r} in namespace {namespace!r}: check the name")

        return await self._instances.get((account, namespace, name), ask)

    async def get_instance_by_uid(self, uid: str) -> Instance:
        """Raises ``InstanceNotFoundError``."""
        for row in await self.database.rows(select(instances).where(instances.c.uid == uid)):
            return _instance(row)
        raise InstanceNotFoundError(f"there is no instance with uid {uid!r}")

    async def list_instances(self, account: str, namespace: str | None) -> Sequence[Instance]:
        """Newest first; of all namespaces when None; of all accounts when ``account`` is empty."""
        query = select(instances).order_by(instances.c.created_at.desc(), instances.c.uid)
        if account:
            query = query.where(instances.c.account == account)
        if namespace is not None:
            if account:
                await self._check_namespace(account, namespace)
            query = query.where(instances.c.namespace == namespace)
        return [_instance(row) for row in await self.database.rows(query)]

    async def update_instance(
        self, uid: str, settings: InstanceSettings, at: int, *, before: InstanceSettings, outdated: bool = False
    ) -> Instance:
        """The instance as it now is.

        Raises:
            InstanceNotFoundError
            InstanceChangedError: its settings are not those of ``before``; nothing was changed.
        """
        values = {"settings": _dump_settings(settings), "modified_at": at}
        aged = {"status": "outdated", "version": items.c.version + 1, "error": "", "attempts": 0}
        mine = instances.c.uid == uid
        async with self.database.transaction() as connection:
            stored = (await connection.execute(select(instances.c.settings).where(mine))).scalar()
            if stored is None:
                raise InstanceNotFoundError(f"there is no instance with uid {uid!r}")
            change = update(instances).where(mine, instances.c.settings == stored)  # another process may be faster
            same = _load_settings(stored) == before
            if not same or not (await connection.execute(change.values(values))).rowcount:
                raise InstanceChangedError(f"the settings of instance {uid} were changed meanwhile: read them again")
            if outdated:
                await connection.execute(update(items).where(items.c.instance_uid == uid).values(aged))
        return await self.get_instance_by_uid(uid)

    async def remove_instance(self, uid: str) -> None:
        """Remove the instance and its item rows."""
        await self.database.write(
            delete(items).where(items.c.instance_uid == uid), delete(instances).where(instances.c.uid == uid)
        )

    async def put_item(
        self, item: Item, lines: Sequence[ItemLine] = (), *, memo: str | None = None, schema: Schema | None = None
    ) -> Item:
        """Insert, or replace the row of the same key keeping its id and counting its version up.

        Raises:
            InstanceNotFoundError: the instance is gone.
            InstanceChangedError: ``schema`` is not that of the instance; nothing was stored.
        """
        try:
            async with self.database.transaction() as connection:
                if schema is not None:
                    await _check_schema(connection, item.instance_uid, schema)
                item = await _replace_item(connection, item)
                await keep_item_lines(connection, item.id, lines)
                if memo is not None:
                    await keep_memo(connection, item.id, memo)
                return item
        except IntegrityError as error:
            await self.get_instance_by_uid(item.instance_uid)
            raise BackendError(f"could not store item {item.key!r}: {error}") from error

    async def get_item(self, instance_uid: str, item_id: str) -> Item:
        """Raises ``ItemNotFoundError``."""
        query = select(*ITEM).where(items.c.instance_uid == instance_uid, items.c.id == item_id)
        for row in await self.database.rows(query):
            return item_of(row)
        raise ItemNotFoundError(f"there is no item {item_id!r} in this instance")

    async def find_item(self, instance_uid: str, key: str) -> Item | None:
        """The item of that key, if any."""
        query = select(*ITEM).where(items.c.instance_uid == instance_uid, items.c.key == key)
        return next((item_of(row) for row in await self.database.rows(query)), None)

    async def list_items(self, instance_uid: str, statuses: Sequence[ItemStatus] = ()) -> Sequence[Item]:
        """All items, newest first, of all instances when ``instance_uid`` is empty; only these statuses if named."""
        query = select(*ITEM)
        if instance_uid:
            query = query.where(items.c.instance_uid == instance_uid)
        if statuses:
            query = query.where(items.c.status.in_(statuses))
        return [
            item_of(row) for row in await self.database.rows(query.order_by(items.c.last_seen_at.desc(), items.c.id))
        ]

    async def page_items(self, uid: str, wanted: ItemQuery, limit: int, offset: int) -> tuple[Sequence[Item], int]:
        """The wanted items from ``offset`` on, and how many there are; ``wanted.where`` is not held."""
        at, where = items.c, [items.c.instance_uid == uid]
        same = {"status": wanted.status, "id": wanted.item_id, "key": wanted.key}
        where += [at[name] == value for name, value in same.items() if value]
        if wanted.source is not None:
            where.append(at.source == wanted.source)
        if wanted.text:
            where.append(func.lower(at.key).contains(wanted.text.lower(), autoescape=True))
        order = [at.last_seen_at.desc(), at.id]
        if wanted.by_status:
            order.insert(0, case({one: place for place, one in enumerate(PRIORITY)}, value=at.status).asc())
        [total] = await self.database.rows(select(func.count().label("number")).select_from(items).where(*where))
        rows = await self.database.rows(select(items).where(*where).order_by(*order).limit(limit).offset(offset))
        return [item_of(row) for row in rows], total["number"]

    async def count_items(self, uids: Sequence[str]) -> Mapping[str, ItemCounts]:
        """Of each instance that has items: how many by status, and the last change."""
        at = items.c
        query = (
            select(at.instance_uid, at.status, func.count().label("number"), func.max(at.last_seen_at).label("last"))
            .where(at.instance_uid.in_(uids))
            .group_by(at.instance_uid, at.status)
        )
        found: dict[str, ItemCounts] = {}
        for row in await self.database.rows(query):
            before = found.get(row["instance_uid"], ItemCounts())
            statuses = {**before.statuses, row["status"]: row["number"]}
            found[row["instance_uid"]] = ItemCounts(statuses, max(before.last_seen_at, row["last"]))
        return found

    async def set_item_status(
        self,
        item: Item,
        status: ItemStatus,
        *,
        error: str = "",
        chunks_count: int | None = None,
        lines: Sequence[ItemLine] = (),
    ) -> bool:
        """Set it if the item still has this version, and keep the lines with it."""
        values: dict[str, object] = {"status": status, "error": error}
        if status != "running":
            values["chunks_count"] = chunks_count
        where = (items.c.id == item.id, items.c.version == item.version)
        async with self.database.transaction() as connection:
            kept = (await connection.execute(update(items).where(*where).values(values))).rowcount > 0
            if kept:
                await keep_item_lines(connection, item.id, lines)
        return kept

    async def remove_item(self, instance_uid: str, item_id: str) -> None:
        """Remove the row."""
        await self.database.write(delete(items).where(items.c.instance_uid == instance_uid, items.c.id == item_id))

    async def add_token(self, token: Token, digest: str) -> None:
        """Remember a token by its hash."""
        await self.database.write(insert(tokens).values({**asdict(token), "digest": digest}))

    async def find_token(self, digest: str) -> Token | None:
        """The token of that hash unless revoked."""
        query = select(tokens).where(tokens.c.digest == digest, tokens.c.revoked.is_(False))

        async def ask() -> Token | None:
            return next((_token(row) for row in await self.database.rows(query)), None)

        return await self._tokens.get(digest, ask)

    async def list_tokens(self) -> Sequence[Token]:
        """All, oldest first."""
        return [_token(row) for row in await self.database.rows(select(tokens).order_by(tokens.c.created_at))]

    async def revoke_token(self, token_id: str) -> None:
        """Raises ``CallerError`` when there is no such token."""
        if not await self.database.write(update(tokens).where(tokens.c.id == token_id).values(revoked=True)):
            raise CallerError(f"there is no token {token_id!r}: see `secondlook token list`")

    async def list_accounts(self) -> Sequence[str]:
        """The accounts that own an instance, a namespace or a service token, or that a valid token names; by name."""
        owners = union(
            select(instances.c.account),
            select(namespaces.c.account),
            select(service_tokens.c.account),
            select(tokens.c.account).where(tokens.c.account != "", tokens.c.revoked.is_(False)),
        )
        return sorted(row["account"] for row in await self.database.rows(owners))

    async def _check_namespace(self, account: str, name: str, advice: str = "check the name") -> None:
        if name == DEFAULT_NAMESPACE:
            return
        if not await self.database.rows(_namespaces(account, name)):
            raise NamespaceNotFoundError(f"there is no namespace {name!r}: {advice}")


def _namespaces(account: str, name: str) -> Select[Any]:
    return select(namespaces).where(namespaces.c.account == account, namespaces.c.name == name)


async def _check_schema(connection: AsyncConnection, uid: str, schema: Schema) -> None:
    query = select(instances.c.settings).where(instances.c.uid == uid).with_for_update()
    stored = (await connection.execute(query)).scalar()
    if stored is not None and _load_settings(stored).fields != schema:
        raise InstanceChangedError(f"the metadata fields of instance {uid} were changed meanwhile: read them again")


async def _replace_item(connection: AsyncConnection, item: Item) -> Item:
    """The item as it now stands in its row."""
    where = (items.c.instance_uid == item.instance_uid, items.c.key == item.key)
    found = (await connection.execute(select(*ITEM).where(*where).with_for_update())).mappings().first()
    if found:
        before = item_of(found)
        kept = before.chunks_count if item.chunks_count is None else item.chunks_count
        item = replace(item, id=before.id, created_at=before.created_at, version=before.version + 1, chunks_count=kept)
        await connection.execute(update(items).where(*where).values(_dump_item(item)))
    else:
        await connection.execute(insert(items).values(_dump_item(item)))
    return item


def _dump_settings(settings: InstanceSettings) -> str:
    return json.dumps(asdict(settings))


def _load_settings(text: str) -> InstanceSettings:
    raw = cast(dict[str, object], json.loads(text))  # written by _dump_settings
    known = {one.name for one in fields(InstanceSettings)}
    values = {name: value for name, value in raw.items() if name in known}
    values["boosts"] = tuple(Boost(**one) for one in cast(list[dict[str, str]], values.get("boosts", [])))  # type: ignore[arg-type]  # stored by us
    values["fields"] = tuple(MetadataField(**one) for one in cast(list[dict[str, str]], values.get("fields", [])))  # type: ignore[arg-type]  # stored by us
    stages = cast(list[dict[str, str]], values.get("reranking_stages", []))
    values["reranking_stages"] = tuple(RerankStage(**one) for one in stages)  # type: ignore[arg-type]  # stored by us
    values["source_options"] = load_options(cast(dict[str, object], values.get("source_options", {})))
    extra = cast(dict[str, object], json.loads(str(values.get("extra", "{}"))))
    if "use_ocr" in extra:  # where it was kept before any file was read with it
        values |= {"ocr": bool(extra.pop("use_ocr")), "extra": json.dumps(extra)}
    if "match_mode_inherited" not in raw:  # written when "and" was the default for everyone who chose nothing
        values |= {"match_mode": values.get("match_mode", "and")}
        values["match_mode_inherited"] = values["match_mode"] == "and"
    if "fusion_inherited" not in raw:  # written when "rrf" was the default for everyone who chose nothing
        values |= {"fusion_method": values.get("fusion_method", "rrf")}
        values["fusion_inherited"] = values["fusion_method"] == "rrf"
    return InstanceSettings(**values)  # type: ignore[arg-type]  # stored by us


def _instance(row: RowMapping) -> Instance:
    return Instance(**{**row, "settings": _load_settings(row["settings"])})


def _namespace(row: RowMapping) -> Namespace:
    return Namespace(row["name"], row["description"], row["created_at"])


def _dump_item(item: Item) -> Mapping[str, object]:
    """With its place in the queue: a new version was never tried; who works on the old one still has it."""
    place = {"attempts": 0, "due_at": int(time.time() * 1000)}
    return {**asdict(item), "metadata": json.dumps(dict(item.metadata)), **place}


def item_of(row: RowMapping) -> Item:
    """The item of a row that has at least the columns ``ITEM``."""
    values = {column.name: row[column.name] for column in ITEM}
    return Item(**{**values, "metadata": json.loads(row["metadata"])})


def _token(row: RowMapping) -> Token:
    return Token(**{name: row[name] for name in TOKEN_FIELDS})
