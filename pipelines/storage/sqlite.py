"""Dagster's SQLite storages on kept connections.

Dagster opens an engine, a connection and a schema inspection for each statement, and throws them away: of a
poll's processor time that was three quarters, of a small run's a third.
"""

import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event

from pipelines.storage.dagster_storage import (
    ConfigurableClassData,
    ConsolidatedSqliteEventLogStorage,
    SqliteRunStorage,
)

_BUSY_SECONDS = 30

#: Connections that are kept; more are opened while more threads need one.
_POOL_SIZE = 8


class PooledSqliteRunStorage(SqliteRunStorage):
    """The runs. A commit is on the disk: who has a receipt has a job."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        return cls.from_local(inst_data=inst_data, **config_value)

    @contextmanager
    def connect(self) -> Generator[Connection]:
        with self._engine.begin() as connection:
            yield connection

    def has_run_stats_index_cols(self) -> bool:
        """Return True: the database was made by this version of Dagster. Its own answer inspects the schema."""
        return True

    def dispose(self) -> None:
        self._engine.dispose()

    @cached_property
    def _engine(self) -> Engine:
        return _engine(self._conn_string, synchronous="FULL")


class PooledSqliteEventLogStorage(ConsolidatedSqliteEventLogStorage):
    """The events of runs. A commit outlives the process, not a power cut: it would cost a wait per event."""

    @contextmanager
    def _connect(self) -> Generator[Connection]:
        with self._engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        super().dispose()
        self._engine.dispose()

    @cached_property
    def _engine(self) -> Engine:
        return _engine(self._conn_string, synchronous="NORMAL")


def _engine(url: str, *, synchronous: str) -> Engine:
    engine = create_engine(
        url, pool_size=_POOL_SIZE, max_overflow=-1, connect_args={"timeout": _BUSY_SECONDS}
    )

    # A forked child leaves the connections to its parent: SQLite's may not cross a fork.
    os.register_at_fork(after_in_child=partial(engine.dispose, close=False))

    @event.listens_for(engine, "connect")
    def _(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA synchronous = {synchronous}")

    return engine
