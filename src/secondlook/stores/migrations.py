"""From the tables that are there to those of this release, in one transaction."""

import json
import logging
from collections.abc import Mapping

from sqlalchemy import Connection, insert, inspect, select, text, update

from secondlook.errors import SetupError
from secondlook.stores.schema import SCHEMA_VERSION, instances, metadata, schema_version

log = logging.getLogger(__name__)
MOVED = {"type": "source_kind", "source": "source", "sync_interval": "sync_interval", "token_id": "service_token"}
"""Since schema 2 these are settings of their own; before, they were kept with what nothing reads."""


def prepare_tables(connection: Connection) -> None:
    """Make the tables that are not there, and bring older ones up; raises ``SetupError`` for a newer schema."""
    metadata.create_all(connection)
    found = connection.execute(select(schema_version.c.version)).scalar()
    if found is None:
        connection.execute(insert(schema_version).values(version=SCHEMA_VERSION))
        return
    if found > SCHEMA_VERSION:
        raise SetupError(
            f"the catalogue has schema {found}, but this release reads up to {SCHEMA_VERSION}: upgrade Secondlook"
        )
    if found < 2:
        _add_scopes(connection)
        _move_sources(connection)
    if found < 3:
        _add_origins(connection)
    if found < 5:
        _add_leases(connection)
    if found < 6:
        _let_instances_take_turns(connection)
    if found < 7:
        _let_tokens_expire(connection)
    if found < 8:
        _let_tokens_override(connection)
    if found < SCHEMA_VERSION:
        log.warning("Upgrading the catalogue from schema %d to schema %d", found, SCHEMA_VERSION)
        connection.execute(update(schema_version).values(version=SCHEMA_VERSION))


def _add_scopes(connection: Connection) -> None:
    """Existing tokens keep access to every account and every permission."""
    connection.execute(text("ALTER TABLE tokens ADD COLUMN account VARCHAR(64) NOT NULL DEFAULT ''"))
    connection.execute(text("ALTER TABLE tokens ADD COLUMN permission VARCHAR(16) NOT NULL DEFAULT 'edit'"))


def _add_origins(connection: Connection) -> None:
    """All existing items were uploaded."""
    _add_columns(connection, {"source": "TEXT NOT NULL DEFAULT ''", "modified_at": "BIGINT NOT NULL DEFAULT 0"})


def _add_leases(connection: Connection) -> None:
    """Existing items have no lease; they are due, and were never attempted."""
    number = "NOT NULL DEFAULT 0"
    kinds = {"lease_until": f"BIGINT {number}", "attempts": f"INTEGER {number}", "due_at": f"BIGINT {number}"}
    _add_columns(connection, {"owner": "VARCHAR(80) NOT NULL DEFAULT ''", **kinds})


def _let_instances_take_turns(connection: Connection) -> None:
    """The queue is looked through by instance, no longer by time alone."""
    connection.execute(text("DROP INDEX IF EXISTS items_queue"))
    connection.execute(text("CREATE INDEX IF NOT EXISTS items_turn ON items (status, instance_uid, due_at, id)"))


def _let_tokens_expire(connection: Connection) -> None:
    """Existing tokens never expire."""
    _add_columns(connection, {"expires_at": "BIGINT NOT NULL DEFAULT 0"}, table="tokens")


def _let_tokens_override(connection: Connection) -> None:
    """Existing tokens go on choosing models, prompts, tools and remote rerankers."""
    _add_columns(connection, {"overrides": "BOOLEAN NOT NULL DEFAULT 1"}, table="tokens")


def _add_columns(connection: Connection, kinds: Mapping[str, str], *, table: str = "items") -> None:
    """Adds those of the columns that the table lacks."""
    there = {column["name"] for column in inspect(connection).get_columns(table)}
    for name, kind in kinds.items():
        if name not in there:
            connection.execute(text(f"ALTER TABLE {table} ADD COLUMN {name} {kind}"))


def _move_sources(connection: Connection) -> None:
    for uid, stored in connection.execute(select(instances.c.uid, instances.c.settings)).all():
        settings = json.loads(stored)
        extra = json.loads(settings.get("extra", "{}"))
        found = {ours: extra.pop(wire) for wire, ours in MOVED.items() if extra.get(wire) is not None}
        changed = json.dumps({**settings, **found, "extra": json.dumps(extra)})
        connection.execute(update(instances).where(instances.c.uid == uid).values(settings=changed))
