"""Dagster's PostgreSQL storages with a pool of connections, and with events in the order of their ids.

All storages of a process share one pool per database, because the code server opens an instance for each evaluation of
a sensor.
"""

import os
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import cache, cached_property, partial
from typing import Any, Self, TypeVar

from dagster import DagsterEvent, EventLogEntry
from dagster_postgres import PostgresEventLogStorage, PostgresRunStorage, PostgresScheduleStorage
from sqlalchemy import Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import OperationalError

from accounts.database import noticing_loss, with_driver
from pipelines.settings import DagsterSettings
from pipelines.storage.dagster_storage import ConfigurableClassData, RunsTable
from pipelines.storage.databases.pool import Pool, PooledEvents, PooledRuns

#: Numbers of advisory locks: one to create or change tables, one to insert events.
_SCHEMA_LOCK, _EVENTS_LOCK = 0x1ABE16, 0x1ABE17

#: A process that holds the lock on events and is idle for this long loses its connection. Others wait meanwhile.
_STOPPED_SECONDS = 15

#: Connections beyond the pool's size, for a thread that needs two: a change of a run that removes the run's events.
#: Other threads wait for a free connection, which is faster than opening one.
_MOST_MORE = 2

_ASK_AGAIN_SECONDS = 0.1

#: A server that restarts refuses connections for some seconds.
_PAUSES_SECONDS = (0.2, 0.4, 0.8, 1.6, 3.2)

#: Retries of storing an event or its effect on the run. Each retry waits for a connection as above. By the end the
#: run's lease is lost anyway.
_STORED_AGAIN = 2

_Storage = TypeVar("_Storage", bound=PostgresRunStorage | PostgresEventLogStorage | PostgresScheduleStorage)


class _Server(Pool):
    """Connections of a database. A statement outside of a transaction commits by itself."""

    def __init__(self, url: str) -> None:
        self._engine = engine_of(url)
        super().__init__(partial(_connected, self._engine))

    def begun(self, isolation: str, **options: bool) -> AbstractContextManager[Connection]:
        """Begin a transaction with this level of isolation."""
        engine = self._engine.execution_options(isolation_level=isolation, **options)

        @contextmanager
        def begin() -> Generator[Connection]:
            with _connected(engine) as connection, connection.begin():
                yield connection

        return self.joined(begin)


class _OnServer:
    """Common to the three storages: the server's connections, and the statement timeout that the UI sets."""

    postgres_url: str

    def optimize_for_webserver(self, statement_timeout: int, pool_recycle: int, max_overflow: int) -> None:
        del pool_recycle, max_overflow
        _limit_statements(self.postgres_url, statement_timeout)

    @cached_property
    def _pool(self) -> _Server:
        return _Server(self.postgres_url)


class PooledPostgresRunStorage(_OnServer, PooledRuns, PostgresRunStorage):
    """The tables of runs."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        return _opened(cls, inst_data, config_value, cls.build_index)

    @contextmanager
    def transaction(self, *run_ids: str) -> Generator[Connection]:
        with self._pool.begun("READ COMMITTED") as connection:
            if run_ids:
                its = select(RunsTable.c.id).where(RunsTable.c.run_id.in_(run_ids)).order_by(RunsTable.c.id)
                connection.execute(its.with_for_update())
            yield connection

    def snapshot(self) -> AbstractContextManager[Connection]:
        return self._pool.begun("REPEATABLE READ", postgresql_readonly=True)

    def handle_run_event(
        self, run_id: str, event: DagsterEvent, update_timestamp: datetime | None = None
    ) -> None:
        _retried_if_lost(self._pool, partial(super().handle_run_event, run_id, event, update_timestamp))

    def add_run_tags(self, run_id: str, new_tags: Mapping[str, str]) -> None:
        _retried_if_lost(self._pool, partial(super().add_run_tags, run_id, new_tags))


class PooledPostgresScheduleStorage(_OnServer, PostgresScheduleStorage):
    """The tables of ticks and of the state of sensors."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        return _opened(cls, inst_data, config_value)

    @contextmanager
    def connect(self, run_id: str | None = None) -> Generator[Connection]:
        del run_id
        with self._pool.connection() as connection:
            yield connection


class PooledPostgresEventLogStorage(_OnServer, PooledEvents, PostgresEventLogStorage):
    """The tables of events."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        return _opened(cls, inst_data, config_value)

    @contextmanager
    def transaction(self) -> Generator[Connection]:
        """Begin a transaction that the events of this thread join. No other process inserts events until it ends.

        An event gets its id before it is committed. Without the lock, an event with a greater id may be committed
        earlier, and readers that ask for events after the last one they saw would miss the first. The server closes the
        connection of a process that holds the lock and is idle, because it is paused or unreachable.
        """
        with self._pool.begun("READ COMMITTED") as connection:
            limit = func.set_config("idle_in_transaction_session_timeout", f"{_STOPPED_SECONDS}s", True)
            connection.execute(select(limit, func.pg_advisory_xact_lock(_EVENTS_LOCK)))
            yield connection

    def store_event(self, event: EventLogEntry) -> None:
        _retried_if_lost(self._pool, partial(super().store_event, event))

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        _retried_if_lost(self._pool, partial(super().store_event_batch, events))


@contextmanager
def schema_lock(url: str) -> Generator[None]:
    """Lock the creation and change of tables of the database for the block.

    Waiting processes poll for the lock, each time in a new transaction. Some of Dagster's migrations use CREATE INDEX
    CONCURRENTLY, which waits for all open transactions, also those that wait for the lock.
    """
    engine = engine_of(url).execution_options(isolation_level="READ COMMITTED")
    while True:
        with engine.begin() as connection:
            if connection.scalar(select(func.pg_try_advisory_xact_lock(_SCHEMA_LOCK))):
                yield
                return
        time.sleep(_ASK_AGAIN_SECONDS)


#: The storages whose tables this process has checked, by class and address of the database.
_checked: set[tuple[type, str]] = set()


def _opened(
    kind: type[_Storage],
    inst_data: ConfigurableClassData | None,
    config_value: Any,
    prepare: Callable[[_Storage], None] = lambda _: None,
) -> _Storage:
    """Return the storage of the database. Only the first one in a process checks the tables."""
    url = with_driver(config_value["postgres_url"], "psycopg2").render_as_string(hide_password=False)
    if (kind, url) in _checked:
        return kind(url, should_autocreate_tables=False, inst_data=inst_data)
    with schema_lock(url):
        made = kind(url, inst_data=inst_data)
        prepare(made)
    _checked.add((kind, url))
    return made


@cache
def engine_of(url: str) -> Engine:
    """Return this process's connection pool of the database."""
    engine = create_engine(
        noticing_loss(make_url(url)),
        isolation_level="AUTOCOMMIT",
        pool_size=DagsterSettings().dagster_pool_size,
        max_overflow=_MOST_MORE,
        pool_pre_ping=True,
        # Last in, first out, so that no more connections are used than are needed at once.
        pool_use_lifo=True,
        hide_parameters=True,
    )
    # A forked child drops the connections without closing the parent's.
    os.register_at_fork(after_in_child=partial(engine.dispose, close=False))

    @event.listens_for(engine, "connect")
    def _(connection: Any, _: object) -> None:
        # Dagster's columns store times without a zone. The server fills them with the time of the session's zone.
        with connection, connection.cursor() as cursor:
            cursor.execute("SET TIME ZONE 'UTC'")

    return engine


@cache
def _limit_statements(url: str, timeout_ms: int) -> None:
    """Set the server's statement timeout for all connections of this process."""
    engine = engine_of(url)

    @event.listens_for(engine, "connect")
    def _(connection: Any, _: object) -> None:
        with connection, connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = {timeout_ms:d}")

    engine.dispose()


def _retried_if_lost(pool: Pool, store: Callable[[], None]) -> None:
    """Retry on another connection if the server closed this one, unless it belongs to a longer transaction.

    Dagster treats an event or a status that cannot be stored as a failure of the step or the run, outside the step's
    own retries. If only the answer to the commit was lost, the event is stored twice; its readers count it once.
    """
    for _ in range(_STORED_AGAIN):
        try:
            store()
        except OperationalError:
            if pool.is_joined:
                raise
        else:
            return
    store()


def _connected(engine: Engine) -> Connection:
    """Return a connection. Wait some seconds if the server restarts. Raises OperationalError after that."""
    for seconds in _PAUSES_SECONDS:
        try:
            return engine.connect()
        except OperationalError:
            time.sleep(seconds)
    return engine.connect()
