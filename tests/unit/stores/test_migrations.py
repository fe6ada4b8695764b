"""A catalogue of an earlier schema is brought up, with nothing lost."""

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest

from secondlook.domain.instance import Instance, InstanceSettings, Item, Token
from secondlook.domain.lease import Lease
from secondlook.stores.catalog import SqlCatalog
from secondlook.stores.leases import NEXT_TURN, SqlLeases
from secondlook.stores.schema import SCHEMA_VERSION

FIRST = """
CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY);
INSERT INTO schema_version VALUES (1);
CREATE TABLE instances (uid VARCHAR(64) NOT NULL PRIMARY KEY, account VARCHAR(64) NOT NULL,
    namespace VARCHAR(64) NOT NULL, name VARCHAR(64) NOT NULL, settings TEXT NOT NULL, created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL);
CREATE TABLE tokens (id VARCHAR(64) NOT NULL PRIMARY KEY, name TEXT NOT NULL, digest VARCHAR(64) NOT NULL UNIQUE,
    created_at BIGINT NOT NULL, revoked BOOLEAN NOT NULL);
INSERT INTO tokens VALUES ('t1', 'laptop', 'digest', 5, 0);
"""
"""The tables of schema 1 that schema 2 changes."""


async def opened(path: Path) -> tuple[Instance, Token | None]:
    catalog = SqlCatalog(f"sqlite+aiosqlite:///{path}")
    await catalog.open()
    try:
        return await catalog.get_instance_by_uid("u1"), await catalog.find_token("digest")
    finally:
        await catalog.close()


def test_from_the_first_schema(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "catalog.sqlite"
    extra = {"type": "web-crawler", "source": "https://harbour.example", "sync_interval": 3600, "cache": False}
    settings = {"top_k": 3, "extra": json.dumps({**extra, "token_id": None})}
    before = sqlite3.connect(path)
    before.executescript(FIRST)
    before.execute("INSERT INTO instances VALUES ('u1', 'acc', 'default', 'docs', ?, 1, 2)", [json.dumps(settings)])
    before.commit()
    before.close()
    for _ in range(2):  # a second start finds nothing left to do
        instance, token = asyncio.run(opened(path))
        assert token == Token("t1", "laptop", 5, account="", permission="edit")
        assert instance.settings == InstanceSettings(
            top_k=3,
            source_kind="web-crawler",
            source="https://harbour.example",
            sync_interval=3600,
            match_mode="and",
            match_mode_inherited=True,
            fusion_method="rrf",
            fusion_inherited=True,
            extra='{"cache": false, "token_id": null}',
        )
    assert caplog.messages == [f"Upgrading the catalogue from schema 1 to schema {SCHEMA_VERSION}"]


SECOND_ITEMS = """
CREATE TABLE items (id VARCHAR(64) NOT NULL PRIMARY KEY, instance_uid VARCHAR(64) NOT NULL, key TEXT NOT NULL,
    status VARCHAR(16) NOT NULL, checksum VARCHAR(64) NOT NULL, size BIGINT NOT NULL, version INTEGER NOT NULL,
    content_type TEXT NOT NULL, error TEXT NOT NULL, chunks_count INTEGER, metadata TEXT NOT NULL,
    created_at BIGINT NOT NULL, last_seen_at BIGINT NOT NULL, blob TEXT NOT NULL);
INSERT INTO items VALUES ('i1', 'u1', 'a.md', 'completed', 'md5', 3, 2, '', '', 1, '{}', 5, 6, 'u1/x');
"""
"""The table of schemas 1 and 2 that schema 3 changes."""


def test_items_of_before_were_uploaded(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    before = sqlite3.connect(path)
    before.executescript(FIRST + SECOND_ITEMS)
    before.execute("INSERT INTO instances VALUES ('u1', 'acc', 'default', 'docs', '{}', 1, 2)")
    before.commit()
    before.close()

    async def items() -> list[Item]:
        catalog = SqlCatalog(f"sqlite+aiosqlite:///{path}")
        await catalog.open()
        try:
            return list(await catalog.list_items("u1"))
        finally:
            await catalog.close()

    for _ in range(2):
        [item] = asyncio.run(items())
        assert (item.key, item.source, item.modified_at, item.timestamp) == ("a.md", "", 0, 6)


def test_what_waited_before_there_were_leases_is_due(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    before = sqlite3.connect(path)
    before.executescript(FIRST + SECOND_ITEMS)
    before.execute("INSERT INTO instances VALUES ('u1', 'acc', 'default', 'docs', '{}', 1, 2)")
    before.execute("UPDATE items SET status = 'queued'")
    before.commit()
    before.close()

    async def take() -> Lease | None:
        catalog = SqlCatalog(f"sqlite+aiosqlite:///{path}")
        await catalog.open()
        try:
            return await SqlLeases(catalog.database).take("me-1", now=1, until=2)
        finally:
            await catalog.close()

    lease = asyncio.run(take())
    assert lease and (lease.item.key, lease.attempt) == ("a.md", 1)
    with sqlite3.connect(path) as after:
        assert after.execute("SELECT version FROM schema_version").fetchone() == (SCHEMA_VERSION,)
        plan = after.execute(f"EXPLAIN QUERY PLAN {NEXT_TURN}", {"after": "", "now": 5}).fetchall()
        names = {name for (name,) in after.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    after.close()
    looks = [step[3] for step in plan if "items" in step[3]]
    assert len(looks) == 3 and all(look.startswith("SEARCH items USING") and "items_turn" in look for look in looks)
    assert "items_queue" not in names


def test_tokens_made_before_they_could_expire_do_not(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    before = sqlite3.connect(path)
    before.executescript(FIRST)
    before.execute("INSERT INTO instances VALUES ('u1', 'acc', 'default', 'docs', '{}', 1, 2)")
    before.execute("ALTER TABLE tokens ADD COLUMN account VARCHAR(64) NOT NULL DEFAULT ''")
    before.execute("ALTER TABLE tokens ADD COLUMN permission VARCHAR(16) NOT NULL DEFAULT 'edit'")
    before.execute("UPDATE schema_version SET version = 6")
    before.commit()
    before.close()
    for _ in range(2):
        _, token = asyncio.run(opened(path))
        assert token and token.expires_at == 0
