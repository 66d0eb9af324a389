"""Shared parts of Dagster's storages on SQLite and PostgreSQL: pooled connections and the choice of events.

Dagster opens an engine and a connection and inspects the schema for each statement. That took three quarters of the
processor time of a poll, and a third of that of a small run. The inspections are left out, because `schema` has created
the tables.
"""

import json
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from typing import Any

from dagster import DagsterInstance, EventLogEntry
from sqlalchemy import Connection

from pipelines.storage.dagster_storage import (
    AssetKeyTable,
    SqlEventLogStorage,
    SqlEventLogStorageMetadata,
    SqlPollingEventWatcher,
)
from pipelines.storage.job_index import IndexedRuns
from pipelines.storage.kept_events import is_kept, lean

#: A function that opens a connection and closes it at the end of the block.
Opening = Callable[[], AbstractContextManager[Connection]]


class Pool:
    """Connections of a storage. While a thread is in a transaction, its further connections join that transaction."""

    def __init__(self, connect: Opening) -> None:
        self._connect = connect
        self._joined = threading.local()

    @contextmanager
    def connection(self) -> Generator[Connection]:
        """Yield the connection of this thread's transaction, or a new one if there is none."""
        joined: Connection | None = getattr(self._joined, "connection", None)
        if joined is not None:
            yield joined
            return
        with self._connect() as connection:
            yield connection

    @property
    def is_joined(self) -> bool:
        """Whether this thread is in a transaction that its further connections join."""
        return getattr(self._joined, "connection", None) is not None

    @contextmanager
    def joined(self, begin: Opening) -> Generator[Connection]:
        """Begin a transaction that this thread's further connections join, unless it is in one."""
        current: Connection | None = getattr(self._joined, "connection", None)
        if current is not None:
            yield current
            return
        with begin() as connection:
            self._joined.connection = connection
            try:
                yield connection
            finally:
                self._joined.connection = None


class PooledRuns(IndexedRuns):
    """A run storage whose connections come from a pool."""

    @cached_property
    def _pool(self) -> Pool:
        raise NotImplementedError

    @contextmanager
    def connect(self) -> Generator[Connection]:
        with self._pool.connection() as connection:
            yield connection

    def has_run_stats_index_cols(self) -> bool:
        return True

    def has_backfill_id_column(self) -> bool:
        return True


class PooledEvents(SqlEventLogStorage):
    """An event storage whose connections come from a pool. It stores only the events that `is_kept` selects."""

    @cached_property
    def _pool(self) -> Pool:
        raise NotImplementedError

    def transaction(self) -> AbstractContextManager[Connection]:
        """Begin a transaction that the events of this thread join."""
        raise NotImplementedError

    def store_event(self, event: EventLogEntry) -> None:
        """Store the event and its effects in one transaction, if `is_kept` selects it.

        It calls the base class directly. The method of dagster-postgres adds a NOTIFY, which has no listener and takes
        a lock on the whole server.
        """
        if is_kept(event):
            with self.transaction():
                SqlEventLogStorage.store_event(self, lean(event))

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store the events that `is_kept` selects, in one transaction."""
        if kept := [lean(event) for event in events if is_kept(event)]:
            with self.transaction():
                super().store_event_batch(kept)

    def has_asset_key_col(self, column_name: str) -> bool:
        return column_name in AssetKeyTable.c

    def has_table(self, table_name: str) -> bool:
        return table_name in SqlEventLogStorageMetadata.tables

    def watch(self, run_id: str, cursor: str | None, callback: Callable[[EventLogEntry, str], None]) -> None:
        """Call `callback` with the run's new events.

        Dagster's own class watches the file of a SQLite database. Our commits do not change that file: they go to its
        write-ahead log and stay there while connections are open. So the page of a run would not update.
        """
        self._watcher.watch_run(run_id, cursor, callback)

    def end_watch(self, run_id: str, handler: Callable[[EventLogEntry, str], None]) -> None:
        self._watcher.unwatch_run(run_id, handler)

    def dispose(self) -> None:
        self._watcher.close()
        super().dispose()

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


def events_together(instance: DagsterInstance) -> AbstractContextManager[object]:
    """Store the events that this thread logs during the block in one transaction."""
    storage = instance.event_log_storage
    return storage.transaction() if isinstance(storage, PooledEvents) else nullcontext()
