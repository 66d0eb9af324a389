"""Dagster's SQLite storages with a pool of connections.

Dagster opens an engine and a connection and inspects the schema for each statement. That took three quarters of the
processor time of a poll, and a third of that of a small run.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property, partial
from typing import Any, Self, TypeVar, cast

from dagster import DagsterInstance, EventLogEntry
from sqlalchemy import Connection, Engine, create_engine, event

from pipelines.storage.dagster_storage import (
    AssetKeyTable,
    ConfigurableClassData,
    ConsolidatedSqliteEventLogStorage,
    SqlEventLogStorageMetadata,
    SqliteRunStorage,
    SqliteScheduleStorage,
    SqlPollingEventWatcher,
)
from pipelines.storage.job_index import IndexedRuns
from pipelines.storage.kept_events import is_kept, lean

_BUSY_SECONDS = 30

#: Connections that are kept open. More are opened while more threads need one.
_POOL_SIZE = 8

_Storage = TypeVar("_Storage", bound=SqliteRunStorage | SqliteScheduleStorage)


class _Pool:
    """Connections of a database, and transactions that a thread's further connections join."""

    def __init__(self, url: str, *, synchronous: str) -> None:
        self._engine = _engine(url, synchronous=synchronous)
        self._joined = threading.local()

    @contextmanager
    def connection(self) -> Generator[Connection]:
        joined: Connection | None = getattr(self._joined, "connection", None)
        if joined is not None:
            yield joined
            return
        with self._engine.begin() as connection:
            yield connection

    @contextmanager
    def begun(self, statement: str) -> Generator[Connection]:
        with self.connection() as connection:
            if getattr(self._joined, "connection", None) is not None:
                yield connection
                return
            connection.exec_driver_sql(statement)
            self._joined.connection = connection
            try:
                yield connection
            finally:
                self._joined.connection = None

    def dispose(self) -> None:
        self._engine.dispose()


class PooledSqliteRunStorage(IndexedRuns, SqliteRunStorage):
    """The database of runs. A commit is synchronised to disk, so a job survives a power cut once accepted.

    Dagster's inspections of the schema are left out: this version made the database.
    """

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        return _opened(cls, inst_data, config_value["base_dir"], cls.build_index)

    @contextmanager
    def connect(self) -> Generator[Connection]:
        with self._pool.connection() as connection:
            yield connection

    def transaction(self) -> AbstractContextManager[Connection]:
        # Python's driver begins a transaction only before the first write. What is read before that may be outdated.
        return self._pool.begun("BEGIN IMMEDIATE")

    def snapshot(self) -> AbstractContextManager[Connection]:
        return self._pool.begun("BEGIN")

    def has_run_stats_index_cols(self) -> bool:
        return True

    def has_backfill_id_column(self) -> bool:
        return True

    def dispose(self) -> None:
        self._pool.dispose()

    @cached_property
    def _pool(self) -> _Pool:
        return _Pool(self._conn_string, synchronous="FULL")


class PooledSqliteScheduleStorage(SqliteScheduleStorage):
    """The database of ticks and of what sensors remember."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        return _opened(cls, inst_data, config_value["base_dir"])

    @contextmanager
    def connect(self) -> Generator[Connection]:
        with self._pool.connection() as connection:
            yield connection

    def dispose(self) -> None:
        self._pool.dispose()

    @cached_property
    def _pool(self) -> _Pool:
        return _Pool(self._conn_string, synchronous="FULL")


class PooledSqliteEventLogStorage(ConsolidatedSqliteEventLogStorage):
    """The database of events. A commit survives the process but not a power cut: that would cost a wait per event.

    Dagster's inspections of the schema are left out: this version made the database.
    """

    def store_event(self, event: EventLogEntry) -> None:
        """Store the event and what follows from it in one transaction, if the event is one to keep."""
        if is_kept(event):
            with self.transaction():
                super().store_event(lean(event))

    def transaction(self) -> AbstractContextManager[Connection]:
        """Begin a transaction that the events of this thread join."""
        return self._pool.begun("BEGIN IMMEDIATE")

    def has_asset_key_col(self, column_name: str) -> bool:
        return column_name in AssetKeyTable.c

    def has_table(self, table_name: str) -> bool:
        return table_name in SqlEventLogStorageMetadata.tables

    def watch(self, run_id: str, cursor: str | None, callback: Callable[[EventLogEntry, str], None]) -> None:
        """Call back with the run's new events. Dagster watches the database's file, which our commits leave alone.

        They go to its write-ahead log, and stay there while connections are kept. So the page of a run stood still.
        """
        self._watcher.watch_run(run_id, cursor, callback)

    def end_watch(self, run_id: str, handler: Callable[[EventLogEntry, str], None]) -> None:
        self._watcher.unwatch_run(run_id, handler)

    def dispose(self) -> None:
        self._watcher.close()
        super().dispose()
        self._pool.dispose()

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        del conn
        return column_name in AssetKeyTable.c

    def _event_to_row(self, event: EventLogEntry) -> dict[str, Any]:
        row = super()._event_to_row(event)
        return {**row, "event": json.dumps(json.loads(row["event"]), separators=(",", ":"))}

    @contextmanager
    def _connect(self) -> Generator[Connection]:
        with self._pool.connection() as connection:
            yield connection

    @cached_property
    def _watcher(self) -> SqlPollingEventWatcher:
        return SqlPollingEventWatcher(self)

    @cached_property
    def _pool(self) -> _Pool:
        return _Pool(self._conn_string, synchronous="NORMAL")


def events_together(instance: DagsterInstance) -> AbstractContextManager[object]:
    """Store the events of the block, which this thread logs, in one transaction."""
    storage = instance.event_log_storage
    return storage.transaction() if isinstance(storage, PooledSqliteEventLogStorage) else nullcontext()


#: Addresses of the databases whose schema this process has checked, by the folders of their storages.
_checked: dict[tuple[type, str], str] = {}


def _opened(
    kind: type[_Storage],
    inst_data: ConfigurableClassData | None,
    base_dir: str,
    prepare: Callable[[_Storage], None] = lambda _: None,
) -> _Storage:
    """Return the folder's storage. Only the first one in a process checks and prepares the database's schema.

    Every evaluation of a sensor opens the instance, and these checks took three quarters of its time.
    """
    if url := _checked.get((kind, base_dir)):
        return kind(url, inst_data)
    made = cast("_Storage", kind.from_local(base_dir, inst_data))
    prepare(made)
    _checked[kind, base_dir] = made._conn_string  # pyright: ignore[reportPrivateUsage] # noqa: SLF001
    return made


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
