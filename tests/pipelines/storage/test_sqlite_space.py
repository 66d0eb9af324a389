"""A database's free pages are returned to the file system while others use the database."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipelines.storage import sqlite_space
from pipelines.storage.sqlite_space import give_back

ROWS = 2_000


def fill(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE IF NOT EXISTS kept (id INTEGER PRIMARY KEY, text TEXT)")
        connection.execute(
            "INSERT INTO kept (text) WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT ?)"
            " SELECT hex(randomblob(500)) FROM n",
            (ROWS,),
        )


def empty(path: Path, keep: int) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM kept WHERE id > ?", (keep,))


def rows(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT count(*) FROM kept").fetchone()[0]


def test_the_file_shrinks_the_first_time_and_again(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    for _ in range(2):
        fill(path)
        full = path.stat().st_size
        empty(path, keep=10)
        assert give_back(path, least_free_pages=10) > full / 2
        assert path.stat().st_size < full / 10
        assert rows(path) == 10


def test_a_file_with_little_to_give_back_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    fill(path)
    empty(path, keep=ROWS - ROWS // 10)
    before = path.read_bytes()
    assert give_back(path, least_free_pages=10) == 0
    assert path.read_bytes() == before


def test_a_database_that_others_hold_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_space, "_BUSY_SECONDS", 0.0)
    path = tmp_path / "runs.db"
    fill(path)
    empty(path, keep=10)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            give_back(path, least_free_pages=10)
    assert rows(path) == 10
