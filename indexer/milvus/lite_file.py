"""The file of a Milvus Lite server: a SQLite database that lacks an index by primary key and a log of commits."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

from indexer.errors import StoreUnavailable

_KEY = "milvus_id"
"""The column of a collection's table that holds the primary key."""
_TABLES = f"""
    SELECT name FROM sqlite_master AS found WHERE type = 'table'
    AND EXISTS (SELECT 1 FROM pragma_table_info(found.name) WHERE name = '{_KEY}')
    AND NOT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'index' AND tbl_name = found.name)
"""

log = logging.getLogger(__name__)


def log_ahead(database: Path, deadline_s: float) -> None:
    """Have Milvus Lite 2.5 commit to a log beside its file, from which SQLite moves the pages on now and then.

    It commits twice an upsert, each time with four syncs of the disk, one after another: rows replaced, and the file
    that could have set them back removed. With the log it is one sync a commit, and what is committed is as durable.
    The file keeps the setting. Safe while the server runs, and in several processes at once: where the file is locked,
    or on a file system that cannot share the log, all stays as it was.

    Args:
        database: the file; nothing is done where there is none.
        deadline_s: the longest to wait for the server to let go of the file.
    """
    if not database.is_file():
        return
    try:
        with closing(sqlite3.connect(database, timeout=deadline_s, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
    except sqlite3.Error as error:
        log.warning("lite_file_without_log", extra={"error": str(error)[:300]})


def create_primary_key_indexes(database: Path, deadline_s: float) -> None:
    """Index the primary keys of all collections that Milvus Lite 2.5 keeps in a file.

    It makes its tables without, and so reads a whole table for each row that an upsert or a delete replaces: 21 ms for
    10,000 products, and in proportion for more. With the index it is 1 ms. Safe while the server runs: SQLite locks the
    file, and a write of the server's that comes meanwhile is refused and can be repeated. Safe in several processes at
    once: one makes the indexes, the others wait for it. Once done, this only looks.

    Args:
        database: the file; nothing is done where there is none.
        deadline_s: the longest to wait for the server to let go of the file.

    Raises:
        StoreUnavailable: the file cannot be opened, or is locked for longer.
    """
    if not database.is_file():
        return
    try:
        with closing(sqlite3.connect(database, timeout=deadline_s, isolation_level=None)) as connection:
            if connection.execute(_TABLES).fetchall():
                _index_missing(connection)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{database} cannot be given an index by primary key: {error}") from error


def _index_missing(connection: sqlite3.Connection) -> None:
    """Index the tables that lack it, in one transaction."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        # Looked for again under the lock: since then another process may have made an index, or a table may be gone.
        for (table,) in connection.execute(_TABLES).fetchall():
            connection.execute(f'CREATE INDEX "{table}_by_{_KEY}" ON "{table}" ({_KEY})')
