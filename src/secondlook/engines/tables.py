"""The tables of an index file, and rows to chunks and back."""

import json
import re
import sqlite3
import time
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from secondlook.domain.analysers import analyse
from secondlook.domain.chunk import Chunk, IndexedChunk
from secondlook.domain.instance import Analyser, Tokenizer
from secondlook.domain.letters import as_typed
from secondlook.engines.keywords import STRETCHES, holds_short, make_match
from secondlook.engines.matrix import Matrix, Metadata, Row
from secondlook.errors import BackendError, IndexCorruptError, StorageFullError
from secondlook.ports import IndexShape

DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""Primary result codes; the low byte of an extended one, https://www.sqlite.org/rescode.html"""
SCHEMA = """
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS chunks(
    rowid INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, item_id TEXT NOT NULL, item_key TEXT NOT NULL,
    context TEXT NOT NULL, text TEXT NOT NULL, position INTEGER NOT NULL, start INTEGER NOT NULL,
    end INTEGER NOT NULL, timestamp INTEGER NOT NULL, metadata TEXT NOT NULL, truncated INTEGER NOT NULL, gap TEXT);
CREATE INDEX IF NOT EXISTS chunks_item ON chunks(item_id, position);
CREATE TABLE IF NOT EXISTS vectors(rowid INTEGER PRIMARY KEY, vector BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS stored(rowid INTEGER PRIMARY KEY, data BLOB NOT NULL);
"""
SUMS = """
CREATE TABLE IF NOT EXISTS sums(rowid INTEGER PRIMARY KEY, texts INTEGER NOT NULL, vector INTEGER, stored INTEGER)
"""
"""Checksums of what ``chunks``, ``vectors`` and ``stored`` hold of a chunk; rows of earlier releases have none."""
TABLES = frozenset({"meta", "chunks", "vectors", "stored"})
TOKENIZERS: Mapping[Tokenizer, str] = {
    "porter": "porter unicode61 remove_diacritics 2",
    "trigram": "trigram",
}
SAYS_DAMAGE = ("Could not decode to UTF-8", "no such table")
"""What Python's module says of a text with broken bytes, and SQLite of a table that ``make_tables`` made."""
READING = "2"
"""Rises with the rules by which documents are read."""
LONE_DIGIT = re.compile(r"(?<!\w)\d['’]|['’]\d(?!\w)")
"""What analysers dropped up to reading 1, as in 5'9."""
MOST_GRAMS = 300
"""Trigrams that stand for one short term; each costs a look into the index."""
SPACES = "ascii"
"""FTS5's tokenizer for texts that an analyser has reduced to terms: they are parted at spaces, and stay as they are."""
COLUMNS = "id, item_id, item_key, text, position, start, end, timestamp, metadata, context, truncated, gap"


class DamagedError(sqlite3.DatabaseError):
    """What is read cannot have been written by this program."""


def connect(path: Path, *, make: bool = False) -> sqlite3.Connection:
    """A connection to the file; one that is not there is an error unless it is to be made."""
    address = f"{path.absolute().as_uri()}?mode={'rwc' if make else 'rw'}"
    connection = sqlite3.connect(address, timeout=30, isolation_level=None, check_same_thread=False, uri=True)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def make_tables(connection: sqlite3.Connection, shape: IndexShape) -> None:
    """Make what is not there yet; an index that is there keeps the shape that it has.

    With an analyser the full-text table keeps the terms themselves, not the text: they are
    removed as they went in, even if a later release would analyse the text in another way.
    """
    connection.executescript(SCHEMA + SUMS)
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("SELECT count(*) FROM meta").fetchone()[0]:
            return
        _make_keywords(connection, shape)
        _write_shape(connection, shape)
        begun = str(time.time_ns())  # so that an index that is made again begins with another number
        connection.execute("INSERT INTO meta VALUES ('generation', ?)", [begun])
        mark_current(connection)


def complete_tables(connection: sqlite3.Connection) -> None:
    """Give an index of an earlier release what it lacks; another process may be about to do the same.

    Raises:
        DamagedError: one of the tables is missing, or what they say of the index.
    """
    there = _list_tables(connection)
    if missing := TABLES - there:
        raise DamagedError(f"it has no table {min(missing)}")
    if _has_gaps(connection) and "sums" in there:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _has_gaps(connection):
            connection.execute("ALTER TABLE chunks ADD COLUMN gap TEXT")
        connection.execute(SUMS)
    finally:
        connection.execute("COMMIT")


def _list_tables(connection: sqlite3.Connection) -> set[str]:
    return {str(name) for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def list_outdated(connection: sqlite3.Connection) -> list[str]:
    """The items that have to be read again, because the terms of their text are others by the rules of today.

    These are letters that ``as_typed`` spells out, and for an analyser single digits at an apostrophe.
    """
    found = connection.execute("SELECT value FROM meta WHERE key = 'reading'").fetchone()
    if found == (READING,):
        return []
    analysed = read_shape(connection).analyser is not None
    rows = connection.execute("SELECT item_id, text FROM chunks ORDER BY rowid")
    return list(
        dict.fromkeys(
            str(item_id)
            for item_id, text in rows
            if (found is None and as_typed(text) != text) or (analysed and LONE_DIGIT.search(text))
        )
    )


def mark_current(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('reading', ?)", [READING])


def _has_gaps(connection: sqlite3.Connection) -> bool:
    return any(row[1] == "gap" for row in connection.execute("PRAGMA table_info(chunks)"))


def reshape(connection: sqlite3.Connection, shape: IndexShape) -> None:
    """Give what is there another shape, within a transaction: others see the old one until it is committed.

    The keyword index is made anew from the chunks; vectors that are not wanted any longer go, and none are made.
    """
    before = read_shape(connection)
    if (shape.tokenizer, shape.analyser) != (before.tokenizer, before.analyser):
        connection.execute("DROP TABLE IF EXISTS fts")
        _make_keywords(connection, shape)
        if shape.analyser and shape.tokenizer:
            for rowid, *texts in connection.execute("SELECT rowid, context, text FROM chunks"):
                terms = [_analysed(one, shape) for one in texts]
                connection.execute("INSERT INTO fts(rowid, context, text) VALUES (?, ?, ?)", [rowid, *terms])
        elif shape.tokenizer:
            connection.execute("INSERT INTO fts(fts) VALUES ('rebuild')")
    if not shape.dimensions:
        connection.execute("DELETE FROM vectors")
    _write_shape(connection, shape)


def _make_keywords(connection: sqlite3.Connection, shape: IndexShape) -> None:
    if shape.tokenizer:
        text = "" if shape.analyser else "content='chunks', content_rowid='rowid', "
        tokenize = SPACES if shape.analyser else TOKENIZERS[shape.tokenizer]
        connection.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS fts USING fts5(context, text, {text}tokenize='{tokenize}')"
        )


def _write_shape(connection: sqlite3.Connection, shape: IndexShape) -> None:
    wanted = {"dimensions": shape.dimensions, "tokenizer": shape.tokenizer or "", "analyser": shape.analyser or ""}
    connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(wanted.items()))


def read_shape(connection: sqlite3.Connection) -> IndexShape:
    """As it was made; a file of before there were analysers has none. Raises ``DamagedError``."""
    meta = dict(connection.execute("SELECT key, value FROM meta"))
    tokenizer = cast(Tokenizer, meta.get("tokenizer")) or None  # written by make_tables
    analyser = cast(Analyser | None, meta.get("analyser") or None)
    return IndexShape(_number(meta, "dimensions"), tokenizer, analyser)


def read_generation(connection: sqlite3.Connection) -> int:
    return _number(dict(connection.execute("SELECT key, value FROM meta WHERE key = 'generation'")), "generation")


def _number(meta: Mapping[str, str], key: str) -> int:
    """Raises ``DamagedError`` unless ``make_tables`` could have written it."""
    value = str(meta.get(key))
    if not value.isdecimal():
        raise DamagedError(f"its {key} is {value}")
    return int(value)


def remove_item(connection: sqlite3.Connection, shape: IndexShape, item_id: str) -> None:
    if shape.analyser and shape.tokenizer:
        connection.execute("DELETE FROM fts WHERE rowid IN (SELECT rowid FROM chunks WHERE item_id = ?)", [item_id])
    elif shape.tokenizer:
        connection.execute(
            "INSERT INTO fts(fts, rowid, context, text)"
            " SELECT 'delete', rowid, context, text FROM chunks WHERE item_id = ?",
            [item_id],
        )
    for table in ("vectors", "stored", "sums"):
        connection.execute(
            f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM chunks WHERE item_id = ?)", [item_id]
        )
    connection.execute("DELETE FROM chunks WHERE item_id = ?", [item_id])


def insert_chunk(connection: sqlite3.Connection, shape: IndexShape, indexed: IndexedChunk) -> Row:
    chunk = indexed.chunk
    metadata = json.dumps(dict(chunk.metadata))
    values = [chunk.id, chunk.item_id, chunk.item_key, chunk.text, chunk.position, chunk.start, chunk.end]
    more = [chunk.timestamp, metadata, chunk.context, int(chunk.truncated), chunk.gap]
    marks = ", ".join("?" * len(values + more))
    rowid = connection.execute(f"INSERT INTO chunks({COLUMNS}) VALUES ({marks})", [*values, *more]).lastrowid or 0
    if shape.tokenizer:
        texts = [_analysed(one, shape) for one in (chunk.context, chunk.text)]
        connection.execute("INSERT INTO fts(rowid, context, text) VALUES (?, ?, ?)", [rowid, *texts])
    if indexed.vector is not None and shape.dimensions:
        connection.execute("INSERT INTO vectors VALUES (?, ?)", [rowid, indexed.vector])
    if indexed.stored is not None:
        connection.execute("INSERT INTO stored VALUES (?, ?)", [rowid, indexed.stored])
    kept = indexed.vector if shape.dimensions else None
    connection.execute(
        "INSERT INTO sums VALUES (?, ?, ?, ?)", [rowid, *sums_of([*values, *more], kept, indexed.stored)]
    )
    return Row(rowid, chunk.id, chunk.item_id, metadata, indexed.vector)


def sums_of(values: Sequence[object], vector: bytes | None, stored: bytes | None) -> tuple[int, int | None, int | None]:
    """Checksums of a row of chunks, of its vector, and of what is stored with it: CRC-32."""
    texts = "\0".join(map(str, values)).encode(errors="replace")
    return zlib.crc32(texts), _sum_of(vector), _sum_of(stored)


def _sum_of(content: bytes | None) -> int | None:
    return None if content is None else zlib.crc32(content)


def make_row(values: tuple[int, str, str, str, bytes | None], dimensions: int) -> Row:
    """Raises ``DamagedError`` for a vector of another length."""
    row = Row(*values)
    if row.vector is not None and len(row.vector) != 4 * dimensions:
        raise DamagedError("a vector has the wrong length")
    return row


def size_of(chunks: Sequence[IndexedChunk]) -> int:
    """About the bytes that these take on the disk: texts twice, for the keyword index."""
    return sum(2 * len(one.chunk.text) + len(one.vector or b"") + len(one.stored or b"") for one in chunks)


def find_best(
    connection: sqlite3.Connection, match: str, allowed: str | None, num: int
) -> list[tuple[str, float, int]]:
    """Chunk id, BM25 and row id of the best ``num`` matches, of the rows in the JSON list ``allowed`` if there is one.

    The ``+`` keeps FTS5 from matching anew for each allowed row, and a chunk's own row is read only for the best.
    """
    within = "" if allowed is None else "AND +rowid IN (SELECT value FROM json_each(?2))"
    return connection.execute(
        f"WITH best AS MATERIALIZED (SELECT rowid AS place, rank AS score FROM fts WHERE fts MATCH ?1 {within}"
        " ORDER BY rank, rowid LIMIT ?3)"
        " SELECT chunks.id, -best.score, best.place FROM best CROSS JOIN chunks ON chunks.rowid = best.place"
        " ORDER BY best.score, best.place",
        [match, allowed, num],
    ).fetchall()


def find_complete(connection: sqlite3.Connection, phrases: Sequence[str], rowids: Sequence[int]) -> set[int]:
    """Those of the rows that hold every phrase; the ``+`` keeps FTS5 from matching anew for each of them."""
    if len(phrases) == 1:
        return set(rowids)
    rows = connection.execute(
        "SELECT rowid FROM fts WHERE fts MATCH ? AND +rowid IN (SELECT value FROM json_each(?))",
        [make_match(phrases, "and"), json.dumps(list(rowids))],
    )
    return {int(rowid) for (rowid,) in rows}


def find_grams(connection: sqlite3.Connection, term: str) -> list[str]:
    """The trigrams of the index that hold a term too short to be one, the most frequent first."""
    connection.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.grams USING fts5vocab(main, fts, row)")
    rows = connection.execute("SELECT term FROM temp.grams WHERE instr(term, ?) ORDER BY doc DESC, term", [term])
    return [gram for (gram,) in rows if holds_short(gram, term)][:MOST_GRAMS]


def read_metadata(text: str) -> Metadata:
    """Raises ``DamagedError`` for a text that ``insert_chunk`` never wrote."""
    try:
        return cast(Metadata, json.loads(text))  # written by insert_chunk
    except ValueError as error:
        raise DamagedError("the metadata of a chunk is not JSON") from error


def read_chunk(row: Sequence[object]) -> Chunk:
    name, item_id, key, text, position, start, end, timestamp, metadata, context, truncated, gap = row
    return Chunk(
        id=str(name),
        item_id=str(item_id),
        item_key=str(key),
        text=str(text),
        position=int(str(position)),
        start=int(str(start)),
        end=int(str(end)),
        timestamp=int(str(timestamp)),
        metadata=read_metadata(str(metadata)),
        context=str(context),
        truncated=bool(truncated),
        gap=None if gap is None else str(gap),
    )


def _analysed(text: str, shape: IndexShape) -> str:
    if shape.analyser is None or shape.tokenizer is None:
        return text
    return analyse(text, shape.analyser, STRETCHES[shape.tokenizer])


def trouble_of(index: str, error: sqlite3.DatabaseError) -> BackendError:
    """Damage only where SQLite says so; a broken rule, a full disk or a lock leaves the index as it was."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in DAMAGE or isinstance(error, DamagedError) or str(error).startswith(SAYS_DAMAGE):
        return IndexCorruptError(
            f"index {index} cannot be read ({error}). The server rebuilds it from the stored files."
        )
    if code == sqlite3.SQLITE_FULL:
        return StorageFullError(f"could not write to index {index}: the disk is full. Free some space.")
    if isinstance(error, sqlite3.IntegrityError):
        return BackendError(f"index {index} refused a write ({error}): nothing was written")
    return BackendError(f"could not use index {index}: {error}")


def read_matrix(connection: sqlite3.Connection) -> Matrix:
    """The vectors of the whole index."""
    connection.execute("BEGIN")
    try:
        generation, dimensions = read_generation(connection), read_shape(connection).dimensions
        rows = connection.execute(
            "SELECT rowid, id, item_id, metadata, vector FROM chunks LEFT JOIN vectors USING (rowid) ORDER BY rowid"
        )
        whole = (make_row(row, dimensions) for row in rows)
        return Matrix(generation, dimensions).extended(generation, "", whole)
    finally:
        connection.execute("COMMIT")
