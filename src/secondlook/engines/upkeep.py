"""What keeps an index file sound: how damage is recognised, what is checked, and how a file is replaced."""

import os
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from secondlook.engines.tables import COLUMNS, DamagedError, connect, make_tables, read_shape, sums_of
from secondlook.ports import IndexReport, IndexShape

DAMAGED, NEW = ".damaged", ".new"
"""Ends of the names of a file that was put aside, and of one that is not in its place yet."""
BESIDE = ("", "-wal", "-shm")
"""Ends of the names of the database, its write-ahead log, and the memory shared by its readers."""
SUFFIXES = tuple(f"{kind}{one}" for kind in ("", DAMAGED, NEW) for one in BESIDE)
"""Of all files of an index."""
MOST_PROBLEMS = 20
PARTS = {"texts": "its text", "vector": "its vector", "stored": "its token vectors"}


def find_obstacle(path: Path) -> str:
    """Why the path cannot be used as the file of an index; empty if it can."""
    try:
        if path.is_dir():
            return "a folder is in the place of its file"
        if not path.is_file():
            return "its file is missing"
        if not path.stat().st_size:
            return "its file is empty"
        if not os.access(path, os.R_OK | os.W_OK):
            return "this user may not read and write its file"
    except OSError as error:
        return f"its file cannot be reached: {error.strerror}"
    return ""


def find_missing(path: Path) -> DamagedError | None:
    """That the file is gone, if it is: of one that is dropped while it is read SQLite says that the disk is broken."""
    return None if os.path.lexists(path) else DamagedError(find_obstacle(path))


def remove(path: Path) -> None:
    """Remove whatever has that name; nothing happens if there is nothing."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def beside(path: Path, suffix: str) -> Path:
    """The path with the suffix behind its name."""
    return path.with_name(path.name + suffix)


def replace_file(path: Path, shape: IndexShape, why: str) -> None:
    """Put whatever is at the path aside, and an empty index that says why it is empty in its place.

    The new file is whole before it gets its name: a crash leaves either no index or this one.
    """
    for one in BESIDE:
        remove(beside(path, NEW + one))
    with closing(connect(beside(path, NEW), make=True)) as connection, connection:
        make_tables(connection, shape)
        note_problem(connection, why)
    for one in BESIDE:
        source, target = beside(path, one), beside(path, DAMAGED + one)
        remove(target)
        if os.path.lexists(source):
            source.rename(target)
    beside(path, NEW).rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def remove_damaged(path: Path) -> None:
    """Remove the file that was put aside."""
    for one in BESIDE:
        remove(beside(path, DAMAGED + one))


def note_problem(connection: sqlite3.Connection, why: str) -> None:
    """Say why the index does not hold everything yet; with nothing to say, it does."""
    if why:
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('problem', ?)", [why])
    else:
        connection.execute("DELETE FROM meta WHERE key = 'problem'")


def read_problem(connection: sqlite3.Connection) -> str:
    """Why the index does not hold everything yet; empty if it does."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'problem'").fetchone()
    return str(row[0]) if row else ""


def count_by_item(connection: sqlite3.Connection) -> dict[str, int]:
    """How many chunks of each item there are."""
    return dict(connection.execute("SELECT item_id, count(*) FROM chunks GROUP BY item_id"))


def check_file(path: Path) -> IndexReport:
    """What SQLite finds wrong with the file, and the items of which a checksum is not that of what was written."""
    if obstacle := find_obstacle(path):
        return IndexReport((obstacle,))
    try:
        with closing(connect(path)) as connection:
            connection.text_factory = lambda content: content.decode(errors="replace")
            problems = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({MOST_PROBLEMS})")]
            problems = [" ".join(one.split()) for one in problems if one != "ok"]
            if problems:
                return IndexReport(tuple(problems))
            shape = read_shape(connection)
            _check_keywords(connection, shape)
            return IndexReport((), _find_damaged_items(connection, shape))
    except (sqlite3.DatabaseError, KeyError, ValueError) as error:
        return IndexReport((str(error) or type(error).__name__,))


def _check_keywords(connection: sqlite3.Connection, shape: IndexShape) -> None:
    """Raises ``sqlite3.DatabaseError`` if the keyword index does not fit the texts; it writes nothing.

    https://www.sqlite.org/fts5.html#the_integrity_check_command
    """
    if not shape.tokenizer:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        rank = 0 if shape.analyser else 1
        connection.execute("INSERT INTO fts(fts, rank) VALUES ('integrity-check', ?)", [rank])
    finally:
        connection.execute("ROLLBACK")


def _find_damaged_items(connection: sqlite3.Connection, shape: IndexShape) -> Mapping[str, str]:
    """Of each damaged item, what is wrong with a chunk of it; rows of earlier releases have no checksums."""
    has_sums = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sums'").fetchone()
    sums = "sums.texts, sums.vector, sums.stored" if has_sums else "NULL, NULL, NULL"
    joined = "LEFT JOIN sums USING (rowid)" if has_sums else ""
    rows = connection.execute(
        f"SELECT {COLUMNS}, vectors.vector, stored.data, {sums} FROM chunks"
        f" LEFT JOIN vectors USING (rowid) LEFT JOIN stored USING (rowid) {joined}"
    )
    width, found = len(COLUMNS.split(", ")), {}
    for row in rows:
        values, (vector, data, *written) = row[:width], row[width:]
        item_id, position = str(values[1]), values[4]
        if vector is not None and shape.dimensions and len(vector) != 4 * shape.dimensions:
            found[item_id] = f"the vector of chunk {position} has the wrong length"
        for part, was, now in zip(PARTS, written, sums_of(values, vector, data), strict=True):
            if was is not None and now is not None and was != now:
                found[item_id] = f"chunk {position}: {PARTS[part]} changed on the disk"
    return found


def list_files(folder: Path) -> Sequence[str]:
    """The names that files of indexes have."""
    ends = tuple(f".sqlite{suffix}" for suffix in SUFFIXES)
    return sorted({path.name.split(".sqlite")[0] for path in folder.iterdir() if path.name.endswith(ends)})
