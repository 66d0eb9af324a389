"""Gives the free pages of a SQLite database back to the file system, beside those who read and write it."""

import sqlite3
from contextlib import closing
from pathlib import Path

_BUSY_SECONDS = 5.0
_INCREMENTAL = 2

#: Free pages are reused, so a file shrinks only where they are many, and a quarter of it.
_LEAST_FREE_PAGES = 1_000
_STEP_PAGES = 2_000


def give_back(path: Path, *, least_free_pages: int = _LEAST_FREE_PAGES) -> int:
    """Shrink the file where at least a quarter of it is free; return the bytes given back.

    A database that was made without incremental vacuum is written anew once, and writers wait until then. From then
    on it shrinks in steps between which they get their turn. Raises sqlite3.OperationalError if others hold the
    database for five seconds: it is as good as before then.
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
        # The file itself shrinks when the log is written back; if readers prevent that now, the next writers do it.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return (before - number("page_count")) * number("page_size")
