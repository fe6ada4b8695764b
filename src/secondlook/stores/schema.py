"""The catalogue's tables, portable between SQLite and PostgreSQL."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

SCHEMA_VERSION = 1

metadata = MetaData()

schema_version = Table("schema_version", metadata, Column("version", Integer, primary_key=True))

namespaces = Table(
    "namespaces",
    metadata,
    Column("account", String(64), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("description", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

instances = Table(
    "instances",
    metadata,
    Column("uid", String(64), primary_key=True),
    Column("account", String(64), nullable=False),
    Column("namespace", String(64), nullable=False),
    Column("name", String(64), nullable=False),
    Column("settings", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("modified_at", BigInteger, nullable=False),
    Index("instances_name", "account", "namespace", "name", unique=True),
)

items = Table(
    "items",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("instance_uid", String(64), ForeignKey("instances.uid", ondelete="CASCADE"), nullable=False),
    Column("key", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("checksum", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("chunks_count", Integer),
    Column("metadata", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
    Column("blob", Text, nullable=False),
    Index("items_key", "instance_uid", "key", unique=True),
    Index("items_status", "instance_uid", "status"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked", Boolean, nullable=False),
)
