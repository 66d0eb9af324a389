"""Dagster's SQLite storages with a pool of connections."""

import os
import sqlite3
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property, partial
from typing import Any, Self, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine, event

from pipelines.storage.dagster_storage import (
    ConfigurableClassData,
    ConsolidatedSqliteEventLogStorage,
    SqliteRunStorage,
    SqliteScheduleStorage,
)
from pipelines.storage.databases.pool import Pool, PooledEvents, PooledRuns

_BUSY_SECONDS = 30

#: Connections that are kept open. More are opened when more threads need one at once.
_POOL_SIZE = 8

_Storage = TypeVar("_Storage", bound=SqliteRunStorage | SqliteScheduleStorage)


class _File(Pool):
    """Connections of a database file. Python's driver begins a transaction before the first write of each."""

    def __init__(self, url: str, *, synchronous: str) -> None:
        self._engine = _engine(url, synchronous=synchronous)
        super().__init__(self._engine.begin)

    def begun(self, statement: str) -> AbstractContextManager[Connection]:
        """Begin a transaction with the statement."""

        @contextmanager
        def begin() -> Generator[Connection]:
            with self._engine.begin() as connection:
                connection.exec_driver_sql(statement)
                yield connection

        return self.joined(begin)

    def dispose(self) -> None:
        self._engine.dispose()


class PooledSqliteRunStorage(PooledRuns, SqliteRunStorage):
    """The database of runs. A commit is synchronised to disk, so a job survives a power cut once accepted."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        return _opened(cls, inst_data, config_value["base_dir"], cls.build_index)

    def transaction(self, *run_ids: str) -> AbstractContextManager[Connection]:
        del run_ids  # there is one writer at a time
        # Python's driver begins a transaction only before the first write. What is read before that may be outdated.
        return self._pool.begun("BEGIN IMMEDIATE")

    def snapshot(self) -> AbstractContextManager[Connection]:
        return self._pool.begun("BEGIN")

    def dispose(self) -> None:
        self._pool.dispose()

    @cached_property
    def _pool(self) -> _File:
        return _File(self._conn_string, synchronous="FULL")


class PooledSqliteScheduleStorage(SqliteScheduleStorage):
    """The database of ticks and of the state of sensors."""

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
    def _pool(self) -> _File:
        return _File(self._conn_string, synchronous="FULL")


class PooledSqliteEventLogStorage(PooledEvents, ConsolidatedSqliteEventLogStorage):
    """The database of events. A commit survives a killed process but not a power cut.

    Syncing each event to disk would be too slow.
    """

    def transaction(self) -> AbstractContextManager[Connection]:
        return self._pool.begun("BEGIN IMMEDIATE")

    def dispose(self) -> None:
        super().dispose()
        self._pool.dispose()

    @cached_property
    def _pool(self) -> _File:
        return _File(self._conn_string, synchronous="NORMAL")


#: Addresses of the databases whose schema this process has checked, by class and folder of their storages.
_checked: dict[tuple[type, str], str] = {}


def _opened(
    kind: type[_Storage],
    inst_data: ConfigurableClassData | None,
    base_dir: str,
    prepare: Callable[[_Storage], None] = lambda _: None,
) -> _Storage:
    """Return the folder's storage. Only the first one in a process checks and prepares the database's schema.

    Every evaluation of a sensor opens the instance, and the checks took three quarters of that time.
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
