"""Dagster's PostgreSQL storages with a pool of connections, and with events in the order of their ids.

All storages of a process share the pool of their database, and keep it: the code server opens an instance for each
evaluation of a sensor.
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

#: Numbers of advisory locks, which a database has for its applications: for who creates or changes tables, and for who
#: inserts events.
_SCHEMA_LOCK, _EVENTS_LOCK = 0x1ABE16, 0x1ABE17

#: Who holds the lock on events and says nothing for so long is taken for stopped. Everybody else waits meanwhile.
_STOPPED_SECONDS = 15

#: Connections besides the kept ones, for a thread that needs two: a change of a run that removes the run's events. Other
#: threads wait for their turn, which is sooner than a connection opens.
_MOST_MORE = 2

_ASK_AGAIN_SECONDS = 0.1

#: A server that starts again refuses connections for some seconds.
_PAUSES_SECONDS = (0.2, 0.4, 0.8, 1.6, 3.2)

#: How often an event, or what follows from it for its run, is stored anew. Each waits for a connection as above: by then the run's lease is lost anyway.
_STORED_AGAIN = 2

_Storage = TypeVar("_Storage", bound=PostgresRunStorage | PostgresEventLogStorage | PostgresScheduleStorage)


class _Server(Pool):
    """Connections of a database. A statement outside of a transaction is one of its own."""

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
    """What the three storages have in common: the server's connections, and the limit that the UI sets."""

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
        _again_if_lost(self._pool, partial(super().handle_run_event, run_id, event, update_timestamp))

    def add_run_tags(self, run_id: str, new_tags: Mapping[str, str]) -> None:
        _again_if_lost(self._pool, partial(super().add_run_tags, run_id, new_tags))


class PooledPostgresScheduleStorage(_OnServer, PostgresScheduleStorage):
    """The tables of ticks and of what sensors remember."""

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
        """Begin a transaction that the events of this thread join. No other one inserts events until it ends.

        An event gets its id before it is committed. Without the lock an event with a greater id may be committed
        before it, and those who ask for the events after the last one that they saw never see it. The server ends the
        connection of a process that holds the lock and says nothing, because it was stopped or its machine is unreachable.
        """
        with self._pool.begun("READ COMMITTED") as connection:
            limit = func.set_config("idle_in_transaction_session_timeout", f"{_STOPPED_SECONDS}s", True)
            connection.execute(select(limit, func.pg_advisory_xact_lock(_EVENTS_LOCK)))
            yield connection

    def store_event(self, event: EventLogEntry) -> None:
        _again_if_lost(self._pool, partial(super().store_event, event))

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        _again_if_lost(self._pool, partial(super().store_event_batch, events))


@contextmanager
def schema_lock(url: str) -> Generator[None]:
    """Let nobody else create or change tables of the database until the block ends.

    Who waits asks again and again, in a new transaction each time. CREATE INDEX CONCURRENTLY, which some of Dagster's
    migrations say, waits for the end of every transaction that executes a statement, also if that waits for the lock.
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
    """Return the storage of the database. Only the first one in a process looks for its tables."""
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
    """Return this process's connections of the database."""
    engine = create_engine(
        noticing_loss(make_url(url)),
        isolation_level="AUTOCOMMIT",
        pool_size=DagsterSettings().dagster_pool_size,
        max_overflow=_MOST_MORE,
        pool_pre_ping=True,
        # The oldest ones stay idle, so that there are no more than are needed at once.
        pool_use_lifo=True,
        hide_parameters=True,
    )
    # A forked child drops the connections without closing the parent's.
    os.register_at_fork(after_in_child=partial(engine.dispose, close=False))

    @event.listens_for(engine, "connect")
    def _(connection: Any, _: object) -> None:
        # Dagster's columns have times without a zone, which the server fills in with those of the session's zone.
        with connection, connection.cursor() as cursor:
            cursor.execute("SET TIME ZONE 'UTC'")

    return engine


@cache
def _limit_statements(url: str, timeout_ms: int) -> None:
    """Let the server end every statement of this process that takes longer."""
    engine = engine_of(url)

    @event.listens_for(engine, "connect")
    def _(connection: Any, _: object) -> None:
        with connection, connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = {timeout_ms:d}")

    engine.dispose()


def _again_if_lost(pool: Pool, store: Callable[[], None]) -> None:
    """Store anew on another connection if the server closed this one, unless it belongs to a longer transaction.

    Dagster takes an event or a status that cannot be stored for a failure of the step or the run, beside the step's own
    retries. If only the answer to the commit was lost, it is stored twice, which its readers take for once.
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
    """Return a connection, after some seconds if the server starts again. Raises OperationalError."""
    for seconds in _PAUSES_SECONDS:
        try:
            return engine.connect()
        except OperationalError:
            time.sleep(seconds)
    return engine.connect()
