"""Public endpoints and what their search boxes told, in the database of the catalogue."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy import RowMapping as Row
from sqlalchemy.exc import IntegrityError

from secondlook.domain.endpoint import Endpoint, EndpointParams, Owner, RateLimit, UsageEvent
from secondlook.errors import DomainTakenError
from secondlook.stores.database import Database

tables = MetaData()

endpoints = Table(
    "public_endpoints",
    tables,
    Column("account", String(64), primary_key=True),
    Column("namespace", String(64), primary_key=True),
    Column("uid", String(64), primary_key=True),
    Column("public_id", String(64), unique=True),
    Column("params", Text, nullable=False),
)

domains = Table(
    "public_domains",
    tables,
    Column("domain", String(255), primary_key=True),
    Column("account", String(64), nullable=False),
    Column("namespace", String(64), nullable=False),
    Column("uid", String(64), nullable=False),
)

events = Table(
    "public_events",
    tables,
    Column("id", Integer, primary_key=True),
    Column("public_id", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("told", Text, nullable=False),
    Index("public_events_at", "public_id", "id"),
)


class SqlEndpoints:
    """Endpoints by owner, by id and by domain; a call has reached the disk when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self) -> None:
        """Make the tables if they are not there; raises ``SetupError``."""
        await self._database.open(tables.create_all)

    async def of(self, owner: Owner) -> Endpoint | None:
        """The owner's endpoint, if it ever was set."""
        return _first(await self._database.rows(select(endpoints).where(*_is(endpoints, owner))))

    async def all_of(self, account: str) -> Sequence[Endpoint]:
        """Every endpoint of the account."""
        return [_endpoint(row) for row in await self._database.rows(select(endpoints).filter_by(account=account))]

    async def find(self, public_id: str) -> Endpoint | None:
        """The endpoint of that id."""
        return _first(await self._database.rows(select(endpoints).where(endpoints.c.public_id == public_id)))

    async def list_domains(self) -> Mapping[str, Owner]:
        """Who answers under each domain."""
        rows = await self._database.rows(select(domains))
        return {row["domain"]: Owner(row["account"], row["namespace"], row["uid"]) for row in rows}

    async def put(self, endpoint: Endpoint) -> Endpoint:
        """Write it whole with its domains; an id that it has already stays.

        Raises:
            DomainTakenError: another endpoint has one of the domains.
        """
        owner = asdict(endpoint.owner)
        try:
            async with self._database.transaction() as connection:
                query = select(endpoints).where(*_is(endpoints, endpoint.owner))
                before = _first((await connection.execute(query)).mappings().all())
                endpoint = replace(endpoint, id=before.id if before and before.id else endpoint.id)
                values = {**owner, "public_id": endpoint.id or None, "params": json.dumps(asdict(endpoint.params))}
                change = update(endpoints).where(*_is(endpoints, endpoint.owner)) if before else insert(endpoints)
                await connection.execute(change.values(values))
                await connection.execute(delete(domains).where(*_is(domains, endpoint.owner)))
                for domain in endpoint.params.domains:
                    await connection.execute(insert(domains).values({**owner, "domain": domain}))
        except IntegrityError as error:
            raise DomainTakenError(
                f"one of {', '.join(endpoint.params.domains)} belongs to another endpoint: remove it there first"
            ) from error
        return endpoint

    async def remove(self, owner: Owner) -> None:
        """Remove the endpoint, its domains and events; nothing happens if there is none."""
        found = await self.of(owner)
        await self._database.write(
            delete(events).where(events.c.public_id == (found.id if found else "")),
            delete(domains).where(*_is(domains, owner)),
            delete(endpoints).where(*_is(endpoints, owner)),
        )

    async def add_events(self, public_id: str, told: Sequence[UsageEvent], *, most: int) -> None:
        """Write them down, and forget the oldest beyond ``most``."""
        rows = [{"public_id": public_id, "at": one.at, "told": json.dumps(dict(one.told))} for one in told]
        kept = select(events.c.id).where(events.c.public_id == public_id).order_by(events.c.id.desc()).limit(most)
        await self._database.write(
            insert(events).values(rows),
            delete(events).where(events.c.public_id == public_id, events.c.id.not_in(kept)),
        )

    async def list_events(self, public_id: str, limit: int) -> Sequence[UsageEvent]:
        """The newest, newest first."""
        query = select(events).where(events.c.public_id == public_id).order_by(events.c.id.desc()).limit(limit)
        return [UsageEvent(row["at"], json.loads(row["told"])) for row in await self._database.rows(query)]


def _is(table: Table, owner: Owner) -> tuple[ColumnElement[bool], ...]:
    at = table.c
    return at.account == owner.account, at.namespace == owner.namespace, at.uid == owner.uid


def _first(rows: Sequence[Row]) -> Endpoint | None:
    return next((_endpoint(row) for row in rows), None)


def _endpoint(row: Row) -> Endpoint:
    raw = json.loads(row["params"])  # written by put
    lists = {name: tuple(value) for name, value in raw.items() if isinstance(value, list)}
    params = EndpointParams(**{**raw, **lists, "limit": RateLimit(**raw["limit"])})
    return Endpoint(Owner(row["account"], row["namespace"], row["uid"]), params, row["public_id"] or "")
