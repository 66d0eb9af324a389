"""The SQL database of accounts: SQLite, or PostgreSQL for many machines. It is migrated on first use."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from accounts.errors import DatabaseTooNew, NoSuchOrganisation, UnsupportedDatabase
from accounts.forms import SLUG
from accounts.tables import OrganisationRow

#: The newest migration. A database that has it is used without importing Alembic, which is slow.
HEAD = "0008"
MIGRATIONS = Path(__file__).parent / "migrations"

_BUSY_TIMEOUT_MS = 10_000

#: An arbitrary number, the same in every process that migrates.
_SCHEMA_LOCK = 0x1ABE15

#: Alembic's environment is global to the process, so only one thread migrates at a time.
_MIGRATING = threading.Lock()

#: How a process names itself, and how soon it notices that the server's machine has vanished: within half a minute, where
#: the system's own limits may take hours.
_PARAMETERS = {
    "application_name": "labels",
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}

#: INSERT … ON CONFLICT is not in SQLAlchemy's common dialect.
_INSERTS: dict[str, Callable[[Any], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class PoolSettings(BaseSettings):
    """How many connections of a PostgreSQL database a process keeps."""

    model_config = SettingsConfigDict(env_prefix="LABELS_", extra="ignore")

    database_pool_size: int = Field(default=4, ge=1, le=100)


def with_driver(url: str, driver: str) -> URL:
    """Return the URL, with this driver if it is one of PostgreSQL that names none. Raises sqlalchemy's ArgumentError."""
    parsed = make_url(url)
    plain = parsed.drivername in {"postgresql", "postgres"}
    return parsed.set(drivername=f"postgresql+{driver}") if plain else parsed


def noticing_loss(url: URL) -> URL:
    """Return the URL of a PostgreSQL database with parameters of libpq, except those that it has."""
    return url.set(query={**_PARAMETERS, **url.query})


class Database:
    """The database at `url` (SQLAlchemy's form). Makes and migrates its tables on first use.

    Safe to share between threads; not across a fork. Raises UnsupportedDatabase.
    """

    def __init__(self, url: str) -> None:
        parsed = with_driver(url, "psycopg")
        dialect = parsed.get_backend_name()
        if dialect not in _INSERTS:
            raise UnsupportedDatabase(dialect)
        self._engine = _engine(parsed)
        #: Makes an INSERT that has `on_conflict_do_update` and `on_conflict_do_nothing`.
        self.insert = _INSERTS[dialect]
        self._prepared = False
        self._preparing = threading.Lock()

    @property
    def sqlite_file(self) -> Path | None:
        """The database's file. None for PostgreSQL, a database in memory, and one that a SQLite URI names."""
        url = self._engine.url
        name = url.database or ""
        is_file = url.get_backend_name() == "sqlite" and not name.startswith(("file:", ":memory:"))
        return Path(name) if name and is_file else None

    def close(self) -> None:
        """Close the connections; the next session opens new ones."""
        self._engine.dispose()

    @contextmanager
    def session(self) -> Generator[Session]:
        """Yield a session in one transaction: committed at the end of the block, rolled back on an exception."""
        self._prepare()
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    def _prepare(self) -> None:
        """Migrate the tables to HEAD unless they are there. Several processes may do so at once.

        Raises DatabaseTooNew.
        """
        if self._prepared:
            return
        with self._preparing:
            if not self._prepared:
                if (file := self.sqlite_file) is not None:
                    _make_private(file)
                if self._revision() != HEAD:
                    self._migrate()
                self._prepared = True

    def _revision(self) -> str | None:
        """Return the stored revision, or None if there is no table of revisions or no row in it."""
        stored = text("SELECT version_num FROM alembic_version")
        try:
            with self._engine.connect() as connection:
                return connection.scalar(stored)
        except DBAPIError:
            with self._engine.connect() as connection:
                if not inspect(connection).has_table("alembic_version"):
                    return None
                # Another process has made the table since, or it cannot be read, which raises.
                return connection.scalar(stored)

    def _migrate(self) -> None:
        # The process's lock first. In the other order, a thread with the database's lock could wait for a thread
        # that waits for the database.
        with _MIGRATING, self._closing_connections(), self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SCHEMA_LOCK})
            else:
                # A table is changed by copying it. To drop the old one would also delete what refers to its rows.
                connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
                # From here to the commit, nobody else writes.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            upgrade(connection)

    @contextmanager
    def _closing_connections(self) -> Generator[None]:
        """Close the connections at the end, because the setting of the migrating one must not outlive it."""
        try:
            yield
        finally:
            self._engine.dispose()


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, hide_parameters=True)
        event.listen(engine, "connect", _configure_sqlite)
        return engine
    # A connection that the server has closed is replaced before its use. Idle ones stay idle.
    size = PoolSettings().database_pool_size
    return create_engine(
        noticing_loss(url), hide_parameters=True, pool_size=size, pool_pre_ping=True, pool_use_lifo=True
    )


def _make_private(file: Path) -> None:
    """Create the file unless it is there, and let only its owner read it. SQLite's other files get its permissions."""
    file.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    status = file.stat()
    if status.st_uid == os.geteuid() and status.st_mode & 0o077:
        file.chmod(0o600)


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the missing migrations up to the revision, in the connection's transaction. Raises DatabaseTooNew."""
    from alembic import command  # noqa: PLC0415 - only a database that is behind pays for the import
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        stored = str(connection.scalar(text("SELECT version_num FROM alembic_version")))
        raise DatabaseTooNew(stored, HEAD) from error


def row_of(session: Session, slug: str) -> OrganisationRow:
    """Return the organisation's row. Raises NoSuchOrganisation."""
    # No organisation has a slug of another form, and PostgreSQL fails on some text, such as a NUL.
    known = SLUG.fullmatch(slug) is not None
    row = session.scalar(select(OrganisationRow).where(OrganisationRow.slug == slug)) if known else None
    if row is None:
        raise NoSuchOrganisation(slug)
    return row


def utc_now() -> datetime:
    """Return the time of this machine's clock."""
    return datetime.now(UTC)


def _configure_sqlite(connection: sqlite3.Connection, record: object) -> None:
    """Let readers and one writer work at once (WAL), and a second writer wait instead of failing."""
    del record
    cursor = connection.cursor()
    try:
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA foreign_keys = ON")
        _enter_wal(cursor)
        cursor.execute("PRAGMA synchronous = NORMAL")
    finally:
        cursor.close()


def _enter_wal(cursor: sqlite3.Cursor) -> None:
    # Changing the journal mode needs exclusive access, for which SQLite does not always wait its busy timeout.
    # The mode is stored in the file, so only the first processes compete for it.
    deadline = time.monotonic() + _BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
