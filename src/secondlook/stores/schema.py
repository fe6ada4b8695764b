"""The catalogue's tables, portable between SQLite and PostgreSQL."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

SCHEMA_VERSION = 8

NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""A key that counts up; SQLite counts only in its own integer."""

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
    Column("source", Text, nullable=False, server_default=""),
    Column("modified_at", BigInteger, nullable=False, server_default="0"),
    Column("owner", String(80), nullable=False, server_default=""),
    Column("lease_until", BigInteger, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", BigInteger, nullable=False, server_default="0"),
    Index("items_key", "instance_uid", "key", unique=True),
    Index("items_status", "instance_uid", "status"),
    Index("items_turn", "status", "instance_uid", "due_at", "id"),
)

memos = Table(
    "memos",
    metadata,
    Column("item_id", String(64), ForeignKey("items.id", ondelete="CASCADE"), primary_key=True),
    Column("memo", Text, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked", Boolean, nullable=False),
    Column("account", String(64), nullable=False, server_default=""),
    Column("permission", String(16), nullable=False, server_default="edit"),
    Column("expires_at", BigInteger, nullable=False, server_default="0"),
    Column("overrides", Boolean, nullable=False, server_default="1"),
)

item_lines = Table(
    "item_lines",
    metadata,
    Column("number", NUMBER, primary_key=True),
    Column("item_id", String(64), ForeignKey("items.id", ondelete="CASCADE"), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("action", String(16), nullable=False),
    Column("message", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("chunk_count", Integer),
    Column("milliseconds", BigInteger),
    Column("error_type", String(64), nullable=False),
    Index("item_lines_item", "item_id", "number"),
    sqlite_autoincrement=True,
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("instance_uid", String(64), ForeignKey("instances.uid", ondelete="CASCADE"), nullable=False),
    Column("trigger", String(16), nullable=False),
    Column("description", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("last_seen_at", BigInteger, nullable=False),
    Column("end_reason", Text, nullable=False),
    Index("jobs_instance", "instance_uid", "started_at"),
)

job_lines = Table(
    "job_lines",
    metadata,
    Column("number", NUMBER, primary_key=True),
    Column("job_id", String(64), ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("message", Text, nullable=False),
    Column("severity", String(16), nullable=False),
    Index("job_lines_job", "job_id", "number"),
    sqlite_autoincrement=True,
)

service_tokens = Table(
    "service_tokens",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("api_id", Text, nullable=False),
    Column("legacy", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("modified_at", BigInteger, nullable=False),
    Column("blob", Text, nullable=False),
    Index("service_tokens_account", "account", "created_at"),
)

queries = Table(
    "queries",
    metadata,
    Column("account", String(64), primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("number", BigInteger, nullable=False),
)
