"""Return the free pages of a SQLite database to the file system while other processes use it."""

import sqlite3
from contextlib import closing
from pathlib import Path

_BUSY_SECONDS = 5.0
_INCREMENTAL = 2

#: SQLite reuses free pages, so a file is shrunk only if it has at least so many and they are a quarter of it.
_LEAST_FREE_PAGES = 1_000
_STEP_PAGES = 2_000


def give_back(path: Path, *, least_free_pages: int = _LEAST_FREE_PAGES) -> int:
    """Shrink the file if at least a quarter of it is free. Return the bytes freed.

    A database that was created without incremental vacuum is rewritten once, during which writers wait. Later calls
    shrink it in short steps, between which others can write. Raises sqlite3.OperationalError, without harm, if others
    lock the database for five seconds.
    """
    with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:

        def number(pragma: str) -> int:
            return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])

        before, free = number("page_count"), number("freelist_count")
        if free < least_free_pages or free * 4 < before:
            return 0
        if number("auto_vacuum") == _INCREMENTAL:
            while number("freelist_count"):
                connection.execute(f"PRAGMA incremental_vacuum({_STEP_PAGES})").fetchall()
        else:
            connection.execute(f"PRAGMA auto_vacuum = {_INCREMENTAL}")
            connection.execute("VACUUM")
        # The file shrinks when its log is written back. If readers prevent that now, a later writer does it.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return (before - number("page_count")) * number("page_size")
