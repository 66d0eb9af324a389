"""Dagster's SQLite storages with a pool of connections.

Dagster opens an engine and a connection and inspects the schema for each statement. That took three quarters of the
processor time of a poll, and a third of that of a small run.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property, partial
from typing import Any, Self

from dagster import EventLogEntry
from sqlalchemy import Connection, Engine, create_engine, event

from pipelines.storage.dagster_storage import (
    ConfigurableClassData,
    ConsolidatedSqliteEventLogStorage,
    SqlEventLogStorageMetadata,
    SqliteRunStorage,
)
from pipelines.storage.job_index import IndexedRuns
from pipelines.storage.kept_events import is_kept, lean

_BUSY_SECONDS = 30

#: Connections that are kept open. More are opened while more threads need one.
_POOL_SIZE = 8


class _Pooled:
    """Connections from a pool, and transactions that a thread's further connections join."""

    _engine: Engine

    @contextmanager
    def _connection(self) -> Generator[Connection]:
        joined: Connection | None = getattr(self._joined, "connection", None)
        if joined is not None:
            yield joined
            return
        with self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _begun(self, statement: str) -> Generator[Connection]:
        with self._connection() as connection:
            if getattr(self._joined, "connection", None) is not None:
                yield connection
                return
            connection.exec_driver_sql(statement)
            self._joined.connection = connection
            try:
                yield connection
            finally:
                self._joined.connection = None

    @cached_property
    def _joined(self) -> threading.local:
        return threading.local()


class PooledSqliteRunStorage(_Pooled, IndexedRuns, SqliteRunStorage):
    """The database of runs. A commit is synchronised to disk, so a job survives a power cut once accepted."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        made = cls.from_local(inst_data=inst_data, **config_value)
        made.build_index()
        return made

    def connect(self) -> AbstractContextManager[Connection]:
        return self._connection()

    def transaction(self) -> AbstractContextManager[Connection]:
        # Python's driver begins a transaction only before the first write. What is read before that may be outdated.
        return self._begun("BEGIN IMMEDIATE")

    def snapshot(self) -> AbstractContextManager[Connection]:
        return self._begun("BEGIN")

    def has_run_stats_index_cols(self) -> bool:
        """Return True without Dagster's inspection of the schema: this version made the database."""
        return True

    def dispose(self) -> None:
        self._engine.dispose()

    @cached_property
    def _engine(self) -> Engine:
        return _engine(self._conn_string, synchronous="FULL")


class PooledSqliteEventLogStorage(_Pooled, ConsolidatedSqliteEventLogStorage):
    """The database of events. A commit survives the process but not a power cut: that would cost a wait per event."""

    def store_event(self, event: EventLogEntry) -> None:
        """Store the event and what follows from it in one transaction, if the event is one to keep."""
        if is_kept(event):
            with self._begun("BEGIN IMMEDIATE"):
                super().store_event(lean(event))

    def _event_to_row(self, event: EventLogEntry) -> dict[str, Any]:
        row = super()._event_to_row(event)
        return {**row, "event": json.dumps(json.loads(row["event"]), separators=(",", ":"))}

    def has_table(self, table_name: str) -> bool:
        """Return True without Dagster's inspection of the schema: this version made the database."""
        return table_name in SqlEventLogStorageMetadata.tables

    def _has_asset_key_index_cols_on_connection(self, conn: Connection) -> bool:
        del conn
        return True

    def _connect(self) -> AbstractContextManager[Connection]:
        return self._connection()

    def dispose(self) -> None:
        super().dispose()
        self._engine.dispose()

    @cached_property
    def _engine(self) -> Engine:
        return _engine(self._conn_string, synchronous="NORMAL")


def _engine(url: str, *, synchronous: str) -> Engine:
    engine = create_engine(
        url,
        pool_size=_POOL_SIZE,
        max_overflow=-1,
        connect_args={"timeout": _BUSY_SECONDS},
        hide_parameters=True,
    )

    # SQLite connections must not cross a fork, so a forked child drops them without closing the parent's.
    os.register_at_fork(after_in_child=partial(engine.dispose, close=False))

    @event.listens_for(engine, "connect")
    def _(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA synchronous = {synchronous}")

    return engine
